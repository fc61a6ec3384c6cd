"""What a painter minimises: the picture's brushwork against one painting's, with the photo's forms held by a constraint.

No term compares the whole frame at once: a sum over the frame does not say where the brushwork must be, so it was painted
where it cost least and left out elsewhere. Here every place of a crop is given a partner in the painting.

- `transport`: mean centred cosine distance under an entropic optimal-transport plan between places of the crop and places of the
  painting, at relu2_1, 3_1 and 4_1 (Cuturi, "Sinkhorn distances", 2013; as a style loss: Kolkin et al., STROTSS, CVPR 2019). The
  cost also holds the difference of tone, so dark paint lies on dark places; the plan uses the whole painting about evenly, so
  nothing collapses to its quietest paint.
- `relation`: self-similarity of the crop against that of the photo (STROTSS): what belongs together, whatever its colour.
- `moments`: means and deviations of the features, each relative.
- `content`: instance-normalised features against the photo's (LapStyle, Lin et al., CVPR 2021). Its weight is not fixed:
  `Constraint` moves it until the picture is as legible as wanted.
- `strokes`: how strong the strokes are, tile by tile from the weakest to the strongest, against the painting's tiles.

A plain wall has no forms to keep: `relation` and `content` count only where the photo has contrast. Where they counted everywhere,
walls and skies stayed bare, since every stroke there was an error.
- `tone`: 16-pixel means of colour and 5-pixel means of luminance against the recoloured photo.
- `weave`, `lattice`: against the grids that a network which draws 4x4 cells likes to leave.
"""

import dataclasses
import math

import torch
import torch.nn.functional as F

from colour import LUMINANCE
from run import half_precision
from vgg import Vgg16

TRANSPORT = {"relu3_1": 1.0, "relu4_1": 1.0, "relu2_1": 0.7}
RELATION = ("relu3_1", "relu4_1")
MOMENTS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1")
CONTENT = ("relu3_1", "relu4_1")
LEGIBILITY = "relu3_3"
PIXELS = {"relu2_1": 2, "relu3_1": 4, "relu4_1": 8}  # to a place, along each side
LAYERS = {*TRANSPORT, *RELATION, *MOMENTS, *CONTENT, LEGIBILITY}
# Places of the crop and of the painting in one plan, of a painting kept, and of a self-similarity.
PLACES, KEPT, RELATED = 768, 6144, 400
# Entropy of the plan; power of the scaling on the painting's side (1 = all of it used exactly evenly); steps; weight of tone.
ENTROPY, RELAXED, SINKHORN, TONE_COST = 0.06, 0.7, 12, 2.0
WEIGHTS = {"transport": 20.0, "relation": 10.0, "moments": 2.0, "strokes": 2.0, "tone": 20.0, "range": 20.0, "weave": 20.0, "lattice": 20.0, "steady": 4.0}
# Bands in which strokes are: details between boxes of these radii, 3 to 12 and 7 to 28 pixels. Quantiles kept of a painting's tiles.
BANDS, QUANTILES = ((1, 5), (3, 12)), 65
# Strokes too strong count so much of strokes too weak; and a deviation that neither sees.
TOO_STRONG, UNSEEN = 1 / 3, 3e-3
# The contrast (deviation of the luminance over 25 pixels) at which half of a form's weight is reached.
HALF_CONTRAST = 0.03


def luminance(image: torch.Tensor) -> torch.Tensor:
    return (image * image.new_tensor(LUMINANCE).view(1, 3, 1, 1)).sum(1, keepdim=True)


def unit(features: torch.Tensor) -> torch.Tensor:
    """Columns of [C,P] scaled to length one."""
    return features / (features.norm(dim=0, keepdim=True) + 1e-6)


def normalised(features: torch.Tensor) -> torch.Tensor:
    """Instance normalisation of [N,C,H,W]."""
    return (features - features.mean((2, 3), keepdim=True)) / (features.std((2, 3), keepdim=True) + 1e-3)


def some(count: int, of: int) -> torch.Tensor:
    return torch.randperm(of)[:count]


