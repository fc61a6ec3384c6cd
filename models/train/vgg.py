"""VGG-16 convolutions with the weights of `weights/vgg16_conv.safetensors`.

Source: Simonyan and Zisserman, "Very Deep Convolutional Networks", 2014; weights by the
Visual Geometry Group (CC BY 4.0), in the original Caffe activation scale (hundreds, not
units, in the middle layers).
"""

from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import nn

MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)
# The file, next to the networks, that those built on VGG-16 keep its weights in.
WEIGHTS = "vgg16.safetensors"
# Convolutions of each block up to relu5_2: (name, input channels, output channels).
BLOCKS = [
    [("conv1_1", 3, 64), ("conv1_2", 64, 64)],
    [("conv2_1", 64, 128), ("conv2_2", 128, 128)],
    [("conv3_1", 128, 256), ("conv3_2", 256, 256), ("conv3_3", 256, 256)],
    [("conv4_1", 256, 512), ("conv4_2", 512, 512), ("conv4_3", 512, 512)],
    [("conv5_1", 512, 512), ("conv5_2", 512, 512)],
]


class Vgg16(nn.Module):
    """Frozen VGG-16 up to relu5_2. Images are [N,3,H,W], RGB in [0,1]."""

    def __init__(self, data: Path):
        super().__init__()
        weights = load_file(Path(data) / "weights" / "vgg16_conv.safetensors")
        for block in BLOCKS:
            for name, cin, cout in block:
                conv = nn.Conv2d(cin, cout, 3, padding=1)
                conv.weight.data = weights[f"{name}.weight"].float()
                conv.bias.data = weights[f"{name}.bias"].float()
                self.add_module(name, conv)
        self.register_buffer("mean", torch.tensor(MEAN).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(STD).view(1, 3, 1, 1))
        self.requires_grad_(False)

    def forward(self, image: torch.Tensor, wanted: set[str]) -> dict[str, torch.Tensor]:
        """The activations named in `wanted` ("relu3_3", "pool4", ...); stops at the deepest."""
        found = {}
        x = (image - self.mean) / self.std
        for number, block in enumerate(BLOCKS, start=1):
            for name, _, _ in block:
                x = F.relu(getattr(self, name)(x))
                layer = name.replace("conv", "relu")
                if layer in wanted:
                    found[layer] = x
                if len(found) == len(wanted):
                    return found
            x = F.max_pool2d(x, 2)
            if f"pool{number}" in wanted:
                found[f"pool{number}"] = x
            if len(found) == len(wanted):
                return found
        missing = sorted(wanted - found.keys())
        raise ValueError(f"no such VGG layers: {missing}")


def write_shared_weights(data: Path, out: Path) -> dict[str, torch.Tensor]:
    """Writes WEIGHTS, the kernels as the source has them: all but the first are half floats. Gives all weights."""
    weights = load_file(Path(data) / "weights" / "vgg16_conv.safetensors")
    kernels = [f"{name}.weight" for block in BLOCKS for name, _, _ in block]
    save_file({name: weights[name] for name in kernels}, Path(out) / WEIGHTS)
    return weights
