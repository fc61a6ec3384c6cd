"""The style encoder: any painting -> the painter's code for it, at once and without training.

    python style_encoder.py --data DATA --models MODELS

Reads MODELS/painter.onnx and codes.safetensors, writes MODELS/style-encoder.onnx:
`painting` [1,3,256,256], RGB in [0,1] -> `style` [1,2,S].

Means and deviations of VGG-16's features are what style is made of; from them to the codes that
the painter learned for its own paintings is one linear map, fitted in closed form (ridge
regression) on many views of every painting. How strongly it is held back is chosen by leaving
paintings out: what counts is the objective (objective.py) of what the common painter makes with the predicted
code, on photos, against the painting that was left out.
"""

import argparse
import random
from pathlib import Path

import numpy as np
import onnx
import torch
from safetensors.torch import load_file
from torch import nn

import data
from colour import moments, transport
from exporting import export, largest_difference, load_weights, share_weights
from objective import WEIGHTS as TERMS
from objective import Objective
from painter import CODES, FILE
from painting import Painter
from paintings import PAINTINGS, painting
from vgg import WEIGHTS, Vgg16

LAYERS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1")
SIDE = 256
VIEWS = 12
RIDGES = (0.3, 1.0, 3.0)


class StyleEncoder(nn.Module):
    def __init__(self, folder: Path, features: int, outputs: int):
        super().__init__()
        self.vgg = Vgg16(folder)
        self.register_buffer("centre", torch.zeros(features))
        self.register_buffer("scale", torch.ones(features))
        # A map to codes of so many paintings has no more dimensions than they span.
        self.reduce = nn.Linear(features, len(PAINTINGS), bias=False)
        self.map = nn.Linear(len(PAINTINGS), outputs)

    def statistics(self, painting: torch.Tensor) -> torch.Tensor:
        """[N,F]: logarithms of the means and deviations of every channel."""
        found = self.vgg(painting, set(LAYERS))
        parts = []
        for layer in LAYERS:
            mean = found[layer].mean((2, 3))
            deviation = (found[layer] - mean[..., None, None]).pow(2).mean((2, 3)).sqrt()
            parts += [(mean + 1).log(), (deviation + 1).log()]
        return torch.cat(parts, 1)

    def forward(self, painting: torch.Tensor) -> torch.Tensor:
        return self.map(self.reduce((self.statistics(painting) - self.centre) / self.scale)).unflatten(1, (2, -1))


