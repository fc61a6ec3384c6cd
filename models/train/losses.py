"""What the styler and the painter minimise: content and Gram style in VGG-16 (Gatys et al., 2016)."""

from pathlib import Path

import torch
import torch.nn.functional as F
from torch import nn

from run import half_precision
from vgg import Vgg16

CONTENT_LAYER = "relu4_2"
# Where a painting is compared with a finished one: strokes, and what they show.
FINISHED_LAYERS = ("relu2_1", "relu3_1", "relu4_1")
# Of style against content in the styler's objective.
STYLE_WEIGHT = 5.0
# relu5_1 answers to faces many times more strongly than to anything in some paintings; at full
# weight its term alone would wipe them out.
STYLE_LAYERS = {"relu1_1": 1.0, "relu2_1": 1.0, "relu3_1": 1.0, "relu4_1": 1.0, "relu5_1": 0.25}


def gram(features: torch.Tensor) -> torch.Tensor:
    """[N,C,H,W] -> [N,C,C], averaged over positions, in float32."""
    flat = features.float().flatten(2)
    return flat @ flat.transpose(1, 2) / flat.shape[2]


def smoothness(image: torch.Tensor) -> torch.Tensor:
    """Mean square difference between neighbours, both directions added; sum over the images [N,3,H,W]."""
    squares = (image[..., 1:, :] - image[..., :-1, :]).pow(2).sum() + (image[..., 1:] - image[..., :-1]).pow(2).sum()
    return squares / image[0].numel()


def total_variation(image: torch.Tensor) -> torch.Tensor:
    """Mean absolute difference between neighbours, both directions added."""
    return (image[..., 1:, :] - image[..., :-1, :]).abs().mean() + (image[..., 1:] - image[..., :-1]).abs().mean()


def lattice(image: torch.Tensor, pitch: int = 8) -> torch.Tensor:
    """How unevenly slopes are spread over the places of a lattice, [N,C,H,W] -> one number: in a photo they
    are as steep at one place of every `pitch` pixels as at the next, so 0; where a network that draws
    whole cells shows its cells, they are not."""
    terms = []
    for axis in (2, 3):
        slopes = image.diff(dim=axis).pow(2)
        whole = slopes.narrow(axis, 0, slopes.shape[axis] // pitch * pitch)
        places = whole.unflatten(axis, (-1, pitch)).movedim(axis + 1, 1).flatten(2).mean(2)
        terms.append((places / (places.mean(1, keepdim=True) + 1e-8) - 1).pow(2).mean())
    return sum(terms)


def weave(image: torch.Tensor) -> torch.Tensor:
    """The share that the finest checks, pixels that alternate both ways, have in the contrast of each place; mean over
    places of [N,3,H,W]. Paintings have next to none, but to a network they are a cheap way to please Gram matrices,
    faint to the eye until a plain surface is enlarged."""
    checks = (image.diff(n=3, dim=2).diff(n=3, dim=3) / 64).pow(2)
    slopes = image.diff(dim=2)[..., 1:-1, 1:-2].pow(2) + image.diff(dim=3)[..., 1:-2, 1:-1].pow(2)
    around = lambda x: F.avg_pool2d(x, 17, 4)
    return (around(checks) / (around(slopes) + 1e-4)).mean()


def palette(painting: torch.Tensor) -> torch.Tensor:
    """The colours [N,K,3] of paintings [N,3,H,W], averaged over 8x8 pixels."""
    return F.avg_pool2d(painting, 8).flatten(2).transpose(1, 2)


def off_palette(painted: torch.Tensor, colours: torch.Tensor) -> torch.Tensor:
    """Mean square distance of 8x8 averages of [N,3,H,W] to the nearest of the colours [N,K,3]. Gram matrices
    forgive a small patch of a colour that the painting does not have; the eye does not."""
    found = palette(painted)
    with torch.no_grad():
        nearest = colours.gather(1, torch.cdist(found, colours).argmin(2)[..., None].expand(-1, -1, 3))
    return (found - nearest).pow(2).sum(2).mean()


class Objective(nn.Module):
    """Content and style terms for images [N,3,H,W] in [0,1], each relative, so that no unit matters:

    content = |F(y) - F(photo)|^2 / |F(photo)|^2 at relu4_2
    style   = weighted mean over the layers of |G(y) - G(s)|^2 / |G(s)|^2

    With `centred`, covariances instead of Gram matrices G, and the same of the means.
    """

    def __init__(self, data: Path, bfloat16: bool = True, centred: bool = False):
        super().__init__()
        self.centred = centred
        self.vgg = Vgg16(data).to(memory_format=torch.channels_last)
        self.bfloat16 = bfloat16
        self.register_buffer("weights", torch.tensor(list(STYLE_LAYERS.values())) / sum(STYLE_LAYERS.values()))

    def features(self, image: torch.Tensor, layers: set[str]) -> dict[str, torch.Tensor]:
        image = image.contiguous(memory_format=torch.channels_last)
        with half_precision(image.device.type, self.bfloat16):
            return self.vgg(image, layers)

    @torch.no_grad()
    def content_target(self, photo: torch.Tensor) -> torch.Tensor:
        return self.features(photo, {CONTENT_LAYER})[CONTENT_LAYER].float()

    def statistics(self, features: torch.Tensor) -> list[torch.Tensor]:
        matrix = gram(features)
        if not self.centred:
            return [matrix]
        mean = features.float().mean((2, 3))[..., None]
        return [matrix - mean @ mean.transpose(1, 2), mean]

    @torch.no_grad()
    def style_target(self, painting: torch.Tensor) -> list[list[torch.Tensor]]:
        """Of each layer: the matrix [1,C,C], and the mean [1,C,1] if `centred`."""
        found = self.features(painting, set(STYLE_LAYERS))
        return [self.statistics(found[layer]) for layer in STYLE_LAYERS]

    def forward(self, image: torch.Tensor, content: torch.Tensor, style: list[list[torch.Tensor]]) -> tuple[torch.Tensor, torch.Tensor]:
        """-> content [N], style [N], not yet weighted."""
        return self.terms(self.features(image, {CONTENT_LAYER, *STYLE_LAYERS}), content, style)

    def terms(self, found: dict[str, torch.Tensor], content: torch.Tensor, style: list[list[torch.Tensor]]) -> tuple[torch.Tensor, torch.Tensor]:
        """The same, of the features of the image."""
        terms = [
            weight * (own - target).pow(2).sum((1, 2)) / target.pow(2).sum((1, 2))
            for weight, layer, targets in zip(self.weights, STYLE_LAYERS, style, strict=True)
            for own, target in zip(self.statistics(found[layer]), targets, strict=True)
        ]
        difference = (found[CONTENT_LAYER].float() - content).pow(2).mean((1, 2, 3))
        return difference / content.pow(2).mean((1, 2, 3)), torch.stack(terms).sum(0)

    def distance(self, found: dict[str, torch.Tensor], finished: torch.Tensor) -> torch.Tensor:
        """[N]: mean over FINISHED_LAYERS of |F(y) - F(t)|^2 / |F(t)|^2, of the features of the image and a finished one."""
        with torch.no_grad():
            targets = self.features(finished, set(FINISHED_LAYERS))
        terms = []
        for layer, target in targets.items():
            difference = (found[layer].float() - target.float()).pow(2).mean((1, 2, 3))
            terms.append(difference / target.float().pow(2).mean((1, 2, 3)))
        return torch.stack(terms).mean(0)
