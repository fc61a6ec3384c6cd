"""The warper, and the adapter that turns VGG's features into ones that can be matched.

    python features.py --data DATA --out CACHE --budget 36m
    python warper.py --data DATA --cache CACHE --out RUN --budget 60m

or on a GPU, without a cache (fresh.py says how):

    python warper.py --data DATA --fresh FRESH --out RUN --budget 5m --device cuda --batch 48 --pairs 24

Writes `encoder.onnx` (VGG-16 and the adapter): `image` [1,3,256,256], RGB in [0,1] ->
`features` [1,256,16,16], unit vectors; and `warper.onnx`: `content_features`,
`exemplar_features` -> `field` [1,2,16,16], `confidence` [1,1,16,16]. Channel 0 of the field is
x, 1 is y, in fractions of the frame. The output cell centred at p = ((j+.5)/16, (i+.5)/16), on
the exemplar's grid, takes its pixel from the content's position p + field(p). The confidence
is the probability that this is right to within a cell and shows in the content.
"""

import time
from pathlib import Path

import onnx
import torch
import torch.nn.functional as F
from torch import nn

import pairs
from encoder import Encoder
from exporting import export, largest_difference, load_weights, share_weights
from fresh import Fresh
from matching import CHANNELS, WINDOW, Matcher, Warper, unit
from run import Average, Log, Progress, common_arguments, cosine, load_checkpoint, prepare, save_checkpoint
from synthetic import CELLS
from vgg import WEIGHTS as VGG_FILE, write_shared_weights

RATE = (1.5e-3, 2e-5)
WARM_UP = 0.03
PASS_DECAY = 0.7
BATCH = 12
PAIRS = 5
# Share of the budget after which batches of real pairs and faces come in.
REAL_FROM = 0.15
WEIGHTS = {"confidence": 0.4, "outside": 0.1, "window": 0.15, "path": 0.3, "smooth": 0.3, "faces": 0.5}
# Of the cosines in the windowed cross-entropy.
TEMPERATURE = 0.08
MISSED_LIMIT = 5.0


def at_positions(warper: Warper, values: torch.Tensor, field: torch.Tensor, outside: str) -> torch.Tensor:
    """`values` [N,C,16,16] looked up where `field` points."""
    position = (warper.centres + field).permute(0, 2, 3, 1) * 2 - 1
    return F.grid_sample(values, position, padding_mode=outside, align_corners=False)


def at_points(values: torch.Tensor, points: torch.Tensor) -> torch.Tensor:
    """`values` [N,C,16,16] at points [N,K,2] -> [N,K,C]."""
    found = F.grid_sample(values, points[:, None] * 2 - 1, padding_mode="border", align_corners=False)
    return found[:, :, 0].transpose(1, 2)


def bending(field: torch.Tensor) -> torch.Tensor:
    """Mean absolute second difference, in cells."""
    rows = field[:, :, 2:] - 2 * field[:, :, 1:-1] + field[:, :, :-2]
    columns = field[..., 2:] - 2 * field[..., 1:-1] + field[..., :-2]
    return CELLS * (rows.abs().mean() + columns.abs().mean())


def supervised(matcher: Matcher, batch: pairs.Synthetic) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    fields, logit = matcher.warper.passes(matcher.adapter(batch.content), matcher.adapter(batch.exemplar))
    inside = batch.visible * batch.related
    # What is covered or outside the frame cannot be seen, but going on smoothly can be learned.
    weight = inside + WEIGHTS["outside"] * (batch.known - batch.visible) * batch.related
    total = torch.zeros((), device=weight.device)
    for passes_left, field in enumerate(reversed(fields)):
        l1 = (field - batch.field).abs().sum(1, keepdim=True).clamp_max(1.0)
        total = total + PASS_DECAY**passes_left * CELLS * (l1 * weight).sum() / weight.sum()
    error = (fields[-1].detach() - batch.field).norm(dim=1, keepdim=True)
    sure = F.binary_cross_entropy_with_logits(logit, inside * (error < 1 / CELLS))
    epe = 256 * (error * inside).sum() / inside.sum()
    return total + WEIGHTS["confidence"] * sure, {"epe": epe, "confidence": sure.detach()}