def views(painting: np.ndarray) -> torch.Tensor:
    """[VIEWS,3,SIDE,SIDE]: squares of most of the shorter side, mirrored half of the time; the first is the middle."""
    height, width = painting.shape[:2]
    found = []
    for number in range(VIEWS):
        side = round(min(height, width) * (random.uniform(0.6, 1.0) if number else 1.0))
        y, x = (random.randint(0, length - side) if number else (length - side) // 2 for length in (height, width))
        view = data.to_tensor(data.resize(painting[y : y + side, x : x + side], SIDE, SIDE))
        found.append(view.flip(3) if number % 2 else view)
    return torch.cat(found)


def ridge(x: torch.Tensor, y: torch.Tensor, strength: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Weights [out,in] and bias of the map x [N,in] -> y [N,out], x being standardised; in its dual form."""
    mean = y.mean(0)
    kernel = x @ x.T / x.shape[1]
    dual = torch.linalg.solve(kernel + strength * torch.eye(len(x), dtype=x.dtype), y - mean)
    return dual.T @ x / x.shape[1], mean


class Judge:
    """The objective of what the common painter makes of some photos with a code."""

    CONTENT = 1.6

    def __init__(self, args: argparse.Namespace, painter: Painter):
        self.objective, self.painter = Objective(Vgg16(args.data).to(memory_format=torch.channels_last)), painter
        self.folder = args.data / "styles"
        _, held_out = data.photo_paths(args.data, held_out=40)
        self.photos = [data.to_tensor(data.resize_shorter(data.read_rgb(path), SIDE)[:SIDE, :SIDE]) for path in held_out[:3]]

    @torch.no_grad()
    def __call__(self, code: torch.Tensor, slug: str) -> float:
        torch.manual_seed(1)
        target, colours = self.objective.target(painting(self.folder, slug, PAINTINGS[slug].larger * SIDE)), moments(painting(self.folder, slug, SIDE))
        totals = []
        for photo in self.photos:
            seen = transport(moments(photo), colours)(photo)
            terms = self.objective.terms(self.painter.alone(seen, code[None]).clamp(0, 1), seen, photo, target)
            weights = TERMS | {"content": self.CONTENT}
            totals.append(sum(weights.get(name, 0.0) * term.item() for name, term in terms.items()))
        return float(np.mean(totals))


@torch.no_grad()
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--models", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    random.seed(args.seed)
    painter = Painter().eval()
    load_weights(painter, args.models / FILE)
    codes = load_file(args.models / CODES)
    paintings = {slug: data.read_rgb(args.data / "styles" / source.file) for slug, source in PAINTINGS.items()}
    features = 2 * sum(int(channels) for channels in (64, 128, 256, 512))
    encoder = StyleEncoder(args.data, features, 2 * painter.code_size).eval()
    statistics = {}
    for slug, canvas in paintings.items():
        statistics[slug] = torch.cat([encoder.statistics(view) for view in views(canvas).split(6)]).double()
    every = torch.cat(list(statistics.values()))
    encoder.centre.copy_(every.mean(0))
    encoder.scale.copy_(every.std(0).clamp_min(1e-3))
    x = {slug: (found - encoder.centre) / encoder.scale for slug, found in statistics.items()}
    y = {slug: codes[slug].double().flatten().expand(VIEWS, -1) for slug in paintings}

    judge = Judge(args, painter)
    left_out = list(paintings)[::3]
    own = np.mean([judge(codes[slug][0], slug) for slug in left_out])
    mean_code = torch.stack([code[0] for code in codes.values()]).mean(0)
    print(f"objective of paintings left out: their own codes {own:.3f}, the mean code "
          f"{np.mean([judge(mean_code, slug) for slug in left_out]):.3f}")
    scores = {}
    for strength in RIDGES:
        found = []
        for slug in left_out:
            rest = [other for other in paintings if other != slug]
            weight, bias = ridge(torch.cat([x[s] for s in rest]), torch.cat([y[s] for s in rest]), strength)
            predicted = (weight @ x[slug][0] + bias).float().unflatten(0, (2, -1))
            found.append(judge(predicted[0], slug))
        scores[strength] = float(np.mean(found))
        print(f"ridge {strength}: {scores[strength]:.3f}", flush=True)
    strength = min(scores, key=scores.get)
    weight, bias = ridge(torch.cat(list(x.values())), torch.cat(list(y.values())), strength)
    left, values, right = torch.linalg.svd(weight, full_matrices=False)
    encoder.reduce.weight.copy_(right[: len(PAINTINGS)])
    encoder.map.weight.copy_(left[:, : len(PAINTINGS)] * values[: len(PAINTINGS)])
    encoder.map.bias.copy_(bias)
    print(f"all paintings, codes predicted: {np.mean([judge(encoder(views(paintings[s])[:1])[0, 0], s) for s in left_out]):.3f}")
    path = args.models / "style-encoder.onnx"
    inputs = {"painting": torch.rand(1, 3, SIDE, SIDE)}
    export(encoder, path, inputs, {"style": [1, 2, painter.code_size]}, half_weights=True)
    graph = onnx.load(str(path))
    share_weights(graph, args.models / WEIGHTS)
    onnx.save(graph, str(path))
    print(f"{path}: largest difference to PyTorch {largest_difference(encoder, path, inputs):.2e}")


if __name__ == "__main__":
    main()
