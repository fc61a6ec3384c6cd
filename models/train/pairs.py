"""Batches for the warper: synthetic views, real pairs, faces, blanks; here out of the feature cache, in fresh.py made anew."""

import dataclasses
import random
from pathlib import Path

import numpy as np
import torch

import data
import synthetic
from encoder import RAW
from synthetic import CELLS

# Share of faces among the real pairs; they have batches of their own besides.
FACES = 0.15
CANDIDATES = 4
# Of the exemplars of a synthetic batch, those that show nothing of the content; of them, those that show nothing at all.
UNRELATED = 1 / 6
BLANK = 0.6
# A drawn dog and a photographed person do match; none of these matches a car or a chair.
CREATURES = set(
    "face person dog cat wildcat horse hoofed elephant giraffe bird panda kangaroo rhino hedgehog beaver "
    "buddha stegosaurus dolphin butterfly hawksbill".split()
)


class Batch:
    def to(self, device: str):
        return dataclasses.replace(self, **{f.name: getattr(self, f.name).to(device) for f in dataclasses.fields(self)})


@dataclasses.dataclass
class Synthetic(Batch):
    content: torch.Tensor  # [N,1024,16,16]
    exemplar: torch.Tensor
    field: torch.Tensor  # [N,2,16,16], the truth
    known: torch.Tensor  # [N,1,16,16], 1 where it is one
    visible: torch.Tensor  # [N,1,16,16], 1 where both pictures show it, in the frame and not covered
    related: torch.Tensor  # [N,1,1,1], 0 for exemplars that show something else, or nothing


@dataclasses.dataclass
class Real(Batch):
    """Two different pictures of one kind each (a batch of N pairs as 2N rows: first, then second
    pictures), and a warped view of every one of them."""

    plain: torch.Tensor  # [2N,1024,16,16]
    view: torch.Tensor  # [2N,1024,16,16]
    field: torch.Tensor  # [2N,2,16,16]: content is the picture, exemplar its view
    visible: torch.Tensor  # [2N,1,16,16]


@dataclasses.dataclass
class Faces(Batch):
    """Two different faces each with their 26 landmarks in fractions of the frame."""

    content: torch.Tensor  # [N,1024,16,16]
    exemplar: torch.Tensor
    goal: torch.Tensor  # [N,26,2]
    points: torch.Tensor  # [N,26,2]


class Listed:
    """Pictures by number: the two parts of the split, their kinds, landmarks of faces."""

    def __init__(self, index: list[dict[str, str]], pictures: Path):
        self.index = index
        self.rows = {"0": [], "1": []}
        self.groups: dict[str, dict[str, list[int]]] = {"0": {}, "1": {}}
        for number, row in enumerate(self.index):
            self.rows[row["held_out"]].append(number)
            if row["group"]:
                self.groups[row["held_out"]].setdefault(row["group"], []).append(number)
        self.landmarks = self.read_landmarks(pictures)

    def read_landmarks(self, pictures: Path) -> dict[int, np.ndarray]:
        """Picture number -> [26,2], fractions of the frame."""
        table = {f"pairs/{row['file']}": row for row in data.rows(pictures / "pairs/face_landmarks_auto.csv")}
        sizes = {f"pairs/{row['file']}": (float(row["w"]), float(row["h"])) for row in data.rows(pictures / "pairs/index.csv")}
        columns = [c for c in next(iter(table.values())) if c != "file"]
        names = [c[:-2] for c in columns[::2]]
        # Left and right change places in a mirror image.
        twin = lambda n: "_".join({"l": "r", "r": "l"}.get(part, part) for part in n.split("_"))
        self.mirrored_order = [names.index(twin(name)) for name in names]
        found = {}
        for number, row in enumerate(self.index):
            if marks := table.get(row["file"]):
                points = np.array([float(marks[c]) for c in columns], np.float32).reshape(-1, 2)
                found[number] = points / np.array(sizes[row["file"]], np.float32)
        return found