def box(image: torch.Tensor, radius: int) -> torch.Tensor:
    """Mean of [N,C,H,W] over squares around every pixel, mirrored at the borders."""
    side = 2 * radius + 1
    rows = F.avg_pool2d(F.pad(image, (radius,) * 4, mode="reflect"), (1, side), 1)
    return F.avg_pool2d(rows, (side, 1), 1)


def stroke_strength(image: torch.Tensor, radii: tuple[int, int] = BANDS[0], tile: int = 48) -> torch.Tensor:
    """Deviation of the luminance's details between two boxes, in the tiles of [1,3,H,W]."""
    fine, coarse = (box(luminance(image), radius) for radius in radii)
    return (F.avg_pool2d((fine - coarse).pow(2), tile, tile // 2).flatten() + 1e-6).sqrt()


def contrast(image: torch.Tensor) -> torch.Tensor:
    """Where [1,3,H,W] has forms, 0 to 1, [1,1,H/8,W/8]."""
    value = luminance(image)
    variance = F.avg_pool2d(box((value - box(value, 12)).pow(2), 12), 8)
    return variance / (variance + HALF_CONTRAST**2)


def lattice(image: torch.Tensor, pitch: int = 4) -> torch.Tensor:
    """How unevenly slopes, each relative to those around it, are spread over the places of a lattice, [N,C,H,W] -> one number: in
    a photo they are as steep at one place of every `pitch` pixels as at the next, so 0; where a network that draws whole cells
    shows its cells, they are not."""
    terms = []
    for axis in (2, 3):
        slopes = image.diff(dim=axis).pow(2)
        slopes = slopes / (F.avg_pool2d(slopes, 4 * pitch + 1, 1, 2 * pitch, count_include_pad=False) + 1e-4)
        whole = slopes.narrow(axis, 0, slopes.shape[axis] // pitch * pitch)
        places = whole.unflatten(axis, (-1, pitch)).movedim(axis + 1, 1).flatten(2).mean(2)
        terms.append((places / (places.mean(1, keepdim=True) + 1e-8) - 1).pow(2).mean())
    return sum(terms)


def weave(image: torch.Tensor) -> torch.Tensor:
    """The share that the finest checks, pixels that alternate both ways, have in the contrast of each place; mean over
    places of [N,3,H,W]. Paintings have next to none."""
    checks = (image.diff(n=3, dim=2).diff(n=3, dim=3) / 64).pow(2)
    slopes = image.diff(dim=2)[..., 1:-1, 1:-2].pow(2) + image.diff(dim=3)[..., 1:-2, 1:-1].pow(2)
    around = lambda x: F.avg_pool2d(x, 17, 4)
    return (around(checks) / (around(slopes) + 1e-4)).mean()


@dataclasses.dataclass
class Layer:
    """What is kept of a painting's features at one layer."""

    mean: torch.Tensor  # [C]
    deviation: torch.Tensor  # [C]
    places: torch.Tensor | None  # [C,KEPT], features at random places, half floats, where a plan needs them
    tone: torch.Tensor  # [KEPT], luminance there


@dataclasses.dataclass
class Target:
    """A painting, as the objective sees it."""

    layers: dict[str, Layer]
    strokes: torch.Tensor  # [BANDS,QUANTILES], of its tiles' `stroke_strength`

    @property
    def median(self) -> float:
        """Of its tiles' `stroke_strength`, in the first band."""
        return self.strokes[0, QUANTILES // 2].item()


@dataclasses.dataclass
class Marks:
    """Places of the crop at one layer, and those of the painting that one plan is made with."""

    places: torch.Tensor  # [P], of the crop
    mean: torch.Tensor  # [C], of the painting's features
    theirs: torch.Tensor  # [C,K], less the mean, of length one
    tone: torch.Tensor  # [K], luminance there


@dataclasses.dataclass
class Draw:
    """What one step compares a crop with: a painting, and places drawn at random."""

    marks: dict[str, Marks]
    related: dict[str, torch.Tensor]  # [RELATED], places of the crop
    moments: dict[str, tuple[torch.Tensor, torch.Tensor]]  # [C], mean and deviation of the painting's features
    strokes: torch.Tensor  # [BANDS,QUANTILES]

    @staticmethod
    def random(target: Target, height: int, width: int) -> "Draw":
        """For a crop of so many pixels."""
        count = {name: (height // pixels) * (width // pixels) for name, pixels in PIXELS.items()}

        def marks(name: str) -> Marks:
            layer = target.layers[name]
            kept = some(PLACES, len(layer.tone))
            theirs = unit(layer.places[:, kept].float() - layer.mean[:, None])
            return Marks(some(PLACES, count[name]), layer.mean, theirs, layer.tone[kept])

        related = {name: some(RELATED, count[name]) for name in RELATION}
        moments = {name: (target.layers[name].mean, target.layers[name].deviation) for name in MOMENTS}
        return Draw({name: marks(name) for name in TRANSPORT}, related, moments, target.strokes)


class Objective:
    """The terms above, for a crop [1,3,H,W] in [0,1]."""

    def __init__(self, vgg: Vgg16):
        self.vgg = vgg

    def features(self, image: torch.Tensor, layers: set[str] = LAYERS) -> dict[str, torch.Tensor]:
        with half_precision(image.device.type):
            found = self.vgg(image.contiguous(memory_format=torch.channels_last), layers)
        return {layer: features.float() for layer, features in found.items()}

    @torch.no_grad()
    def target(self, painting: torch.Tensor) -> Target:
        layers = {}
        for layer, features in self.features(painting).items():
            flat, tones = features[0].flatten(1), F.adaptive_avg_pool2d(luminance(painting), features.shape[2:]).flatten()
            kept = some(KEPT, flat.shape[1])
            places = flat[:, kept].half() if layer in TRANSPORT else None
            layers[layer] = Layer(flat.mean(1), flat.std(1), places, tones[kept])
        places = torch.linspace(0, 1, QUANTILES)
        return Target(layers, torch.stack([stroke_strength(painting, radii).quantile(places) for radii in BANDS]))

    def terms(self, painted: torch.Tensor, photo: torch.Tensor, original: torch.Tensor, target: Target) -> dict[str, torch.Tensor]:
        """Of what was painted (clamped) from the recoloured photo; legibility is against the photo in its own colours."""
        return self.compare(painted, photo, original, Draw.random(target, *painted.shape[2:]))

    def compare(self, painted: torch.Tensor, photo: torch.Tensor, original: torch.Tensor, draw: Draw) -> dict[str, torch.Tensor]:
        """The same with places that were drawn already: nothing is random here, so the program's graph (tuner.py) is made of it."""
        found = self.features(painted)
        with torch.no_grad():
            # Forms are those of the photo in its own colours: in a print's a bright face is near to white.
            wanted, seen, forms = self.features(photo, {*RELATION}), self.features(original, {LEGIBILITY, *CONTENT}), contrast(original)
        flat = F.avg_pool2d
        return {
            "transport": sum(weight * transport(found[name], photo, draw.marks[name]) for name, weight in TRANSPORT.items()),
            "relation": sum(relation(found[name], wanted[name], forms, draw.related[name]) for name in RELATION),
            "moments": sum(moments(found[name], *draw.moments[name]) for name in MOMENTS),
            "content": sum(content(found[name], seen[name], forms) for name in CONTENT),
            "legibility": (normalised(found[LEGIBILITY]) - normalised(seen[LEGIBILITY])).detach().pow(2).mean() / 2,
            "strokes": strokes(painted, draw.strokes),
            "tone": (flat(painted, 16) - flat(photo, 16)).abs().mean() + box(luminance(painted) - luminance(photo), 2).abs().mean(),
            "weave": weave(painted),
            "lattice": lattice(painted),
        }


def on(features: torch.Tensor, image: torch.Tensor) -> torch.Tensor:
    """An image [1,1,H,W] at the places of features: means where these are coarser, repeated where they are finer."""
    if image.shape[2] >= features.shape[2]:
        return F.avg_pool2d(image, image.shape[2] // features.shape[2])
    return F.interpolate(image, scale_factor=features.shape[2] // image.shape[2], mode="nearest")


def transport(features: torch.Tensor, photo: torch.Tensor, marks: Marks) -> torch.Tensor:
    """Sum of plan times cosine distance; the plan has no gradient."""
    own = unit(features[0].flatten(1).index_select(1, marks.places) - marks.mean[:, None])
    distance = 1 - own.T @ marks.theirs
    with torch.no_grad():
        tone = on(features, luminance(photo)).flatten().index_select(0, marks.places)
        kernel = torch.exp(-(distance + TONE_COST * (tone[:, None] - marks.tone[None]).abs()) / ENTROPY)
        rows, columns = 1 / len(marks.places), 1 / len(marks.tone)
        right = torch.full_like(marks.tone, columns)
        for _ in range(SINKHORN):
            left = rows / (kernel @ right + 1e-12)
            right = (columns / (left @ kernel + 1e-12)) ** RELAXED
        plan = left[:, None] * kernel * right[None]
        plan = plan / plan.sum()
    return (plan * distance).sum()


def content(features: torch.Tensor, photo: torch.Tensor, forms: torch.Tensor) -> torch.Tensor:
    """Mean square difference of instance-normalised features, where there are forms."""
    squares = (normalised(features) - normalised(photo)).pow(2).mean(1, keepdim=True)
    return (squares * on(features, forms)).mean()


def strokes(painted: torch.Tensor, quantiles: torch.Tensor) -> torch.Tensor:
    """How far the tiles' strokes are from the painting's, both sorted: mean difference of logarithms."""
    total = 0.0
    for radii, of_painting in zip(BANDS, quantiles, strict=True):
        found = stroke_strength(painted, radii).sort().values
        wanted = of_painting
        if len(wanted) != len(found):
            wanted = F.interpolate(of_painting[None, None], size=len(found), mode="linear", align_corners=True)[0, 0]
        lacking = ((wanted + UNSEEN) / (found + UNSEEN)).log()
        total = total + torch.where(lacking > 0, lacking, -TOO_STRONG * lacking).mean()
    return total


def relation(features: torch.Tensor, photo: torch.Tensor, forms: torch.Tensor, places: torch.Tensor) -> torch.Tensor:
    """Mean difference of the pairwise cosine distances between forms, each column scaled to mean one."""
    scaled = []
    for one in (features, photo):
        directions = unit(one[0].flatten(1).index_select(1, places))
        distance = 1 - directions.T @ directions
        scaled.append(distance / (distance.mean(0, keepdim=True) + 1e-6))
    share = on(features, forms).flatten().index_select(0, places)
    return ((scaled[0] - scaled[1]).abs() * share[None] * share[:, None]).mean()


def moments(features: torch.Tensor, mean: torch.Tensor, deviation: torch.Tensor) -> torch.Tensor:
    flat = features[0].flatten(1)
    pairs = ((flat.mean(1), mean), (flat.std(1), deviation))
    return sum((own - theirs).pow(2).sum() / theirs.pow(2).sum() for own, theirs in pairs)


@dataclasses.dataclass
class Constraint:
    """A weight that moves slowly within its bounds, up while a value is above its aim and down while it is below. A quick one
    swings: legibility answers to its weight only over tens of steps."""

    weight: float
    aim: float
    bounds: tuple[float, float]
    gain: float
    mean: float | None = None

    def update(self, value: float) -> None:
        self.mean = value if self.mean is None else 0.96 * self.mean + 0.04 * value
        moved = self.weight * math.exp(self.gain * (self.mean / self.aim - 1))
        self.weight = min(max(moved, self.bounds[0]), self.bounds[1])

    def state(self) -> tuple[float, float | None]:
        return self.weight, self.mean

    def restore(self, state: tuple[float, float | None]) -> None:
        self.weight, self.mean = state
