"""The warper: from two grids of features to a backward warp field, by a recurrent look-up.

    python features.py --data DATA --out CACHE --budget 30m
    python warper.py --data DATA --cache CACHE --out RUN --budget 80m

Inputs `content_features`, `exemplar_features` [1,512,16,16]: unit vectors from the encoder.
Output `field` [1,2,16,16]: channel 0 is x, 1 is y, in fractions of the frame. The output cell
centred at p = ((j+.5)/16, (i+.5)/16), on the exemplar's grid, takes its pixel from the content's
position p + field(p).
Output `confidence` [1,1,16,16] in [0,1]: probability that the field is right to within a cell
and points inside the content's frame.

After Kim et al., "Recurrent transformer networks" (2018) and Liu et al., "Learning to warp for
style transfer" (2021); the look-up in a precomputed volume is RAFT's (Teed and Deng, 2020).
"""

from pathlib import Path

import torch
import torch.nn.functional as F
from torch import nn

import pairs
from exporting import export, largest_difference, load_weights
from run import Average, Progress, common_arguments, cosine, load_checkpoint, prepare, save_checkpoint
from synthetic import CELLS, cell_centres

CHANNELS = 512
PASSES = 4
WINDOW = 9
RATE = (1.5e-3, 2e-5)
WARM_UP = 0.03
PASS_DECAY = 0.7
BATCH = 12
# Share of the budget after which every second batch is of real pairs.
REAL_FROM = 0.35
WEIGHTS = {"confidence": 0.4, "outside": 0.1, "window": 0.15, "path": 0.3, "smooth": 0.3}
TEMPERATURE = 0.08
MISSED_LIMIT = 5.0


class Adapter(nn.Module):
    """Residual on the encoder's features with a 5x5 context, from which matches are computed.

    It begins as the subtraction of the mean feature, which alone makes cosines far more telling.
    """

    def __init__(self) -> None:
        super().__init__()
        self.centre = nn.Parameter(torch.zeros(1, CHANNELS, 1, 1))
        self.reduce = nn.Conv2d(CHANNELS, 96, 1)
        self.around1 = nn.Conv2d(96, 96, 3, padding=1)
        self.around2 = nn.Conv2d(96, 96, 3, padding=1)
        self.expand = nn.Conv2d(96, CHANNELS, 1)
        nn.init.zeros_(self.expand.weight)
        nn.init.zeros_(self.expand.bias)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        with half_precision(self, features):
            x = F.relu(self.reduce(features * 8))
            x = F.relu(self.around1(x))
            x = F.relu(self.around2(x))
            x = self.expand(x)
        return unit(features - self.centre + x.float())