def by_landmarks(matcher: Matcher, batch: pairs.Faces) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    """Machine-made landmarks of two faces: the field must send one's to the other's."""
    fields, logit = matcher.warper.passes(matcher.adapter(batch.content), matcher.adapter(batch.exemplar))
    total = torch.zeros((), device=logit.device)
    for passes_left, field in enumerate(reversed(fields)):
        missed = batch.points + at_points(field, batch.points) - batch.goal
        total = total + PASS_DECAY**passes_left * CELLS * missed.abs().sum(2).clamp_max(1.0).mean()
    right = (missed_by(fields[-1].detach(), batch) < 1 / CELLS).float()
    sure = F.binary_cross_entropy_with_logits(at_points(logit, batch.points)[..., 0], right)
    total = WEIGHTS["faces"] * (total + WEIGHTS["confidence"] * sure) + WEIGHTS["smooth"] * bending(fields[-1])
    return total, {"faces": CELLS * missed_by(fields[-1].detach(), batch).mean()}


def missed_by(field: torch.Tensor, batch: pairs.Faces) -> torch.Tensor:
    """[N,K], in fractions of the frame."""
    return (batch.points + at_points(field, batch.points) - batch.goal).norm(dim=2)


def weakly_supervised(matcher: Matcher, batch: pairs.Real) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    """Real pairs A, B, with views A', B' of known warps: the windowed cross-entropy of the paper,
    the path A' -> B -> A against the known A' -> A (Truong et al., "Probabilistic warp
    consistency", 2022; unlike a cycle, no constant field satisfies it), and bending."""
    warper = matcher.warper
    plain, view = matcher.adapter(batch.plain), matcher.adapter(batch.view)
    n = plain.shape[0]
    other = plain.roll(n // 2, 0)
    fields, _ = warper.passes(torch.cat([other, other]), torch.cat([plain, view]))
    to_other, view_to_other = fields[-1][:n], fields[-1][n:]

    # The features only judge the fields here; training them on their own verdict would drift.
    exemplar, content = plain.detach(), other.detach()
    near = pairs.near_cells(WINDOW // 2, plain.device)
    trust = pairs.mutual(content, exemplar)
    warped = unit(at_positions(warper, content, to_other, "zeros"))
    likeness = warped.flatten(2).transpose(1, 2) @ exemplar.flatten(2) / TEMPERATURE
    chance = likeness.masked_fill(~near, -1e4).log_softmax(2).diagonal(dim1=1, dim2=2)
    window = -(chance * trust).sum() / trust.sum()

    home = at_positions(warper, to_other.roll(n // 2, 0), view_to_other, "border")
    arrived = warper.centres + view_to_other
    visible = batch.visible * ((arrived > 0) & (arrived < 1)).all(1, keepdim=True)
    # Clamped: a part that the other picture does not have cannot be found again.
    missed = (CELLS * (view_to_other + home - batch.field)).abs().sum(1, keepdim=True).clamp_max(MISSED_LIMIT)
    path = (missed * visible).sum() / visible.sum().clamp_min(1)
    bend = bending(to_other)
    total = WEIGHTS["window"] * window + WEIGHTS["path"] * path + WEIGHTS["smooth"] * bend
    return total, {"window": window.detach(), "path": path.detach(), "bend": bend.detach()}


STEPS = {pairs.Synthetic: supervised, pairs.Real: weakly_supervised, pairs.Faces: by_landmarks}


@torch.no_grad()
def validate(matcher: Matcher, held_out: list) -> dict[str, float]:
    """Means over fixed held-out batches of all kinds. `score` is what decides which is best: errors
    in cells on synthetic pairs and faces plus the weighted objective on real ones; less is better."""
    matcher.eval()
    sums: dict[str, list[torch.Tensor]] = {}
    for batch in held_out:
        total, terms = STEPS[type(batch)](matcher, batch)
        for name, value in terms.items():
            sums.setdefault(name, []).append(value)
        if isinstance(batch, pairs.Real):
            sums.setdefault("real", []).append(total)
    matcher.train()
    means = {name: round(float(sum(v)) / len(v), 4) for name, v in sums.items()}
    means["score"] = round(means["epe"] / 16 + means["faces"] + means["real"], 4)
    return means


def write_models(matcher: Matcher, data: Path, out: Path) -> None:
    encoder = Encoder(data, matcher.adapter)
    image = torch.rand(1, 3, 256, 256)
    features = [1, CHANNELS, CELLS, CELLS]
    path = out / "encoder.onnx"
    export(encoder, path, {"image": image}, {"features": features}, half_weights=True)
    graph = onnx.load(str(path))
    write_shared_weights(data, out)
    share_weights(graph, out / VGG_FILE)
    onnx.save(graph, str(path))
    print(f"{path}: largest difference to PyTorch {largest_difference(encoder, path, {'image': image}):.2e}")
    inputs = {name: unit(torch.rand(features)) for name in ("content_features", "exemplar_features")}
    path = out / "warper.onnx"
    export(matcher.warper, path, inputs, {"field": [1, 2, CELLS, CELLS], "confidence": [1, 1, CELLS, CELLS]})
    print(f"{path}: largest difference to PyTorch {largest_difference(matcher.warper, path, inputs):.2e}")


def next_batch(cache: pairs.Cache | Fresh, args, iteration: int, real: bool) -> pairs.Batch:
    """Synthetic, and from some point on every second batch of real pairs and every fourth of faces."""
    kind = iteration % 4 if real else 0
    if kind in (1, 2) and "real" not in args.without:
        return cache.real_batch(args.pairs)
    if kind == 3 and "faces" not in args.without:
        return cache.face_batch(args.batch)
    return cache.synthetic_batch(args.batch)


def main() -> None:
    parser = common_arguments(__doc__)
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--cache", type=Path, help="folder written by features.py")
    source.add_argument("--fresh", type=Path, help="folder written by fresh.py")
    parser.add_argument("--batch", type=int, default=BATCH, help="synthetic pairs or pairs of faces at once")
    parser.add_argument("--pairs", type=int, default=PAIRS, help="real pairs at once")
    parser.add_argument("--check-every", type=int, default=250, help="iterations between looks at held-out batches")
    parser.add_argument("--real-from", type=float, default=REAL_FROM)
    parser.add_argument("--rate", type=float, default=RATE[0], help="learning rate at first; less to tune trained weights")
    parser.add_argument("--without", nargs="*", default=[], choices=["real", "faces", "window", "path", "smooth"], help="ablations")
    args = parser.parse_args()
    began = time.monotonic()
    prepare(args)
    WEIGHTS.update({name: 0.0 for name in args.without if name in WEIGHTS})
    cache = Fresh(args.fresh, args.data, args.device) if args.fresh else pairs.Cache(args.cache, args.data)
    matcher = Matcher().to(args.device)
    if args.start:
        load_weights(matcher.adapter, args.start / "encoder.onnx", "adapter.")
        load_weights(matcher.warper, args.start / "warper.onnx")
    else:
        matcher.adapter.begin(cache.sample(200).to(args.device))
    held_out = [batch.to(args.device) for batch in cache.held_out_batches(args.batch)]
    optimiser = torch.optim.Adam(matcher.parameters(), lr=RATE[0])
    average = Average(matcher, decay=0.998)
    checkpoint, best = args.out / "warper.pt", args.out / "warper-best.pt"
    lowest = float("inf")
    progress = Progress(args.budget)
    if checkpoint.exists():
        load_checkpoint(checkpoint, matcher, average, optimiser, progress)
        average.swap(matcher)
        lowest = validate(matcher, held_out)["score"]
        average.swap(matcher)
    log = Log(args.out / "warper.log")
    print(f"begins after {time.monotonic() - began:.0f}s", file=log.file, flush=True)
    while progress.fraction() < 1:
        used = progress.fraction()
        for group in optimiser.param_groups:
            group["lr"] = cosine(used, args.rate, RATE[1]) * min(1.0, (used + 1e-3) / WARM_UP)
        batch = next_batch(cache, args, progress.iteration, used >= args.real_from)
        total, terms = STEPS[type(batch)](matcher, batch.to(args.device))
        optimiser.zero_grad(set_to_none=True)
        total.backward()
        nn.utils.clip_grad_norm_(matcher.parameters(), 1.0)
        optimiser.step()
        average.update(matcher)
        progress.step()
        log.add(terms)
        if progress.iteration % args.check_every == 0 or progress.fraction() == 1:
            average.swap(matcher)
            found = validate(matcher, held_out)
            if found["score"] < lowest:
                lowest = found["score"]
                torch.save(matcher.state_dict(), best)
            average.swap(matcher)
            log.write(progress, found)
            save_checkpoint(checkpoint, matcher, average, optimiser, progress)
    matcher.load_state_dict(torch.load(best, map_location=args.device, weights_only=True))
    write_models(matcher.cpu(), args.data, args.out)


if __name__ == "__main__":
    main()
