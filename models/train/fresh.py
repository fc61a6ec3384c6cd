"""Batches for the warper that are made anew at every step, on a GPU: no two views are ever the same.

    python fresh.py --data DATA --out FRESH [--painter MODELS]
    python warper.py --data DATA --fresh FRESH --out RUN --budget 5m --device cuda

The first needs CPUs only, all that there are: it writes `pictures.u8`, [rows, 256, 256, 3], for every training picture
(features.pictures) the plain one and COPIES restyled ones, none of them warped, and after them BLANKS + HELD_OUT_BLANKS
blank or printed sheets. The second holds them in the GPU's memory, and there warps, covers, changes and encodes them.
Nothing in a step makes the host wait for the GPU; all draws are torch's.
"""

import argparse
import multiprocessing
import os
import random
import time
from functools import cached_property
from pathlib import Path

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch.nn.utils.rnn import pad_sequence

import pairs
import synthetic
from encoder import SIDE, VggFeatures
from features import pictures, square
from pairs import BLANK, CANDIDATES, CREATURES, FACES, UNRELATED
from run import half_precision
from synthetic import CELLS

FILE = "pictures.u8"
COPIES = 2
VIEWS = 1 + COPIES
BLANKS, HELD_OUT_BLANKS = 3000, 192
CROPS = 512
# Sizes of the random maps of (content, exemplar), drawn for each pair: one stays plain, or both are warped.
SIZES = [(0.0, 1.0), (1.0, 0.0), (0.7, 0.7)]
# Shares of views that are restyled copies, may be changed in colour and texture, are partly covered.
RESTYLED, CHANGED, COVERED = 0.5, 0.5, 0.3
# Pictures that VGG sees at once.
CHUNK = 96


class Shop:
    """Makes rows of the file, in a process of its own."""

    def __init__(self, folder: Path, painter: Path | None, out: Path):
        cv2.setNumThreads(1)
        torch.set_num_threads(1)
        self.files = [folder / row["file"] for row in pictures(folder)]
        self.restyle = synthetic.Restyler(synthetic.load_paintings(folder / "styles"), synthetic.Painter(painter) if painter else None)
        self.views = np.memmap(out, np.uint8, "r+").reshape(-1, SIDE, SIDE, 3)

    def make(self, number: int) -> None:
        """A picture and its copies or, after the last picture, a blank one."""
        random.seed(number)
        np.random.seed(number)
        if number >= len(self.files):
            self.views[number + COPIES * len(self.files)] = synthetic.nothing_to_match(SIDE)
            return
        plain = square(self.files[number])
        self.views[number * VIEWS : (number + 1) * VIEWS] = [plain] + [self.restyle.medium(plain) for _ in range(COPIES)]


def open_shop(*where) -> None:
    global shop
    shop = Shop(*where)


def make(number: int) -> None:
    shop.make(number)


class Kinds:
    """One part of the split as tables on the device, to draw picture numbers from."""

    def __init__(self, listed: pairs.Listed, split: str, device: str):
        tensor = lambda values: torch.tensor(values, device=device)
        groups = listed.groups[split]
        self.pictures = tensor(listed.rows[split])
        self.marked = tensor([number for number in listed.rows[split] if number in listed.landmarks])
        self.members = pad_sequence([torch.tensor(m) for m in groups.values()], batch_first=True).to(device)
        self.sizes = tensor([len(m) for m in groups.values()])
        chances = np.array([len(m) ** 0.5 * (len(m) > CANDIDATES) for m in groups.values()])
        chances = (1 - FACES) * chances / chances.sum() + FACES * np.array([name == "face" for name in groups])
        self.bounds = tensor(np.cumsum(chances).astype(np.float32))
        self.creatures = tensor([k for k, name in enumerate(groups) if name in CREATURES])
        self.things = tensor([k for k, name in enumerate(groups) if name not in CREATURES])

    def groups(self, count: int) -> torch.Tensor:
        """Group numbers for real pairs."""
        drawn = torch.searchsorted(self.bounds, torch.rand(count, device=self.bounds.device))
        return drawn.clamp_max(len(self.sizes) - 1)

    def member(self, group: torch.Tensor) -> torch.Tensor:
        return self.members[group, (torch.rand(len(group), device=group.device) * self.sizes[group]).long()]


def one_of(values: torch.Tensor, count: int) -> torch.Tensor:
    return values[torch.randint(len(values), (count,), device=values.device)]


