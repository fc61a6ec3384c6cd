"""The painter: one feed-forward network for all styles, trained on the styler's own objective.

    python painter.py --data DATA --out RUN --budget 110m
    python painter.py --data DATA --out RUN --budget 110m --size fine --start MODELS

Writes `painter.onnx` (contract: painting.py) and `styles.safetensors`: for every style two codes
[2,S], for pictures of FINE and of COARSE lines. Between them the code is mixed by the logarithm
of the lines, so that strokes keep their size relative to the picture; and a stroke-size slider is
nothing but a shift along that line. The fine painter, `painter-fine.onnx`, begins as the fast one
and keeps its codes.
"""

import math
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import nn

import data
from exporting import export, largest_difference, load_weights, stored_weights
from lessons import COARSE, EACH, FINE, LINES, OFTEN, STYLES, Batch, Lessons
from losses import CONTENT_LAYER, STYLE_LAYERS, STYLE_WEIGHT, Objective, lattice, off_palette, palette, total_variation, weave
from painting import SHUFFLE, Painter, grain
from run import Average, Log, Progress, Recorded, common_arguments, cosine, load_checkpoint, prepare, save_checkpoint
from scenes import ROOM, Motion, inner

# The style weight begins at this share and is full after RAMP of the budget: a network that
# meets the full weight at once learns to fill the frame with strokes and forgets the content.
RAMP_START = 0.2
RAMP = 0.15
# `style` is more than the styler's own: the painter errs on the side of the photo.
WEIGHTS = {"style": 7.0, "smooth": 0.1, "range": 2.0, "palette": 10.0, "lattice": 12.0, "weave": 10.0, "taught": 2.0}
# Of holding still. The fine painter is there for its strokes, and the program steadies what it paints.
STEADY, FINE_STEADY = 18.0, 6.0
NOISE = 0.02
# Of a painting, that count as its own.
COLOURS = 1500
RATE = (2e-3, 1e-4)
# A code learns only at its style's turn, so it gets a higher rate than the shared weights.
CODE_RATE = 5.0


class Styled(nn.Module):
    """The painter together with the codes of all styles: what one optimiser trains."""

    def __init__(self, fine: bool = False) -> None:
        super().__init__()
        self.fine = fine
        self.file = "painter-fine.onnx" if fine else "painter.onnx"
        self.steady = FINE_STEADY if fine else STEADY
        self.painter = Painter(fine)
        self.codes = nn.ParameterDict({slug: nn.Parameter(self.painter.plain_code().repeat(2, 1)) for slug in STYLES})
        self.register_buffer("places", torch.tensor([place(lines) for lines in LINES]), persistent=False)

    @torch.no_grad()
    def begin(self, models: Path) -> None:
        """Takes codes and weights from a folder of exported files; a fine painter that is not there yet begins as the fast one."""
        for slug, code in load_file(models / "styles.safetensors").items():
            self.codes[slug].copy_(code)
        if self.fine and not (models / self.file).exists():
            stored = stored_weights(models / "painter.onnx")
            for name, parameter in self.painter.named_parameters():
                if name in stored:
                    # Of the grain's weights, those of the octaves that it sees.
                    parameter.copy_(stored[name][:, self.painter.blind :] if name.startswith("grain") else stored[name])
            self.painter.tuning.begin(torch.cat(list(self.codes.values())))
        else:
            load_weights(self.painter, models / self.file)
        self.codes.requires_grad_(not self.fine)

    @torch.no_grad()
    def follow(self, models: Path) -> None:
        """Takes the codes that the fast painter of that folder has learned on since."""
        before = torch.cat(list(self.codes.values()))
        for slug, code in load_file(models / "styles.safetensors").items():
            self.codes[slug].copy_(code)
        self.painter.tuning.follow(before, torch.cat(list(self.codes.values())))

    def code(self, slug: str, lines: float) -> torch.Tensor:
        """[S], for a picture of so many lines."""
        return torch.lerp(*self.codes[slug], place(lines))

    def codes_of(self, batch: Batch) -> torch.Tensor:
        """[N,S]"""
        both = torch.stack([self.codes[slug] for slug in STYLES]).index_select(0, batch.slugs)
        return torch.lerp(both[:, 0], both[:, 1], self.places[batch.lines, None])


def place(lines: float) -> float:
    """Of so many lines between FINE (0) and COARSE (1)."""
    return math.log(lines / FINE) / math.log(COARSE / FINE)


