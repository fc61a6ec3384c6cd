"""The reference encoder: VGG-16, frozen, and the adapter that warper.py trains on it."""

from pathlib import Path

import torch
from torch import nn

from vgg import Vgg16

SIDE = 256
# Keeps an all-zero cell at zero. Features are in the hundreds, so it changes nothing else.
EPSILON = 0.01
# Channels of pool4 and relu5_2 together.
RAW = 1024


def unit_vectors(features: torch.Tensor) -> torch.Tensor:
    """F / sqrt(sum over channels of F^2 + eps), [N,C,H,W]."""
    return features / (features.pow(2).sum(1, keepdim=True) + EPSILON).sqrt()


class VggFeatures(nn.Module):
    """Images [N,3,256,256], RGB in [0,1] -> raw features [N,1024,16,16]; each layer's part is of unit length."""

    def __init__(self, data: Path):
        super().__init__()
        self.vgg = Vgg16(data)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        found = self.vgg(image, {"pool4", "relu5_2"})
        return torch.cat([unit_vectors(found[layer].float()) for layer in ("pool4", "relu5_2")], 1)


class Encoder(nn.Module):
    """Images [N,3,256,256], RGB in [0,1] -> features [N,256,16,16], unit vectors."""

    def __init__(self, data: Path, adapter: nn.Module):
        super().__init__()
        self.features = VggFeatures(data)
        self.adapter = adapter

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return self.adapter(self.features(image))
