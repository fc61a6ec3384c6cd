"""How painted a picture looks, beside its photo and the painting, at 360 lines.

Features here (relu2_2 and relu3_3 of VGG-16) overlap with those that painters are trained on, so these figures guard against
drab and patchy pictures and do not replace looking at them.

- `coverage`: how far the features of each 64-pixel tile (stride 32) went from the photo's distance to the painting (mean nearest
  neighbour, centred cosine) to the distance between the painting's two halves: 0 is the photo, 1 the painting itself. The mean, the
  10th percentile `p10`, and that of the tiles which are flat in the photo.
- `strokes`: deviation of the luminance's band of 3 to 12 pixels in the flat tiles, over the painting's own median.
- `anisotropy`: coherence of the structure tensor there: noise about .2, strokes above .4.
- `chroma`: mean OKLab chroma, over the painting's.
- `legible`: relative square distance of instance-normalised relu3_3 to the photo's: 0 is the photo, above .7 faces go.
"""

import dataclasses

import cv2
import numpy as np
import torch

import data
from objective import unit
from run import half_precision
from vgg import Vgg16

LINES, PAINTING_LINES = 360, 480
LAYERS = ("relu2_2", "relu3_3")
TILE, STRIDE = 64, 32
# Places of a painting that stand for it, and of each half when the halves are compared.
KEPT, HALF = 4000, 1500
FLAT = 0.3


def oklab(picture: np.ndarray) -> np.ndarray:
    """uint8 RGB [H,W,3] -> L, a, b (Ottosson, 2020)."""
    srgb = picture.astype(np.float32) / 255
    linear = np.where(srgb > 0.04045, ((srgb + 0.055) / 1.055) ** 2.4, srgb / 12.92)
    cones = np.cbrt(linear @ np.array([[0.4122, 0.2119, 0.0883], [0.5363, 0.6807, 0.2817], [0.0514, 0.1074, 0.63]], np.float32))
    return cones @ np.array([[0.2105, 1.978, 0.0259], [0.7936, -2.4286, 0.7828], [-0.0041, 0.4506, -0.8087]], np.float32)


def band(lightness: np.ndarray) -> np.ndarray:
    return cv2.GaussianBlur(lightness, (0, 0), 1.2) - cv2.GaussianBlur(lightness, (0, 0), 4.5)


def coherence(lightness: np.ndarray) -> np.ndarray:
    x, y = cv2.Sobel(lightness, cv2.CV_32F, 1, 0), cv2.Sobel(lightness, cv2.CV_32F, 0, 1)
    xx, xy, yy = (cv2.GaussianBlur(product, (0, 0), 3) for product in (x * x, x * y, y * y))
    return np.sqrt((xx - yy) ** 2 + 4 * xy * xy) / (xx + yy + 1e-9)


def tiles(values: np.ndarray, reduce) -> np.ndarray:
    """`reduce` of every tile of [H,W]."""
    height, width = values.shape
    corners = [(y, x) for y in range(0, height - TILE + 1, STRIDE) for x in range(0, width - TILE + 1, STRIDE)]
    return np.array([reduce(values[y : y + TILE, x : x + TILE]) for y, x in corners])


def mean_chroma(lab: np.ndarray) -> float:
    return float(np.hypot(lab[..., 1], lab[..., 2]).mean())


def some(columns: torch.Tensor, count: int, generator: torch.Generator) -> torch.Tensor:
    return columns[:, torch.randperm(columns.shape[1], generator=generator)[:count]]


@dataclasses.dataclass
class Figures:
    coverage: float
    p10: float
    p10_flat: float
    strokes: float
    anisotropy: float
    chroma: float
    legible: float

    def values(self) -> np.ndarray:
        return np.array(list(vars(self).values()))


class Judge:
    """Judges pictures against one painting, uint8 RGB."""

    def __init__(self, vgg: Vgg16, painting: np.ndarray):
        self.vgg = vgg
        picture = data.resize_shorter(painting, PAINTING_LINES)
        generator = torch.Generator().manual_seed(0)
        self.means, self.kept, self.halves = [], [], []
        for found in self.features(picture):
            mean, middle = found.flatten(1).mean(1, keepdim=True), found.shape[2] // 2
            left, right = (unit(half.flatten(1) - mean) for half in (found[:, :, :middle], found[:, :, middle:]))
            self.means.append(mean)
            self.kept.append(some(unit(found.flatten(1) - mean), KEPT, generator))
            pairs = [(some(left, HALF, generator), some(right, KEPT, generator)), (some(right, HALF, generator), some(left, KEPT, generator))]
            self.halves.append(np.mean([(1 - (own.T @ other).amax(1)).mean().item() for own, other in pairs]))
        lab = oklab(picture)
        self.chroma, self.strokes = mean_chroma(lab), float(np.median(tiles(band(lab[..., 0]), np.std)))

    @torch.no_grad()
    def features(self, picture: np.ndarray) -> list[torch.Tensor]:
        with half_precision("cpu"):
            found = self.vgg(data.to_tensor(picture).contiguous(memory_format=torch.channels_last), set(LAYERS))
        return [found[layer][0].float() for layer in LAYERS]

    def distances(self, found: list[torch.Tensor]) -> list[np.ndarray]:
        """Of every pixel, by its cell, [H,W] for each layer."""
        maps = []
        for features, mean, kept in zip(found, self.means, self.kept, strict=True):
            nearest = 1 - (unit(features.flatten(1) - mean).T @ kept).amax(1)
            maps.append(nearest.view(features.shape[1:]).numpy())
        return maps

    def __call__(self, photo: np.ndarray, painted: np.ndarray) -> Figures:
        scale = LINES / min(photo.shape[:2])
        size = [round(side * scale / 8) * 8 for side in photo.shape[1::-1]]
        photo, painted = data.resize(photo, *size), data.resize(painted, *size)
        lab, before = oklab(painted), oklab(photo)[..., 0]
        flat = tiles(band(before), np.std)
        flat = flat <= np.quantile(flat, FLAT)
        found = [self.features(photo), self.features(painted)]
        coverage = np.zeros(len(flat))
        for own, made, half in zip(*(self.distances(one) for one in found), self.halves, strict=True):
            large = [tiles(cv2.resize(one, size, interpolation=cv2.INTER_NEAREST), np.mean) for one in (own, made)]
            coverage += np.clip((large[0] - large[1]) / np.maximum(large[0] - half, 0.02), -1, 1) / len(LAYERS)
        normal = [(one[1] - one[1].mean((1, 2), keepdim=True)) / (one[1].std((1, 2), keepdim=True) + 1e-3) for one in found]
        return Figures(
            coverage.mean(),
            np.quantile(coverage, 0.1),
            np.quantile(coverage[flat], 0.1),
            tiles(band(lab[..., 0]), np.std)[flat].mean() / self.strokes,
            tiles(coherence(lab[..., 0]), np.mean)[flat].mean(),
            mean_chroma(lab) / self.chroma,
            (normal[0] - normal[1]).pow(2).mean().item() / 2,
        )
