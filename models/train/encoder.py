"""The reference encoder: VGG-16 to pool4 with unit vectors, exported to ONNX. Not trained here.

    python encoder.py --data DATA --out MODELS

Input  `image`    [1,3,256,256], RGB in [0,1] (ImageNet normalisation is inside the graph).
Output `features` [1,512,16,16], unit L2 norm over the channels of each cell.
"""

import argparse
from pathlib import Path

import torch
from torch import nn

from exporting import export, largest_difference
from vgg import Vgg16

SIDE = 256
# Keeps an all-zero cell at zero. Features are in the hundreds, so it changes nothing else.
EPSILON = 0.01


def unit_vectors(features: torch.Tensor) -> torch.Tensor:
    """F / sqrt(sum over channels of F^2 + eps), [N,C,H,W]."""
    return features / (features.pow(2).sum(1, keepdim=True) + EPSILON).sqrt()


class Encoder(nn.Module):
    """Images [N,3,256,256] -> unit feature vectors [N,512,16,16]."""

    def __init__(self, data: Path):
        super().__init__()
        self.vgg = Vgg16(data)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return unit_vectors(self.vgg(image, {"pool4"})["pool4"].float())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    encoder = Encoder(args.data).eval()
    image = torch.rand(1, 3, SIDE, SIDE)
    path = args.out / "encoder.onnx"
    # The source weights are half floats, so storing them as such loses nothing.
    export(encoder, path, {"image": image}, {"features": [1, 512, 16, 16]}, half_weights=True)
    print(f"{path}: largest difference to PyTorch {largest_difference(encoder, path, {'image': image}):.2e}")


if __name__ == "__main__":
    main()
