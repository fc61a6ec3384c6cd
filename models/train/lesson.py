"""One step of learning, shared by the common painter (painter.py) and by those of single paintings (tune.py)."""

import dataclasses
import math
from pathlib import Path

import torch
import torch.nn.functional as F

import colour
import data
from objective import WEIGHTS, Constraint, Objective, Target, stroke_strength
from painting import Painter
from paintings import PAINTINGS, painting
from scenes import LINES, Motion, Scene, inner

# A code is two vectors, for pictures of FINE and of COARSE lines; between them it is mixed by the logarithm of the lines.
FINE, COARSE = min(LINES), max(LINES)
# Scans are small: of more lines they show no more strokes, and take long.
MOST_LINES = 820
NOISE = 0.02
# Legibility: 0 is the photo, above .7 faces go.
LEGIBLE = 0.42


def place(lines: float) -> float:
    """Of so many lines between FINE (0) and COARSE (1)."""
    return math.log(lines / FINE) / math.log(COARSE / FINE)


def code_at(codes: torch.Tensor, lines: float) -> torch.Tensor:
    """[2,S] -> [1,S]."""
    return torch.lerp(codes[0], codes[1], place(lines))[None]


@dataclasses.dataclass
class Subject:
    """One painting to learn: its colours, and how the objective sees it beside pictures of so many lines."""

    colours: tuple[torch.Tensor, torch.Tensor]
    targets: dict[int, Target]
    relief: float

    @staticmethod
    def read(folder: Path, slug: str, objective: Objective) -> "Subject":
        larger = PAINTINGS[slug].larger
        sizes = {lines: min(larger * lines, MOST_LINES) for lines in LINES}
        found = {size: objective.target(painting(folder, slug, size)) for size in set(sizes.values())}
        return Subject(colour.moments(painting(folder, slug, FINE)), {lines: found[size] for lines, size in sizes.items()}, PAINTINGS[slug].relief)


def legibility() -> Constraint:
    """The weight of `content`, which holds the picture legible."""
    return Constraint(1.6, LEGIBLE, (0.5, 5.0), 0.03)


def step(painter: Painter, codes: torch.Tensor, objective: Objective, subject: Subject, photos: list[Path], constraint: Constraint) -> tuple[torch.Tensor, dict[str, float]]:
    """What is minimised, for a random scene, and its parts."""
    scene = Scene.random(photos, subject.colours)
    code, target = code_at(codes, scene.lines), subject.targets[scene.lines]
    free = painter.alone(scene.patch, code, scene.noise)
    whole = free.clamp(0, 1).detach() + free - free.detach()
    painted, photo = inner(whole), inner(scene.patch)
    terms = objective.terms(painted, photo, inner(scene.original), target)
    motion = Motion.random()
    noisy = (motion.of(scene.patch) + NOISE * torch.rand(1) * torch.randn_like(scene.patch)).clamp(0, 1)
    again = painter.alone(noisy, code, motion.of_noise(scene.noise))
    # Tones must hold still, strokes need not: those the program moves along.
    terms["steady"] = (F.avg_pool2d(inner(again), 6) - F.avg_pool2d(inner(motion.of(free)), 6)).abs().mean()
    terms["range"] = (free - whole.detach()).pow(2).mean()
    found = terms.pop("legibility").item()
    constraint.update(found)
    weights = WEIGHTS | {"content": constraint.weight}
    total = sum(weights[name] * term for name, term in terms.items())
    share = stroke_strength(painted.detach()).quantile(0.3).item() / target.median
    told = {"legibility": found, "content weight": constraint.weight, "stroke share": share}
    return total, {name: term.item() for name, term in terms.items()} | told


@torch.no_grad()
def sample(painter: Painter, codes: torch.Tensor, subject: Subject, photos: list[Path], path: Path, lines: int = 360) -> None:
    """A sheet: photos above what is painted of them."""
    columns = []
    for photo in photos:
        picture = data.resize_shorter(data.read_rgb(photo), lines)
        picture = picture[: lines // 8 * 8, : lines // 8 * 8]
        image = data.to_tensor(picture)
        seen = colour.transport(colour.moments(image), subject.colours)(image)
        painted = data.to_picture(painter.alone(seen, code_at(codes, lines)))
        columns.append(data.np.concatenate([picture, painted]))
    data.save_rgb(path, data.np.concatenate(columns, 1))
