"""The graph that the program tunes a painter with (`stylewarp distill`): one step of `tune.py`, gradients included.

    python tuner.py --data DATA --out MODELS [--check FILE]

Writes `tuner-painting.onnx`, what is to be known of a painting: `image` [1,3,H,W], RGB in [0,1], H and W multiples of 8 ->
`moments` [2,960], means and deviations of relu1_1, 2_1, 3_1 and 4_1 of VGG-16, and the last three as they are. And
`tuner.onnx`, whose kernels of VGG-16 are those of `vgg16.safetensors` there. Everything that is random or slow to change comes
in: the scene and the next frame (scenes.py), the noise smeared along their forms, the places drawn, the painting as
`objective.Draw` has it. Out come `terms` [11] (TERMS, not weighted), `gradient` [W] and `code_gradient` [1,S] of their weighted sum.
Indices are floats. `from` and `share` say what pixels of the painted patch a square of the next one is the mean of.

`--check` writes what PyTorch's autograd makes of made-up inputs, for `tests/painting/tuner.rs`.
"""

import argparse
from pathlib import Path

import numpy as np
import onnx
import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import nn
from torch.func import functional_call

import objective as of
import tuner_check
from backward import compact, export_traced
from exporting import halve_weights, share_weights
from graph import VggGraph
from noise import CELL, OCTAVES
from objective import Draw, Marks, Objective
from painting import SHUFFLE, Painter
from scenes import CROP, PATCH, inner
from vgg import WEIGHTS, Vgg16

FILE, PAINTING = "tuner.onnx", "tuner-painting.onnx"
# Pixels of a square whose mean must hold still; and pixels of the patch, along each side, that it may come from.
STEADY, WINDOW = 6, 12
TERMS = ("transport", "relation", "moments", "content", "strokes", "tone", "weave", "lattice", "steady", "range", "legibility")
CHANNELS = {"relu1_1": 64, "relu2_1": 128, "relu3_1": 256, "relu4_1": 512}


