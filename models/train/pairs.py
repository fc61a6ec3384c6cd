"""Batches for the warper out of the feature cache: synthetic views and real pairs."""

import dataclasses
import random
from pathlib import Path

import numpy as np
import torch

import data
import synthetic
from synthetic import CELLS

# Faces are what people point a camera at: this share of the real pairs.
FACES = 0.4
CANDIDATES = 4


class Batch:
    def to(self, device: str):
        return dataclasses.replace(self, **{f.name: getattr(self, f.name).to(device) for f in dataclasses.fields(self)})


@dataclasses.dataclass
class Synthetic(Batch):
    content: torch.Tensor  # [N,512,16,16]
    exemplar: torch.Tensor
    field: torch.Tensor  # [N,2,16,16], the truth
    known: torch.Tensor  # [N,1,16,16], 1 where it is one


@dataclasses.dataclass
class Real(Batch):
    """Two different pictures of one kind each (a batch of N pairs as 2N rows: first, then second
    pictures), and a warped view of every one of them."""

    plain: torch.Tensor  # [2N,512,16,16]
    view: torch.Tensor  # [2N,512,16,16]
    field: torch.Tensor  # [2N,2,16,16]: content is the picture, exemplar its view
    known: torch.Tensor  # [2N,1,16,16]


class Cache:
    """Reads what features.py wrote; a cache still being filled is good for as far as it is."""

    def __init__(self, folder: Path):
        self.index = data.rows(folder / "index.csv")
        self.maps = np.load(folder / "maps.npy")
        pictures, self.views = self.maps.shape[:2]
        shape = (pictures, self.views, 512, CELLS, CELLS)
        self.features = np.memmap(folder / "features.f16", np.float16, "r", shape=shape)
        self.rows = {"0": [], "1": []}
        self.groups: dict[str, dict[str, list[int]]] = {"0": {}, "1": {}}
        for number, row in enumerate(self.index):
            self.rows[row["held_out"]].append(number)
            if row["group"]:
                self.groups[row["held_out"]].setdefault(row["group"], []).append(number)

    def read(self, picture: int, view: int) -> torch.Tensor:
        return torch.from_numpy(np.array(self.features[picture, view], np.float32))

    def mean_feature(self) -> torch.Tensor:
        """[1,512,1,1], over plain and restyled views of some pictures."""
        some = random.Random(0).sample(self.rows["0"], min(300, len(self.rows["0"])))
        return torch.stack([self.read(k, k % self.views) for k in some]).mean((0, 2, 3))[None, :, None, None]

    def pair_of_views(self, picture: int, views: list[int], mirrored: bool) -> tuple[torch.Tensor, ...]:
        """content, exemplar [512,16,16], field [2,16,16], known [1,16,16]."""
        content, exemplar = (self.read(picture, view) for view in views)
        maps = (torch.from_numpy(self.maps[picture, view])[None] for view in views)
        field, known = (found[0] for found in synthetic.true_field(*maps))
        if mirrored:
            content, exemplar, known = content.flip(2), exemplar.flip(2), known.flip(2)
            field = field.flip(2) * torch.tensor([-1.0, 1.0]).view(2, 1, 1)
        return content, exemplar, field, known

    def synthetic_batch(self, size: int, split: str = "0", draw: random.Random = random) -> Synthetic:
        """Two views of one picture each, in either order, mirrored together half of the time."""
        found = []
        for picture in draw.choices(self.rows[split], k=size):
            found.append(self.pair_of_views(picture, draw.sample(range(self.views), 2), draw.random() < 0.5))
        return Synthetic(*(torch.stack(column) for column in zip(*found, strict=True)))

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
            plain = self.read(first, 0).flip(2) if mirrored else self.read(first, 0)
            choices = [(other, flip) for other in others for flip in (False, True)]
            read = torch.stack([self.read(other, 0).flip(2) if flip else self.read(other, 0) for other, flip in choices])
            second, flip = choices[int(likeness(plain, read).argmax())]
            view = draw.randrange(1, self.views)
            firsts.append(self.pair_of_views(first, [0, view], mirrored))
            seconds.append(self.pair_of_views(second, [0, view], flip))
        return Real(*(torch.stack(column) for column in zip(*firsts, *seconds, strict=True)))

    def held_out_batches(self, size: int) -> list[Synthetic | Real]:
        """The same ones at every call: pictures that training never sees."""
        draw = random.Random(1)
        batches: list[Synthetic | Real] = [self.synthetic_batch(size, "1", draw) for _ in range(10)]
        return batches + [self.real_batch(size // 4, "1", draw) for _ in range(10)]


def near_cells(reach: int) -> torch.Tensor:
    """[256,256], true where two cells are at most `reach` apart in both directions."""
    y, x = torch.meshgrid(torch.arange(CELLS), torch.arange(CELLS), indexing="ij")
    y, x = y.flatten(), x.flatten()
    return ((y[:, None] - y).abs() <= reach) & ((x[:, None] - x).abs() <= reach)


def likeness(first: torch.Tensor, others: torch.Tensor) -> torch.Tensor:
    """Mean best cosine of each cell of `first` [512,16,16] near its place in `others` [N,512,16,16]."""
    cosines = first.flatten(1).T @ others.flatten(2)
    return cosines.masked_fill(~near_cells(4), 0).amax(2).mean(1)


def mutual(content: torch.Tensor, exemplar: torch.Tensor) -> torch.Tensor:
    """[N,256]: 1 for exemplar cells whose best match in the content has them as its own best match,
    less the further from it; cells of backgrounds that have no counterpart come out low."""
    cosines = (exemplar.flatten(2).transpose(1, 2) @ content.flatten(2)).clamp_min(0)
    best, where = cosines.max(2)
    rival = cosines.amax(1).gather(1, where)
    return (best / rival.clamp_min(1e-3)).pow(4) * best