class Targets:
    """Style statistics and colours of every painting at every number of lines, one row each."""

    def __init__(self, objective: Objective, paintings: Path, kept: Path, device: str):
        """Computed once and kept in a file."""
        if not kept.exists():
            found = {}
            for slug, (file, _) in STYLES.items():
                for lines in LINES:
                    painting = data.to_tensor(data.resize_shorter(data.read_rgb(paintings / file), lines)).to(device)
                    colours = palette(painting)[0]
                    found[slug, lines] = (objective.style_target(painting), colours)
            torch.save(found, kept)
        found = torch.load(kept, weights_only=True, map_location=device)
        rows = [found[slug, lines] for slug in STYLES for lines in LINES]
        layers = zip(*(style for style, _ in rows), strict=True)
        self.style = [[torch.cat(statistic) for statistic in zip(*layer, strict=True)] for layer in layers]
        some = lambda colours: colours[torch.linspace(0, len(colours) - 1, COLOURS).long()]
        self.colours = torch.stack([some(colours) for _, colours in rows])

    def rows(self, batch: Batch) -> torch.Tensor:
        return batch.slugs * len(LINES) + batch.lines

    def styles(self, rows: torch.Tensor | list[int]) -> list[list[torch.Tensor]]:
        """As Objective.style_target, [N,...]."""
        return [[statistic[rows] for statistic in layer] for layer in self.style]

    def styles_at(self, slugs: list[str], lines: int) -> list[list[torch.Tensor]]:
        return self.styles([list(STYLES).index(slug) * len(LINES) + list(LINES).index(lines) for slug in slugs])