class Cache(Listed):
    """Reads what features.py wrote; a cache still being filled is good for as far as it is."""

    def __init__(self, folder: Path, pictures: Path):
        super().__init__(data.rows(folder / "index.csv"), pictures)
        self.maps = np.load(folder / "maps.npy")
        self.covered = np.load(folder / "covered.npy")
        self.raw = np.memmap(folder / "raw.f16", np.float16, "r", shape=(*self.maps.shape[:2], RAW, CELLS, CELLS))
        self.blanks = np.load(folder / "blanks.npy")

    def read(self, picture: int, view: int = 0, mirrored: bool = False) -> torch.Tensor:
        raw = torch.from_numpy(np.array(self.raw[picture, view], np.float32))
        return raw.flip(2) if mirrored else raw

    def sample(self, count: int) -> torch.Tensor:
        """Raw features [count,1024,16,16] of plain and restyled views, or of as many as there are."""
        drawn = random.Random(0).sample(self.rows["0"], min(count, len(self.rows["0"])))
        return torch.stack([self.read(k, i % 2) for i, k in enumerate(drawn)])

    def truth(self, pictures: list[int], views: list[tuple[int, int]], mirrored: list[bool]) -> tuple[torch.Tensor, ...]:
        """Field, known and visible between (content, exemplar) views of one picture each."""
        stack = lambda array, side: torch.from_numpy(np.stack([array[p, v[side]] for p, v in zip(pictures, views, strict=True)]))
        covered = (stack(self.covered, side).float()[:, None] for side in (0, 1))
        field, known, visible = truth(stack(self.maps, 0), stack(self.maps, 1), *covered)
        flip = torch.tensor(mirrored)
        field[flip] = field[flip].flip(3) * torch.tensor([-1.0, 1.0]).view(2, 1, 1)
        known[flip], visible[flip] = known[flip].flip(3), visible[flip].flip(3)
        return field, known, visible

    def synthetic_batch(self, size: int, split: str = "0", draw: random.Random = random) -> Synthetic:
        """Two views of one picture each, in either order, mirrored together half of the time."""
        pictures = draw.choices(self.rows[split], k=size)
        views = [draw.choice([(0, 1), (1, 0)]) for _ in pictures]
        mirrored = [draw.random() < 0.5 for _ in pictures]
        content, exemplar = (
            torch.stack([self.read(p, v[side], m) for p, v, m in zip(pictures, views, mirrored, strict=True)]) for side in (0, 1)
        )
        related = torch.ones(size, 1, 1, 1)
        for row in range(round(size * UNRELATED)):
            exemplar[row], related[row] = self.unrelated(pictures[row], split, draw), 0
        return Synthetic(content, exemplar, *self.truth(pictures, views, mirrored), related)

    def blank(self, draw: random.Random) -> torch.Tensor:
        return torch.from_numpy(self.blanks[draw.randrange(len(self.blanks))].astype(np.float32))

    def unrelated(self, picture: int, split: str, draw: random.Random) -> torch.Tensor:
        """Raw features of something that has no counterpart in the picture."""
        group = self.index[picture]["group"]
        others = [g for g in self.groups[split] if (g in CREATURES) != (group in CREATURES)]
        if not group or not others or draw.random() < BLANK:
            return self.blank(draw)
        return self.read(draw.choice(self.groups[split][draw.choice(others)]), draw.randrange(2))

    def real_batch(self, size: int, split: str = "0", draw: random.Random = random) -> Real:
        """Two pictures of one group each. Of a few candidates, and their mirror images, the one
        most like the first is taken, so that a car seen from the left does not meet one seen
        from the right."""
        groups = {name: members for name, members in self.groups[split].items() if len(members) > CANDIDATES}
        names = list(groups)
        sizes = [len(groups[name]) ** 0.5 for name in names]
        firsts, seconds = [], []
        for _ in range(size):
            name = "face" if draw.random() < FACES else draw.choices(names, sizes)[0]
            first, *others = draw.sample(groups[name], 1 + CANDIDATES)
            mirrored = draw.random() < 0.5
            choices = [(other, flip) for other in others for flip in (False, True)]
            best = likeness(self.read(first, 0, mirrored), torch.stack([self.read(other, 0, flip) for other, flip in choices]))
            firsts.append((first, mirrored))
            seconds.append(choices[int(best.argmax())])
        pictures, mirrored = (list(column) for column in zip(*firsts, *seconds, strict=True))
        plain, view = (torch.stack([self.read(p, v, m) for p, m in zip(pictures, mirrored, strict=True)]) for v in (0, 1))
        field, _, visible = self.truth(pictures, [(0, 1)] * len(pictures), mirrored)
        return Real(plain, view, field, visible)

    def face_batch(self, size: int, split: str = "0", draw: random.Random = random) -> Faces:
        marked = [number for number in self.landmarks if self.index[number]["held_out"] == split]
        rows = []
        for _ in range(2 * size):
            picture, mirrored, view = draw.choice(marked), draw.random() < 0.5, 0
            points = self.landmarks[picture]
            if mirrored:
                points = points[self.mirrored_order] * [-1, 1] + [1, 0]
            rows.append((self.read(picture, view, mirrored), torch.from_numpy(points).float()))
        raw, points = (torch.stack(column) for column in zip(*rows, strict=True))
        return Faces(raw[:size], raw[size:], points[:size], points[size:])

    def held_out_batches(self, size: int) -> list[Batch]:
        """The same ones at every call: pictures that training never sees."""
        draw = random.Random(1)
        batches: list[Batch] = [self.synthetic_batch(size, "1", draw) for _ in range(10)]
        batches += [self.real_batch(size // 4, "1", draw) for _ in range(10)]
        return batches + [self.face_batch(size // 2, "1", draw) for _ in range(6)]


def truth(
    content: torch.Tensor, exemplar: torch.Tensor, content_covered: torch.Tensor, exemplar_covered: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Field, known and visible between two views each, given by their displacements [N,2,NODES,NODES] and covered cells [N,1,16,16]."""
    field, known = synthetic.true_field(content, exemplar)
    at = synthetic.cell_centres(field.device) + field
    hidden = torch.nn.functional.grid_sample(content_covered, at.permute(0, 2, 3, 1) * 2 - 1, align_corners=False) > 0.3
    inside = ((at > 0) & (at < 1)).all(1, keepdim=True)
    return field, known, known * inside * ~hidden * (exemplar_covered == 0)


def near_cells(reach: int, device: torch.device | str = "cpu") -> torch.Tensor:
    """[256,256], true where two cells are at most `reach` apart in both directions."""
    line = torch.arange(CELLS, device=device)
    y, x = torch.meshgrid(line, line, indexing="ij")
    y, x = y.flatten(), x.flatten()
    return ((y[:, None] - y).abs() <= reach) & ((x[:, None] - x).abs() <= reach)


def likeness(first: torch.Tensor, others: torch.Tensor) -> torch.Tensor:
    """Mean best cosine of each cell of `first` [C,16,16] near its place in `others` [N,C,16,16]; or [M,1,C,16,16] in [M,N,C,16,16]."""
    cosines = first.flatten(-2).transpose(-1, -2) @ others.flatten(-2)
    return cosines.masked_fill(~near_cells(4, first.device), 0).amax(-1).mean(-1)


def mutual(content: torch.Tensor, exemplar: torch.Tensor) -> torch.Tensor:
    """[N,256]: 1 for exemplar cells whose best match in the content has them as its own best match,
    less the further from it; cells of backgrounds that have no counterpart come out low."""
    cosines = (exemplar.flatten(2).transpose(1, 2) @ content.flatten(2)).clamp_min(0)
    best, where = cosines.max(2)
    rival = cosines.amax(1).gather(1, where)
    return (best / rival.clamp_min(1e-3)).pow(4) * best