class Fresh(pairs.Listed):
    """Stands where pairs.Cache does. With `raw` its batches hold VGG's raw features, else pictures [N,3,256,256] in [0,1]."""

    def __init__(self, folder: Path, data_folder: Path, device: str, raw: bool = True):
        super().__init__(pictures(data_folder), data_folder)
        self.device = device
        self.pictures = torch.from_numpy(np.memmap(folder / FILE, np.uint8, "c").reshape(-1, SIDE, SIDE, 3)).to(device)
        self.blanks = torch.arange(VIEWS * len(self.index), len(self.pictures), device=device).split([BLANKS, HELD_OUT_BLANKS])
        self.vgg = VggFeatures(data_folder).to(device, memory_format=torch.channels_last)
        self.encode = self.features if raw else lambda images: images
        self.kinds = {split: Kinds(self, split, device) for split in "01"}
        # Of every picture: 0 without a group, 1 a creature, 2 a thing.
        sort = lambda group: 0 if not group else 1 if group in CREATURES else 2
        self.sort = torch.tensor([sort(row["group"]) for row in self.index], device=device)
        points = torch.zeros(len(self.index), len(self.mirrored_order), 2)
        for number, found in self.landmarks.items():
            points[number] = torch.from_numpy(found)
        mirrored = points[:, self.mirrored_order] * torch.tensor([-1.0, 1.0]) + torch.tensor([1.0, 0.0])
        self.points = torch.stack([points, mirrored]).to(device)
        self.sizes = torch.tensor(SIZES, device=device).T
        restyle = synthetic.Restyler(synthetic.load_paintings(data_folder / "styles"))
        crops = torch.from_numpy(np.stack([restyle.painting_crop() for _ in range(CROPS)])).to(device)
        self.crops = crops.permute(0, 3, 1, 2)
        self.colours = torch.tensor([[0, 0, 0], [1, 1, 1], [0.5, 0.47, 0.43]], device=device)

    @torch.no_grad()
    def features(self, images: torch.Tensor) -> torch.Tensor:
        """Raw features [N,1024,16,16]."""
        with half_precision(self.device):
            found = [self.vgg(part.contiguous(memory_format=torch.channels_last)) for part in images.split(CHUNK)]
        return torch.cat(found).float().contiguous()

    @cached_property
    def plain(self) -> torch.Tensor:
        """Raw features of all plain pictures in half floats, which choose the real pairs."""
        rows = torch.arange(len(self.index), device=self.device) * VIEWS
        return torch.cat([self.features(self.read(part)).half() for part in rows.split(CHUNK)])

    def read(self, rows: torch.Tensor) -> torch.Tensor:
        """Rows of the file as float [N,3,256,256] in [0,1]."""
        return self.pictures[rows].permute(0, 3, 1, 2).float() / 255

    def chance(self, count: int, share: float | torch.Tensor) -> torch.Tensor:
        """[N,1,1,1], true for about this share."""
        return torch.rand(count, 1, 1, 1, device=self.device) < share

    def restyled(self, numbers: torch.Tensor) -> torch.Tensor:
        """Rows of these pictures, plain or one of the copies each."""
        copy = torch.randint(1, VIEWS, numbers.shape, device=self.device)
        return numbers * VIEWS + copy * self.chance(len(numbers), RESTYLED).flatten()

    def view(
        self, rows: torch.Tensor, maps: torch.Tensor, mirrored: torch.Tensor, changed: float | torch.Tensor, covered: float | torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Views [N,...] as the batches hold them, and their covered cells [N,1,16,16]."""
        images = self.change(self.warp(self.read(rows), maps, mirrored), changed)
        mask = self.ellipses(len(rows)) & self.chance(len(rows), covered)
        images = torch.where(mask, one_of(self.crops, len(rows)).float() / 255, images)
        return self.encode(images), (F.avg_pool2d(mask.float(), SIDE // CELLS) > 0.4).float()

    def warp(self, images: torch.Tensor, maps: torch.Tensor, mirrored: torch.Tensor) -> torch.Tensor:
        """As synthetic.warp_picture, of pictures that are mirrored first where `mirrored` [N] says so."""
        n = len(images)
        line = (torch.arange(SIDE, device=self.device) + 0.5) / SIDE
        centres = torch.stack(torch.meshgrid(line, line, indexing="ij")[::-1])[None]
        at = centres + synthetic.sample(maps, centres.expand(n, -1, -1, -1))
        inside = ((at > 0) & (at < 1)).all(1, keepdim=True)
        at = torch.where(self.chance(n, 0.5), 1 - (1 - at.remainder(2)).abs(), at.clamp(0, 1))
        x, y = at.unbind(1)
        x = torch.where(mirrored[:, None, None], 1 - x, x)
        seen = F.grid_sample(images, torch.stack([x, y], -1) * 2 - 1, padding_mode="border", align_corners=False)
        return torch.where(inside | self.chance(n, 0.75), seen, one_of(self.colours, n)[..., None, None])

    def change(self, images: torch.Tensor, share: float | torch.Tensor) -> torch.Tensor:
        """Colours, the texture of a painting, blur, grey: each on 30 % of the share of pictures that may be changed."""
        n = len(images)
        may = self.chance(n, share)
        between = lambda low, high, channels=1: low + (high - low) * torch.rand(n, channels, 1, 1, device=self.device)
        grey = lambda x: 0.299 * x[:, :1] + 0.587 * x[:, 1:2] + 0.114 * x[:, 2:]
        x = images.pow(between(0.6, 1.7)) * between(0.6, 1.3, 3) + between(-0.15, 0.15, 3)
        x = torch.where(may & self.chance(n, 0.3), x, images)
        texture = grey(one_of(self.crops, n).float() / 255)
        texture = (texture - blurred(texture, 4.0)) * between(0.4, 1.5)
        x = x + texture * (may & self.chance(n, 0.3))
        x = torch.where(may & self.chance(n, 0.3), x.lerp(blurred(x, 2.0), between(0.3, 1)), x)
        x = torch.where(may & self.chance(n, 0.3), grey(x), x)
        return x.clamp(0, 1)

    def ellipses(self, count: int) -> torch.Tensor:
        """[N,1,256,256], true inside an ellipse as Restyler.cover draws it."""
        line = (torch.arange(SIDE, device=self.device) + 0.5) / SIDE
        x, y, wide, high, turn = torch.rand(5, count, 1, 1, 1, device=self.device)
        x, y, turn = line - x, line[:, None] - y, turn * torch.pi
        along, across = x * turn.cos() + y * turn.sin(), y * turn.cos() - x * turn.sin()
        return (along / (0.08 + 0.22 * wide)).pow(2) + (across / (0.08 + 0.22 * high)).pow(2) < 1

    @torch.no_grad()
    def synthetic_batch(self, size: int, split: str = "0") -> pairs.Synthetic:
        """Two views of one picture each, either of them plain or both warped, mirrored together half of the time."""
        numbers = one_of(self.kinds[split].pictures, size)
        unrelated = round(size * UNRELATED)
        shown = torch.cat([self.unrelated(numbers[:unrelated], split), self.restyled(numbers[unrelated:])])
        maps = synthetic.random_maps(self.sizes[:, torch.randint(len(SIZES), (size,), device=self.device)].flatten())
        mirrored = self.chance(size, 0.5).flatten().repeat(2)
        images, covered = self.view(torch.cat([self.restyled(numbers), shown]), maps, mirrored, CHANGED, COVERED)
        related = (torch.arange(size, device=self.device) >= unrelated).float().view(-1, 1, 1, 1)
        return pairs.Synthetic(*images.chunk(2), *pairs.truth(*maps.chunk(2), *covered.chunk(2)), related)

    def unrelated(self, numbers: torch.Tensor, split: str) -> torch.Tensor:
        """Rows of something that has no counterpart in these pictures."""
        n, kinds, sort = len(numbers), self.kinds[split], self.sort[numbers]
        other = torch.where(sort == 1, kinds.member(one_of(kinds.things, n)), kinds.member(one_of(kinds.creatures, n)))
        blank = (sort == 0) | self.chance(n, BLANK).flatten()
        return torch.where(blank, one_of(self.blanks[int(split)], n), self.restyled(other))

    @torch.no_grad()
    def real_batch(self, size: int, split: str = "0") -> pairs.Real:
        """As pairs.Cache.real_batch; the pictures are plain."""
        kinds = self.kinds[split]
        group = kinds.groups(size)
        count = kinds.sizes[group]
        place = (torch.rand(size, device=self.device) * count).long()
        step = 1 + (torch.rand(size, CANDIDATES, device=self.device) * (count - 1)[:, None]).long()
        first = kinds.members[group, place]
        others = kinds.members[group[:, None], (place[:, None] + step) % count[:, None]]
        mirrored = self.chance(size, 0.5).flatten()
        sought, found = self.plain[first], self.plain[others]
        sought = torch.where(mirrored.view(-1, 1, 1, 1), sought.flip(3), sought)
        best = pairs.likeness(sought[:, None], torch.cat([found, found.flip(4)], 1)).argmax(1)
        numbers = torch.cat([first, others.gather(1, best[:, None] % CANDIDATES)[:, 0]])
        mirrored = torch.cat([mirrored, best >= CANDIDATES]).repeat(2)
        warped = (torch.arange(4 * size, device=self.device) >= 2 * size).float()
        maps = synthetic.random_maps(warped)
        warped = warped.view(-1, 1, 1, 1)
        images, covered = self.view(torch.cat([numbers * VIEWS, self.restyled(numbers)]), maps, mirrored, CHANGED * warped, COVERED * warped)
        field, _, visible = pairs.truth(*maps.chunk(2), *covered.chunk(2))
        return pairs.Real(*images.chunk(2), field, visible)

    @torch.no_grad()
    def face_batch(self, size: int, split: str = "0") -> pairs.Faces:
        """Two faces each, plain or restyled but not warped, so that their landmarks hold."""
        numbers = one_of(self.kinds[split].marked, 2 * size)
        mirrored = self.chance(2 * size, 0.5).flatten()
        unmoved = synthetic.random_maps(torch.zeros(2 * size, device=self.device))
        images, _ = self.view(self.restyled(numbers), unmoved, mirrored, CHANGED, 0.0)
        return pairs.Faces(*images.chunk(2), *self.points[mirrored.long(), numbers].chunk(2))

    def blank_batch(self, size: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Plain held-out pictures, and as many held-out sheets, half of them written on or printed."""
        return tuple(self.encode(self.read(rows)) for rows in (one_of(self.kinds["1"].pictures, size) * VIEWS, self.blanks[1][:size]))

    def sample(self, count: int) -> torch.Tensor:
        """Raw features [count,1024,16,16] of plain and restyled pictures."""
        return self.features(self.read(self.restyled(one_of(self.kinds["0"].pictures, count))))

    def held_out_batches(self, size: int) -> list[pairs.Batch]:
        """The same ones at every call: pictures that training never sees."""
        with torch.random.fork_rng():
            torch.manual_seed(1)
            batches: list[pairs.Batch] = [self.synthetic_batch(size, "1") for _ in range(5)]
            batches += [self.real_batch(size // 2, "1") for _ in range(5)]
            return batches + [self.face_batch(size, "1") for _ in range(3)]


def blurred(x: torch.Tensor, deviation: float) -> torch.Tensor:
    """By a Gaussian, rows then columns; mirrored at the border."""
    reach = round(2.5 * deviation)
    kernel = (torch.arange(-reach, reach + 1, device=x.device) / deviation).pow(2).mul(-0.5).exp()
    kernel = (kernel / kernel.sum()).expand(x.shape[1], 1, 1, -1)
    x = F.conv2d(F.pad(x, (reach, reach, 0, 0), mode="reflect"), kernel, groups=x.shape[1])
    return F.conv2d(F.pad(x, (0, 0, reach, reach), mode="reflect"), kernel.mT, groups=x.shape[1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--painter", type=Path, help="folder with painter.onnx and painters/, for restyling")
    args = parser.parse_args()
    begin = time.monotonic()
    args.out.mkdir(parents=True, exist_ok=True)
    count = len(pictures(args.data))
    partial = args.out / f"{FILE}.partial"
    np.memmap(partial, np.uint8, "w+", shape=(count * VIEWS + BLANKS + HELD_OUT_BLANKS, SIDE, SIDE, 3))
    processes = len(os.sched_getaffinity(0))
    with multiprocessing.Pool(processes, open_shop, (args.data, args.painter, partial)) as pool:
        for _ in pool.imap_unordered(make, range(count + BLANKS + HELD_OUT_BLANKS), chunksize=32):
            pass
    partial.replace(args.out / FILE)
    print(f"{count} pictures and their copies in {time.monotonic() - begin:.0f}s by {processes} processes")


if __name__ == "__main__":
    main()