def step(styled: Styled, objective: Objective, targets: Targets, batch: Batch, ramp: torch.Tensor) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    """What is minimised, and its parts. Nothing in it makes the host wait for a GPU or the GPU for the host."""
    device = batch.patch.device
    each = lambda scenes: scenes.repeat_interleave(EACH, 0)
    code, rows = styled.codes_of(batch), targets.rows(batch)
    image = inner(batch.patch)
    free = styled.painter.alone(each(image), code, each(inner(batch.grain, ROOM // SHUFFLE)))
    painted = free.clamp(0, 1).detach() + free - free.detach()
    found = objective.features(painted, {CONTENT_LAYER, *STYLE_LAYERS})
    content, style = objective.terms(found, each(objective.content_target(image)), targets.styles(rows))
    motion = Motion.random(len(image), device)
    noisy = motion.second(batch.patch)
    noisy = noisy + NOISE * torch.rand(len(image), 1, 1, 1, device=device) * torch.randn_like(noisy)
    again = styled.painter.alone(each(noisy), code, each(motion.second_grain(batch.grain)))
    expected, inside = motion.moved(free)
    steady = ((again - expected).abs() * inside).sum() / (3 * inside.sum())
    total = content.mean() + ramp * WEIGHTS["style"] * style.mean() + WEIGHTS["smooth"] * total_variation(painted)
    total = total + styled.steady * ramp * steady + WEIGHTS["range"] * (free - painted.detach()).pow(2).mean()
    stray = off_palette(painted, targets.colours[rows])
    uneven, checks = lattice(painted), weave(painted)
    total = total + WEIGHTS["palette"] * stray + WEIGHTS["lattice"] * uneven + WEIGHTS["weave"] * checks
    terms = {"content": content.mean(), "style": style.mean(), "steady": steady, "stray": stray, "lattice": uneven, "weave": checks}
    if batch.finished is not None:
        terms["taught"] = objective.distance(found, inner(batch.finished)).mean()
        total = total + WEIGHTS["taught"] * terms["taught"]
    return total, {name: term.detach() for name, term in terms.items()}


@torch.no_grad()
def validate(styled: Styled, objective: Objective, targets: Targets, held_out: list[Path], device: str) -> dict[str, float]:
    """Means of content and style over styles that are often trained, each on a photo of its own."""
    terms = []
    for slug, photo in zip(OFTEN, held_out, strict=False):
        image = data.to_tensor(data.resize_shorter(data.read_rgb(photo), 256)[:256, :256]).to(device)
        painted = styled.painter.alone(image, styled.code(slug, 256)[None]).clamp(0, 1)
        terms.append(torch.stack(objective(painted, objective.content_target(image), targets.styles_at([slug], 256))))
    content, style = torch.stack(terms).mean(0)[:, 0].tolist()
    return {"content": round(content, 4), "style": round(style, 4), "objective": round(content + STYLE_WEIGHT * style, 4)}


@torch.no_grad()
def write_samples(styled: Styled, photos: list[Path], path: Path, lines: int = 256) -> None:
    """One row a photo: the photo, then the styles that are often trained."""
    sheet = []
    for photo in photos:
        picture = data.resize_shorter(data.read_rgb(photo), lines)[:lines, :lines]
        image = data.to_tensor(picture).to(next(styled.parameters()).device)
        row = [picture] + [data.to_picture(styled.painter.alone(image, styled.code(slug, lines)[None])) for slug in OFTEN]
        sheet.append(torch.from_numpy(data.np.concatenate(row, 1)))
    data.save_rgb(path, torch.cat(sheet).numpy())


def write_models(styled: Styled, out: Path) -> None:
    painter = styled.painter
    style = styled.code(next(iter(STYLES)), 360).detach()[None]
    inputs = {"image": torch.rand(1, 3, 360, 640) - 0.5, "style": style, "before": torch.zeros(1, painter.statistics_size), "keep": torch.zeros(1)}
    inputs["grain"] = grain(360, 640)
    size, cells = {2: "height", 3: "width"}, {2: "rows", 3: "columns"}
    path = out / styled.file
    outputs = {"cells": [1, 3 * SHUFFLE**2, -1, -1], "statistics": [1, painter.statistics_size]}
    export(painter, path, inputs, outputs, {"image": size, "grain": cells, "cells": cells})
    print(f"{path}: largest difference to PyTorch {largest_difference(painter, path, inputs):.2e}")
    if not styled.fine:
        save_file({slug: code.detach().contiguous() for slug, code in styled.codes.items()}, out / "styles.safetensors")


def main() -> None:
    parser = common_arguments(__doc__)
    parser.add_argument("--rate", type=float, default=RATE[0], help="learning rate at first; less to tune trained weights")
    parser.add_argument("--size", choices=["fast", "fine"], default="fast")
    parser.add_argument("--follow", type=Path, help="a fast painter that was trained on since: the fine one takes its codes")
    parser.add_argument("--steady", type=float, help="how much holding still counts; more makes fainter strokes")
    parser.add_argument("--fixed-codes", action="store_true", help="only the shared weights learn, as in the fine painter")
    parser.add_argument("--finished", type=Path, help="scenes that the styler has finished (teacher.py), to learn from besides")
    parser.add_argument("--scenes", type=int, default=1, help=f"in one step, each in {EACH} styles; more on a GPU")
    parser.add_argument("--workers", type=int, default=0, help="processes that make the scenes; several on a GPU")
    parser.add_argument("--every", type=int, default=200, help="steps between two looks at held-out photos")
    args = parser.parse_args()
    prepare(args)
    objective = Objective(args.data).to(args.device)
    styled = Styled(args.size == "fine")
    if args.start:
        styled.begin(args.start)
    elif styled.fine:
        parser.error("the fine painter begins as the fast one: give its folder with --start")
    if args.follow:
        styled.follow(args.follow)
    if args.fixed_codes:
        styled.codes.requires_grad_(False)
    if args.steady is not None:
        styled.steady = args.steady
    styled.to(args.device)
    targets = Targets(objective, args.data / "styles", args.out / "targets.pt", args.device)
    photos, held_out = data.photo_paths(args.data, held_out=40)
    lessons = Lessons(photos, args.finished, args.scenes).by(args.workers)
    groups = [{"params": list(styled.painter.parameters())}, {"params": list(styled.codes.parameters())}]
    optimiser = torch.optim.Adam(groups, lr=args.rate, betas=(0.9, 0.99), capturable=args.device != "cpu")
    average = Average(styled, decay=0.998)
    progress = Progress(args.budget)
    checkpoint = args.out / "painter.pt"
    if checkpoint.exists():
        load_checkpoint(checkpoint, styled, average, optimiser, progress)

    def learn(ramp: torch.Tensor, *batch: torch.Tensor) -> dict[str, torch.Tensor]:
        batch = Batch(*batch)
        total, terms = step(styled, objective, targets, batch, ramp)
        optimiser.zero_grad(set_to_none=True)
        total.backward()
        if args.device == "cpu":
            # A code learns only at its style's turn; on a GPU, with more styles in a step, that is nearly always.
            for number in set(range(len(STYLES))) - set(batch.slugs.tolist()):
                styled.codes[list(STYLES)[number]].grad = None
        nn.utils.clip_grad_norm_(styled.parameters(), 10.0)
        optimiser.step()
        styled.painter.level_subpixels()
        return terms

    gpu = args.device != "cpu"
    learn = Recorded(learn) if gpu else learn
    # A recorded step reads its rates from where they were when it was recorded.
    rates = [torch.zeros((), device=args.device) for _ in groups]
    log = Log(args.out / "painter.log")
    while progress.fraction() < 1:
        used = progress.fraction()
        for group, rate, factor in zip(optimiser.param_groups, rates, (1.0, CODE_RATE), strict=True):
            rate.fill_(factor * cosine(used, args.rate, RATE[1]))
            group["lr"] = rate if gpu else rate.item()
        ramp = 1.0 if args.start else RAMP_START + (1 - RAMP_START) * min(1.0, used / RAMP)
        terms = learn(torch.tensor(ramp), *next(lessons).tensors())
        average.update(styled)
        progress.step()
        log.add(terms)
        if progress.iteration % args.every == 0 or progress.fraction() == 1:
            average.swap(styled)
            styled.painter.level_subpixels()
            log.write(progress, validate(styled, objective, targets, held_out[12:], args.device))
            write_samples(styled, held_out[:5], args.out / f"painter-{progress.iteration:06}.png")
            average.swap(styled)
            save_checkpoint(checkpoint, styled, average, optimiser, progress)
    average.swap(styled)
    styled.painter.level_subpixels()
    write_models(styled.cpu(), args.out)


if __name__ == "__main__":
    main()
