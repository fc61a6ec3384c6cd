"""The common painter: one network and a code for every painting. It paints like any painting at once, by a code that the
style encoder predicts, and it is what every painting's own weights (tune.py) begin with.

    python painter.py --data DATA --out RUN --budget 60m --start MODELS

Writes `painter.onnx` (contract: painting.py), its weights `painter.bin`, and `codes.safetensors`: for every painting a code [2,S]
of the common network, which the style encoder is fitted to.
"""

import random
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import nn

import data
from exporting import export, largest_difference, load_weights, part_weights
from lesson import Subject, code_at, legibility, sample, step
from noise import CELL, value_noise
from objective import Objective
from painting import SHUFFLE, Painter
from paintings import PAINTINGS
from run import Average, Log, Progress, common_arguments, cosine, load_checkpoint, prepare, save_checkpoint
from vgg import Vgg16

# The network; its weights, raw float32, in the order of `Painter.named_parameters`; and the codes, for the style encoder.
FILE, WEIGHTS, CODES = "painter.onnx", "painter.bin", "codes.safetensors"
RATE = (1.5e-3, 1e-4)
# A code learns only at its painting's turn, so it gets a higher rate than the shared weights.
CODE_RATE = 5.0
# Paintings in one step.
EACH = 2


class Styled(nn.Module):
    """The painter together with the codes of all paintings: what one optimiser trains."""

    def __init__(self) -> None:
        super().__init__()
        self.painter = Painter()
        self.codes = nn.ParameterDict({slug: nn.Parameter(self.painter.plain_code().repeat(2, 1)) for slug in PAINTINGS})

    @torch.no_grad()
    def begin(self, models: Path) -> None:
        """Takes codes and weights from a folder of exported files."""
        for slug, code in load_file(models / CODES).items():
            self.codes[slug].copy_(code)
        load_weights(self.painter, models / FILE)


def write_painter(painter: Painter, code: torch.Tensor, path: Path) -> None:
    """Exports the network; `code` [1,S] is an example."""
    inputs = {"image": torch.rand(1, 3, 360, 640) - 0.5, "style": code, "before": torch.zeros(1, painter.code_size), "keep": torch.zeros(1)}
    inputs["noise"] = value_noise(360, 640)
    size, cells = {2: "height", 3: "width"}, {2: "rows", 3: "columns"}
    outputs = {"cells": [1, 3 * SHUFFLE**2, -1, -1], "statistics": [1, painter.code_size]}
    assert CELL == SHUFFLE
    export(painter, path, inputs, outputs, {"image": size, "noise": cells, "cells": cells})
    part_weights(path, [name for name, _ in painter.named_parameters()], WEIGHTS)
    print(f"{path}: largest difference to PyTorch {largest_difference(painter, path, inputs):.2e}")


def write_models(styled: Styled, out: Path) -> None:
    example = code_at(next(iter(styled.codes.values())).detach(), 360)
    write_painter(styled.painter, example, out / FILE)
    save_file({slug: code.detach().contiguous() for slug, code in styled.codes.items()}, out / CODES)


def main() -> None:
    parser = common_arguments(__doc__)
    parser.add_argument("--rate", type=float, default=RATE[0], help="learning rate at first; less to tune trained weights")
    parser.add_argument("--noise-gain", type=float, default=1.0, help="factor at first of the weights that the noise comes in by")
    parser.add_argument("--every", type=int, default=100, help="steps between two checkpoints")
    args = parser.parse_args()
    prepare(args)
    objective = Objective(Vgg16(args.data).to(memory_format=torch.channels_last))
    styled = Styled()
    if args.start:
        styled.begin(args.start)
        styled.painter.amplify_noise(args.noise_gain)
    photos, held_out = data.photo_paths(args.data, held_out=40)
    subjects: dict[str, Subject] = {}
    constraints = {slug: legibility() for slug in PAINTINGS}
    groups = [{"params": list(styled.painter.parameters())}, {"params": list(styled.codes.parameters())}]
    optimiser = torch.optim.Adam(groups, lr=args.rate, betas=(0.9, 0.99))
    average, progress, log = Average(styled, decay=0.995), Progress(args.budget), Log(args.out / "painter.log")
    checkpoint = args.out / "painter.pt"
    if checkpoint.exists():
        state = load_checkpoint(checkpoint, styled, average, optimiser, progress)
        for slug, kept in state["constraints"].items():
            constraints[slug].restore(kept)
    while progress.fraction() < 1:
        for group, factor in zip(optimiser.param_groups, (1.0, CODE_RATE), strict=True):
            group["lr"] = factor * cosine(progress.fraction(), args.rate, RATE[1])
        optimiser.zero_grad(set_to_none=True)
        for slug in random.sample(list(PAINTINGS), EACH):
            if slug not in subjects:
                subjects[slug] = Subject.read(args.data / "styles", slug, objective)
            total, terms = step(styled.painter, styled.codes[slug], objective, subjects[slug], photos, constraints[slug])
            (total / EACH).backward()
            log.add(terms)
        nn.utils.clip_grad_norm_(styled.parameters(), 10.0)
        optimiser.step()
        styled.painter.level_subpixels()
        average.update(styled)
        progress.step()
        if progress.iteration % args.every == 0 or progress.fraction() == 1:
            average.swap(styled)
            styled.painter.level_subpixels()
            log.write(progress, {})
            for slug in list(PAINTINGS)[:3]:
                if slug in subjects:
                    sample(styled.painter, styled.codes[slug], subjects[slug], held_out[:4], args.out / f"{slug}.png")
            write_models(styled, args.out)
            average.swap(styled)
            save_checkpoint(checkpoint, styled, average, optimiser, progress, constraints={slug: one.state() for slug, one in constraints.items()})


if __name__ == "__main__":
    main()