def places(name: str) -> int:
    return (CROP // of.PIXELS[name]) ** 2


def inputs() -> dict[str, torch.Tensor]:
    """Names and shapes, in order; the values are those of no painting."""
    painter = Painter()
    count = sum(parameter.numel() for parameter in painter.parameters())
    cells, squares, moments = PATCH // CELL, (CROP // STEADY) ** 2, sum(CHANNELS[name] for name in of.MOMENTS)
    image, noise = (1, 3, PATCH, PATCH), (1, OCTAVES, cells, cells)
    tiles = len(of.stroke_strength(torch.zeros(1, 3, CROP, CROP)))
    shapes = {
        "weights": (count,),
        "code": (1, painter.code_size),
        "patch": image,
        "noise": noise,
        "next_patch": image,
        "next_noise": noise,
        "original": (1, 3, CROP, CROP),
        "content_weight": (1,),
        "moments": (2, moments),
        "strokes": (len(of.BANDS), tiles),
    }
    found = {name: torch.rand(shape) for name, shape in shapes.items()}
    for name in of.TRANSPORT:
        chosen = min(of.PLACES, places(name))
        found[f"places_{name}"] = torch.randperm(places(name))[:chosen].float()
        found[f"marks_{name}"] = of.unit(torch.randn(CHANNELS[name], of.PLACES))
        found[f"tone_{name}"] = torch.rand(of.PLACES)
    for name in of.RELATION:
        found[f"related_{name}"] = torch.randperm(places(name))[: of.RELATED].float()
    found["from"] = torch.randint(PATCH**2, (squares, WINDOW**2)).float()
    found["share"] = torch.full((squares, WINDOW**2), 1.0 / WINDOW**2)
    return found


class Exact(Objective):
    """The objective in float32 throughout."""

    def features(self, image: torch.Tensor, layers: set[str] = of.LAYERS) -> dict[str, torch.Tensor]:
        return self.vgg(image, layers)


class Painting(nn.Module):
    """The painter before its values are clamped, on noise that is smeared already: [1,3,H,W] in [0,1] -> the same."""

    def __init__(self) -> None:
        super().__init__()
        self.painter = Painter()

    def forward(self, image: torch.Tensor, noise: torch.Tensor, code: torch.Tensor) -> torch.Tensor:
        cells, _ = self.painter.unclamped(image - 0.5, noise, code, torch.zeros_like(code), torch.zeros(1))
        return F.pixel_shuffle(cells, SHUFFLE)


class Step(nn.Module):
    """One step: every term, and the gradients of their weighted sum by the weights [W] and the code [1,S]."""

    def __init__(self, vgg: Vgg16):
        super().__init__()
        self.vgg, self.painting = vgg, Painting().requires_grad_(False)
        self.objective = Exact(vgg)
        self.names = list(inputs())

    def paint(self, weights: torch.Tensor, *given: torch.Tensor) -> torch.Tensor:
        parameters = dict(self.painting.named_parameters())
        parts = weights.split([parameter.numel() for parameter in parameters.values()])
        own = {name: part.view(parameter.shape) for (name, parameter), part in zip(parameters.items(), parts, strict=True)}
        return functional_call(self.painting, own, given)

    def draw(self, given: dict[str, torch.Tensor]) -> Draw:
        offset, moments = 0, {}
        for name in of.MOMENTS:
            mean, deviation = given["moments"].narrow(1, offset, CHANNELS[name]).unbind(0)
            moments[name] = mean, deviation
            offset += CHANNELS[name]
        marks = {name: Marks(given[f"places_{name}"].long(), moments[name][0], given[f"marks_{name}"], given[f"tone_{name}"]) for name in of.TRANSPORT}
        related = {name: given[f"related_{name}"].long() for name in of.RELATION}
        return Draw(marks, related, moments, given["strokes"])

    def terms(self, weights: torch.Tensor, code: torch.Tensor, given: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """As `lesson.step` has them."""
        free = self.paint(weights, given["patch"], given["noise"], code)
        whole = free.clamp(0, 1).detach() + free - free.detach()
        terms = self.objective.compare(inner(whole), inner(given["patch"]), given["original"], self.draw(given))
        again = F.avg_pool2d(inner(self.paint(weights, given["next_patch"], given["next_noise"], code)), STEADY)
        moved = free[0].flatten(1).index_select(1, given["from"].long().flatten()).view(3, *given["from"].shape)
        terms["steady"] = (again[0].flatten(1) - (moved * given["share"]).sum(2)).abs().mean()
        terms["range"] = (free - whole.detach()).pow(2).mean()
        return terms

    def forward(self, *values: torch.Tensor) -> tuple[torch.Tensor, ...]:
        given = dict(zip(self.names, values, strict=True))
        weights, code = (given[name].detach().requires_grad_() for name in ("weights", "code"))
        terms = self.terms(weights, code, given)
        total = sum(weight * terms[name] for name, weight in of.WEIGHTS.items()) + given["content_weight"].sum() * terms["content"]
        gradients = torch.autograd.grad(total, (weights, code))
        return torch.stack([terms[name] for name in TERMS]), *gradients


def write(step: Step, path: Path) -> None:
    """VGG-16's weights come in as inputs while the graph is made small, so that nothing is computed from them beforehand."""
    own = {name: parameter.detach() for name, parameter in step.vgg.named_parameters() if not name.startswith("conv5") and name[:7] not in ("conv4_2", "conv4_3")}
    given = inputs()

    def call(*values: torch.Tensor) -> tuple[torch.Tensor, ...]:
        kernels = {f"vgg.{name}": value for name, value in zip(own, values[len(given) :], strict=True)}
        return functional_call(step, kernels, values[: len(given)])

    export_traced(call, path, {**given, **own}, ("terms", "gradient", "code_gradient"))
    model = compact(path, own)
    halve_weights(model)
    share_weights(model, path.parent / WEIGHTS)
    onnx.save(model, str(path))
    onnx.checker.check_model(str(path))


def painting_model(weights: dict[str, torch.Tensor]) -> onnx.ModelProto:
    graph = VggGraph(weights)
    found = graph.forward("image", "conv4_1")
    rows = []
    for name in of.MOMENTS:
        x = found[name.replace("relu", "conv")]
        mean = graph.add("ReduceMean", x, axes=[2, 3], keepdims=1)
        places = graph.add("Div", graph.count(x), graph.constant(CHANNELS[name]))
        squares = graph.add("ReduceSumSquare", graph.add("Sub", x, mean), axes=[2, 3], keepdims=0)
        variance = graph.add("Div", squares, graph.add("Sub", places, graph.constant(1)))
        flat = graph.add("Reshape", mean, graph.constant([1, -1], np.int64))
        rows.append(graph.add("Concat", flat, graph.add("Sqrt", variance), axis=0))
    graph.add("Concat", *rows, output="moments", axis=1)
    outputs = {"moments": (2, sum(CHANNELS[name] for name in of.MOMENTS))}
    for name in of.TRANSPORT:
        pixels = of.PIXELS[name]
        graph.add("Identity", found[name.replace("relu", "conv")], output=name)
        outputs[name] = (1, CHANNELS[name], f"height{pixels}", f"width{pixels}")
    return graph.model("tuner-painting", {"image": (1, 3, "height", "width")}, outputs)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True, help="holds vgg16.safetensors (styler.py)")
    parser.add_argument("--check", type=Path)
    args = parser.parse_args()
    torch.manual_seed(1)
    weights = load_file(args.data / "weights" / "vgg16_conv.safetensors")
    painting = painting_model(weights)
    share_weights(painting, args.out / WEIGHTS)
    onnx.save(painting, str(args.out / PAINTING))
    step = Step(Vgg16(args.data))
    write(step, args.out / FILE)
    if args.check:
        tuner_check.write(step, inputs(), args.out, args.check)


if __name__ == "__main__":
    main()
