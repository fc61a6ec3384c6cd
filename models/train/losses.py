"""What the painter minimises: content and two-scale Gram style in VGG-16, and steadiness."""

from pathlib import Path

import torch
import torch.nn.functional as F
from torch import nn

from vgg import Vgg16

# Mean activation of each layer over photos: dividing by it puts all layers on one scale.
LAYER_MEAN = {"relu1_2": 112.0, "relu2_2": 195.0, "relu3_3": 180.0, "relu4_3": 22.0}
CONTENT_LAYER = "relu3_3"
FULL_LAYERS = ("relu1_2", "relu2_2", "relu3_3")
HALF_LAYERS = ("relu2_2", "relu3_3", "relu4_3")


def gram(features: torch.Tensor) -> torch.Tensor:
    """[N,C,H,W] -> [N,C,C], averaged over positions, in float32."""
    n, c, h, w = features.shape
    flat = features.float().reshape(n, c, h * w)
    return flat @ flat.transpose(1, 2) / (h * w)


def total_variation(image: torch.Tensor) -> torch.Tensor:
    """Mean absolute difference between neighbours, both directions added."""
    return (image[..., 1:, :] - image[..., :-1, :]).abs().mean() + (image[..., 1:] - image[..., :-1]).abs().mean()


def palette(painting: torch.Tensor) -> torch.Tensor:
    """The colours [K,3] of a painting [1,3,H,W], averaged over 8x8 pixels."""
    return F.avg_pool2d(painting, 8)[0].flatten(1).T


def off_palette(painted: torch.Tensor, colours: torch.Tensor) -> torch.Tensor:
    """Mean square distance of 8x8 averages to the nearest colour of the painting. Gram matrices
    forgive a small patch of a colour that the painting does not have; the eye does not."""
    found = palette(painted)
    with torch.no_grad():
        nearest = colours[torch.cdist(found, colours).argmin(1)]
    return (found - nearest).pow(2).sum(1).mean()


class StyleLoss(nn.Module):
    """Content and style terms for images [1,3,H,W] in [0,1].

    content = mean square difference at relu3_3
    style   = mean over layers and two scales of |G(y) - G(s)|^2 / |G(s)|^2
    """

    def __init__(self, data: Path, bfloat16: bool = True):
        super().__init__()
        self.vgg = Vgg16(data).to(memory_format=torch.channels_last)
        self.bfloat16 = bfloat16

    def features(self, image: torch.Tensor, layers: tuple[str, ...]) -> dict[str, torch.Tensor]:
        image = image.contiguous(memory_format=torch.channels_last)
        with torch.autocast(image.device.type, torch.bfloat16, enabled=self.bfloat16):
            found = self.vgg(image, set(layers))
        return {layer: found[layer].float() / LAYER_MEAN[layer] for layer in layers}

    @staticmethod
    def half(image: torch.Tensor) -> torch.Tensor:
        return F.avg_pool2d(image, 2)

    @torch.no_grad()
    def content_target(self, photo: torch.Tensor) -> torch.Tensor:
        return self.features(photo, (CONTENT_LAYER,))[CONTENT_LAYER]

    @torch.no_grad()
    def style_target(self, painting: torch.Tensor) -> list[torch.Tensor]:
        full = self.features(painting, FULL_LAYERS)
        half = self.features(self.half(painting), HALF_LAYERS)
        return [gram(f) for f in (*full.values(), *half.values())]

    def forward(self, painted: torch.Tensor, content: torch.Tensor, style: list[torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
        """-> (content, style), not yet weighted."""
        full = self.features(painted, FULL_LAYERS)
        half = self.features(self.half(painted), HALF_LAYERS)
        grams = [gram(f) for f in (*full.values(), *half.values())]
        terms = [(g - s).pow(2).sum() / s.pow(2).sum() for g, s in zip(grams, style, strict=True)]
        return F.mse_loss(full[CONTENT_LAYER], content), torch.stack(terms).mean()