class Warper(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.adapter = Adapter()
        width, looked_up = 96, 2 * WINDOW * WINDOW
        self.update = nn.Sequential(
            nn.Conv2d(looked_up + 2, width, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(width, width, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(width, width, 3, padding=2, dilation=2),
            nn.ReLU(),
            nn.Conv2d(width, width, 3, padding=4, dilation=4),
            nn.ReLU(),
            nn.Conv2d(width, width, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(width, 3, 3, padding=1),
        )
        nn.init.zeros_(self.update[-1].weight)
        nn.init.zeros_(self.update[-1].bias)
        self.register_buffer("centres", cell_centres())
        steps = torch.arange(WINDOW) - WINDOW // 2
        y, x = torch.meshgrid(steps, steps, indexing="ij")
        self.register_buffer("window", torch.stack([x, y], -1)[None] / CELLS)

    def volume(self, content: torch.Tensor, exemplar: torch.Tensor) -> torch.Tensor:
        """[N*256,1,16,16]: for every exemplar cell, its likeness to the content's cells; L2 norm 4."""
        n = content.shape[0]
        likeness = exemplar.reshape(n, CHANNELS, -1).transpose(1, 2) @ content.reshape(n, CHANNELS, -1)
        likeness = 4 * likeness / (likeness.pow(2).sum(2, keepdim=True) + 1e-6).sqrt()
        return likeness.reshape(n * CELLS * CELLS, 1, CELLS, CELLS)

    def look_up(self, volume: torch.Tensor, position: torch.Tensor, reach: int) -> torch.Tensor:
        """The 9x9 window of `volume` around position [N,2,16,16], its steps `reach` cells wide."""
        n = position.shape[0]
        centre = position.permute(0, 2, 3, 1).reshape(n * CELLS * CELLS, 1, 1, 2)
        found = F.grid_sample(volume, (centre + reach * self.window) * 2 - 1, align_corners=False)
        return found.reshape(n, CELLS * CELLS, -1).transpose(1, 2).reshape(n, -1, CELLS, CELLS)

    def passes(self, content: torch.Tensor, exemplar: torch.Tensor) -> tuple[list[torch.Tensor], torch.Tensor]:
        """From adapted features: the field after every pass, and the last confidence logit."""
        fine = self.volume(content, exemplar)
        coarse = F.avg_pool2d(fine, 2)
        field = torch.zeros_like(content[:, :2])
        fields = []
        for _ in range(PASSES):
            position = self.centres + field.detach()
            seen = [self.look_up(fine, position, 1), self.look_up(coarse, position, 2), field.detach()]
            with half_precision(self, field):
                change = self.update(torch.cat(seen, 1))
            change = change.float()
            field = field + change[:, :2]
            fields.append(field)
        return fields, change[:, 2:]

    def forward(self, content_features: torch.Tensor, exemplar_features: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        fields, logit = self.passes(self.adapter(content_features), self.adapter(exemplar_features))
        return fields[-1], logit.sigmoid()


def half_precision(module: nn.Module, tensor: torch.Tensor) -> torch.autocast:
    """bfloat16 convolutions while training; all matching, and everything else, is float32."""
    return torch.autocast(tensor.device.type, torch.bfloat16, enabled=module.training)


def unit(x: torch.Tensor) -> torch.Tensor:
    return x / (x.pow(2).sum(1, keepdim=True) + 1e-6).sqrt()


def end_point_error(field: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
    """[N,1,16,16], in fractions of the frame."""
    return (field - truth).pow(2).sum(1, keepdim=True).clamp_min(1e-12).sqrt()


def in_frame(warper: Warper, field: torch.Tensor) -> torch.Tensor:
    position = warper.centres + field
    return ((position > 0) & (position < 1)).all(1, keepdim=True).float()


def bending(field: torch.Tensor) -> torch.Tensor:
    """Mean absolute second difference, in cells."""
    rows = field[:, :, 2:] - 2 * field[:, :, 1:-1] + field[:, :, :-2]
    columns = field[..., 2:] - 2 * field[..., 1:-1] + field[..., :-2]
    return CELLS * (rows.abs().mean() + columns.abs().mean())


def supervised(warper: Warper, batch: pairs.Synthetic) -> tuple[torch.Tensor, dict[str, float]]:
    fields, logit = warper.passes(warper.adapter(batch.content), warper.adapter(batch.exemplar))
    inside = batch.known * in_frame(warper, batch.field)
    # Outside the content's frame nothing can be seen, but going on smoothly can be learned.
    weight = inside + WEIGHTS["outside"] * (batch.known - inside)
    total = torch.zeros((), device=weight.device)
    for passes_left, field in enumerate(reversed(fields)):
        l1 = (field - batch.field).abs().sum(1, keepdim=True).clamp_max(1.0)
        total = total + PASS_DECAY**passes_left * CELLS * (l1 * weight).sum() / weight.sum()
    error = end_point_error(fields[-1].detach(), batch.field)
    right = inside * (error < 1 / CELLS)
    sure = F.binary_cross_entropy_with_logits(logit, right)
    epe = 256 * (error * inside).sum() / inside.sum()
    return total + WEIGHTS["confidence"] * sure, {"epe": epe.item(), "confidence": sure.item()}


def weakly_supervised(warper: Warper, batch: pairs.Real) -> tuple[torch.Tensor, dict[str, float]]:
    """Real pairs A, B, with views A', B' of known warps: the windowed cross-entropy of the paper,
    the path A' -> B -> A against the known A' -> A (Truong et al., "Probabilistic warp
    consistency", 2022; unlike a cycle, no constant field satisfies it), and bending."""
    plain, view = warper.adapter(batch.plain), warper.adapter(batch.view)
    n = plain.shape[0]
    other = plain.roll(n // 2, 0)
    fields, _ = warper.passes(torch.cat([other, other]), torch.cat([plain, view]))
    to_other, view_to_other = fields[-1][:n], fields[-1][n:]

    # The features only judge the fields here; training them on their own verdict would drift.
    exemplar, content = plain.detach(), other.detach()
    near = pairs.near_cells(WINDOW // 2).to(plain.device)
    trust = pairs.mutual(content, exemplar)
    warped = unit(at_positions(warper, content, to_other, "zeros"))
    likeness = warped.flatten(2).transpose(1, 2) @ exemplar.flatten(2) / TEMPERATURE
    chance = likeness.masked_fill(~near, -1e4).log_softmax(2).diagonal(dim1=1, dim2=2)
    window = -(chance * trust).sum() / trust.sum()

    home = at_positions(warper, to_other.roll(n // 2, 0), view_to_other, "border")
    visible = batch.known * in_frame(warper, batch.field) * in_frame(warper, view_to_other)
    # Clamped: a part that the other picture does not have cannot be found again.
    missed = (CELLS * (view_to_other + home - batch.field)).abs().sum(1, keepdim=True).clamp_max(MISSED_LIMIT)
    path = (missed * visible).sum() / visible.sum().clamp_min(1)
    bend = bending(to_other)
    total = WEIGHTS["window"] * window + WEIGHTS["path"] * path + WEIGHTS["smooth"] * bend
    return total, {"window": window.item(), "path": path.item(), "bend": bend.item()}


def at_positions(warper: Warper, values: torch.Tensor, field: torch.Tensor, outside: str) -> torch.Tensor:
    """`values` [N,C,16,16] looked up where `field` points."""
    position = (warper.centres + field).permute(0, 2, 3, 1) * 2 - 1
    return F.grid_sample(values, position, padding_mode=outside, align_corners=False)


@torch.no_grad()
def validate(warper: Warper, held_out: list, device: str) -> dict[str, float]:
    """Means over fixed held-out batches of both kinds. `score` is what decides which is best:
    error in cells on synthetic pairs plus the weighted objective on real ones; less is better."""
    warper.eval()
    sums: dict[str, list[float]] = {}
    for batch in held_out:
        step = supervised if isinstance(batch, pairs.Synthetic) else weakly_supervised
        total, terms = step(warper, batch.to(device))
        for name, value in terms.items():
            sums.setdefault(name, []).append(value)
        if step is weakly_supervised:
            sums.setdefault("real", []).append(total.item())
    warper.train()
    means = {name: round(sum(v) / len(v), 4) for name, v in sums.items()}
    means["score"] = round(means["epe"] / 16 + means["real"], 4)
    return means


def write_model(warper: Warper, out: Path) -> None:
    shape = (1, CHANNELS, CELLS, CELLS)
    inputs = {name: unit(torch.rand(shape)) for name in ("content_features", "exemplar_features")}
    path = out / "warper.onnx"
    export(warper, path, inputs, {"field": [1, 2, CELLS, CELLS], "confidence": [1, 1, CELLS, CELLS]})
    print(f"{path}: largest difference to PyTorch {largest_difference(warper, path, inputs):.2e}")


def main() -> None:
    parser = common_arguments(__doc__)
    parser.add_argument("--cache", type=Path, required=True, help="folder written by features.py")
    parser.add_argument("--real-from", type=float, default=REAL_FROM)
    args = parser.parse_args()
    prepare(args)
    cache = pairs.Cache(args.cache)
    warper = Warper().to(args.device)
    warper.adapter.centre.data.copy_(cache.mean_feature().to(args.device))
    if args.start:
        load_weights(warper, args.start)
    held_out = cache.held_out_batches(BATCH)
    optimiser = torch.optim.Adam(warper.parameters(), lr=RATE[0])
    average = Average(warper, decay=0.998)
    progress = Progress(args.budget)
    checkpoint, best = args.out / "warper.pt", args.out / "warper-best.pt"
    lowest = float("inf")
    if checkpoint.exists():
        load_checkpoint(checkpoint, warper, average, optimiser, progress)
        average.swap(warper)
        lowest = validate(warper, held_out, args.device)["score"]
        average.swap(warper)
    log = (args.out / "warper.log").open("a")
    recent: dict[str, list[float]] = {}
    while progress.fraction() < 1:
        used = progress.fraction()
        for group in optimiser.param_groups:
            group["lr"] = cosine(used, *RATE) * min(1.0, (used + 1e-3) / WARM_UP)
        real = used >= args.real_from and progress.iteration % 2 == 1
        batch = cache.real_batch(BATCH // 4) if real else cache.synthetic_batch(BATCH)
        total, terms = (weakly_supervised if real else supervised)(warper, batch.to(args.device))
        optimiser.zero_grad(set_to_none=True)
        total.backward()
        nn.utils.clip_grad_norm_(warper.parameters(), 1.0)
        optimiser.step()
        average.update(warper)
        progress.step()
        for name, value in terms.items():
            recent.setdefault(name, []).append(value)
        if progress.iteration % 250 == 0:
            average.swap(warper)
            found = validate(warper, held_out, args.device)
            if found["score"] < lowest:
                lowest = found["score"]
                torch.save(warper.state_dict(), best)
            average.swap(warper)
            means = {name: round(sum(v) / len(v), 3) for name, v in recent.items()}
            print(progress.iteration, f"{progress.seconds:.0f}s", means, "held out", found, file=log, flush=True)
            recent.clear()
            save_checkpoint(checkpoint, warper, average, optimiser, progress)
    warper.load_state_dict(torch.load(best, map_location=args.device, weights_only=True))
    write_model(warper.cpu(), args.out)


if __name__ == "__main__":
    main()
