"""Weights of its own for every painting: the common painter (painter.py), all of it tuned to one painting.

    python tune.py --data DATA --start MODELS --out RUN --budget 500 [--paintings scream,udnie]

Takes the paintings one after the other, `--budget` for each, and writes `RUN/PAINTING.safetensors` and a sample sheet. The file
holds `weights` [W], half floats in the order of `painter.bin`; `code` [2,S], half floats, for pictures of 256 and of 724 lines;
`colors` [12], the mean and the covariance of the painting's RGB; and `relief` [1], how thick its paint lies. With a folder of such files as MODELS they are tuned on. Paintings whose file is there already are left out, so a
run that is started again goes on; within a painting it goes on from its checkpoint.
"""

import argparse
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import nn

import data
from exporting import load_weights
from lesson import Subject, legibility, sample, step
from objective import Objective
from painter import CODE_RATE, CODES, FILE
from painting import Painter
from paintings import PAINTINGS
from run import Average, Log, Progress, common_arguments, cosine, load_checkpoint, prepare, save_checkpoint
from vgg import Vgg16

RATE, LAST = 1.5e-3, 5e-5
WARM = 30
EVERY = 100


class Tuned(nn.Module):
    """A painter and its code: what one optimiser trains."""

    def __init__(self, models: Path, slug: str):
        """From a folder of the common painter, or of tuned ones."""
        super().__init__()
        self.painter = Painter()
        own = models / f"{slug}.safetensors"
        if own.exists():
            self.read(own)
        else:
            load_weights(self.painter, models / FILE)
            self.code = nn.Parameter(load_file(models / CODES)[slug].clone())

    @torch.no_grad()
    def read(self, path: Path) -> None:
        found = load_file(path)
        weights = found["weights"].float()
        parameters = list(self.painter.parameters())
        for parameter, values in zip(parameters, weights.split([parameter.numel() for parameter in parameters]), strict=True):
            parameter.copy_(values.view_as(parameter))
        self.code = nn.Parameter(found["code"].float())

    @torch.no_grad()
    def write(self, path: Path, subject: Subject) -> None:
        weights = torch.cat([parameter.flatten() for parameter in self.painter.parameters()]).half()
        colors = torch.cat([moment.flatten() for moment in subject.colours])
        relief = torch.tensor([subject.relief])
        save_file({"weights": weights, "code": self.code.half().contiguous(), "colors": colors, "relief": relief}, path)


def tune(slug: str, args: argparse.Namespace, objective: Objective) -> None:
    photos, held_out = data.photo_paths(args.data, held_out=40)
    subject = Subject.read(args.data / "styles", slug, objective)
    tuned, constraint = Tuned(args.start, slug), legibility()
    groups = [{"params": list(tuned.painter.parameters())}, {"params": [tuned.code]}]
    optimiser = torch.optim.Adam(groups, lr=args.rate, betas=(0.9, 0.99))
    average, progress, log = Average(tuned, decay=0.99), Progress(args.budget), Log(args.out / f"{slug}.log")
    checkpoint = args.out / f"{slug}.pt"
    if checkpoint.exists():
        constraint.restore(load_checkpoint(checkpoint, tuned, average, optimiser, progress)["constraint"])
    while progress.fraction() < 1:
        rate = cosine(progress.fraction(), args.rate, LAST) * min(1.0, (progress.iteration + 1) / WARM)
        for group, factor in zip(optimiser.param_groups, (1.0, CODE_RATE), strict=True):
            group["lr"] = factor * rate
        total, terms = step(tuned.painter, tuned.code, objective, subject, photos, constraint)
        optimiser.zero_grad(set_to_none=True)
        total.backward()
        nn.utils.clip_grad_norm_(tuned.parameters(), 10.0)
        optimiser.step()
        tuned.painter.level_subpixels()
        average.update(tuned)
        progress.step()
        log.add(terms)
        if progress.iteration % EVERY == 0 or progress.fraction() == 1:
            average.swap(tuned)
            tuned.painter.level_subpixels()
            log.write(progress, {})
            sample(tuned.painter, tuned.code, subject, held_out[:4], args.out / f"{slug}.png")
            if progress.fraction() == 1:
                tuned.write(args.out / f"{slug}.safetensors", subject)
            average.swap(tuned)
            save_checkpoint(checkpoint, tuned, average, optimiser, progress, constraint=constraint.state())
    checkpoint.unlink()


def main() -> None:
    parser = common_arguments(__doc__)
    parser.add_argument("--rate", type=float, default=RATE, help="learning rate at first")
    parser.add_argument("--paintings", type=lambda text: text.split(","), default=list(PAINTINGS), help="only these, by name, in this order")
    args = parser.parse_args()
    prepare(args)
    objective = Objective(Vgg16(args.data).to(memory_format=torch.channels_last))
    for slug in args.paintings:
        if not (args.out / f"{slug}.safetensors").exists():
            tune(slug, args, objective)


if __name__ == "__main__":
    main()
