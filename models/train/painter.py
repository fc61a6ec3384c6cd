"""The painter: one feed-forward network for several styles, trained and exported.

    python painter.py --data DATA --out RUN --budget 110m

Input  `image` [1,3,H,W], RGB in [0,1], H and W multiples of 8; `style` [1,S].
Output `painted` [1,3,H,W], RGB in [0,1].

A style is the concatenated (scale, shift) of every conditional instance normalisation
(Dumoulin et al., "A learned representation for artistic style", 2017). There are none at
half resolution and above: there a normalisation costs more time than the convolutions.
"""

import random
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import nn

import data
from exporting import export, largest_difference, load_weights
from losses import StyleLoss, off_palette, palette, total_variation
from run import Average, Progress, common_arguments, cosine, load_checkpoint, prepare, save_checkpoint

# slug -> (file in styles/, share of the style weight). A busy picture swallows more content.
STYLES = {
    "great-wave": ("hokusai_great_wave.jpg", 1.0),
    "starry-night": ("vangogh_starry_night.jpg", 1.0),
    "scream": ("munch_scream.jpg", 1.0),
    "udnie": ("picabia_udnie.jpg", 1.0),
    "kandinsky": ("kandinsky_comp7.jpg", 0.6),
    "woman-with-a-hat": ("matisse_woman_hat.jpg", 1.0),
}
STEM = (16, 48, 96)
BLOCKS = 5
# Shorter side in pixels at which the paintings' brushwork is learned.
STYLE_SIDE = 320
STYLE_WEIGHT = 50.0
# The style weight begins at this share and is full after RAMP of the budget: a network that
# meets the full weight at once learns to fill the frame with strokes and forgets the content.
RAMP_START = 0.15
RAMP = 0.3
SMOOTH_WEIGHT = 0.5
STEADY_WEIGHT = 5.0
RANGE_WEIGHT = 10.0
PALETTE_WEIGHT = 100.0
NOISE = 0.01
SHORTER = (192, 384)
# Slope of the decoder's activations below zero. With plain ReLU whole regions went dead in the
# last layers: flat patches of one colour in every style, and no gradient to mend them.
LEAK = 0.1
# Mirrored margin around the picture, cut off again, in pixels. With mirrored padding in stem and
# trunk it hides where the picture ends from the network, which else paints a frame around it.
MARGIN = 16
CROPS = (192, 208)
RATE = (2.5e-3, 2e-4)
# A code learns only at its style's turn, so it gets a higher rate than the shared weights.
CODE_RATE = 4.0


class Conditional(nn.Module):
    """Instance normalisation with scale and shift cut out of the style vector at `offset`."""

    def __init__(self, channels: int, offset: int):
        super().__init__()
        self.channels, self.offset = channels, offset

    def forward(self, x: torch.Tensor, style: torch.Tensor) -> torch.Tensor:
        scale = style[0, self.offset : self.offset + self.channels]
        shift = style[0, self.offset + self.channels : self.offset + 2 * self.channels]
        return F.instance_norm(x, weight=scale, bias=shift, eps=1e-5)


class Block(nn.Module):
    """Residual block of two depthwise-separable convolutions, each normalised."""

    def __init__(self, channels: int, offset: int):
        super().__init__()
        deep = {"padding": 1, "padding_mode": "reflect", "groups": channels, "bias": False}
        self.deep1 = nn.Conv2d(channels, channels, 3, **deep)
        self.wide1 = nn.Conv2d(channels, channels, 1, bias=False)
        self.norm1 = Conditional(channels, offset)
        self.deep2 = nn.Conv2d(channels, channels, 3, **deep)
        self.wide2 = nn.Conv2d(channels, channels, 1, bias=False)
        self.norm2 = Conditional(channels, offset + 2 * channels)

    def forward(self, x: torch.Tensor, style: torch.Tensor) -> torch.Tensor:
        y = F.relu(self.norm1(self.wide1(self.deep1(x)), style))
        return x + self.norm2(self.wide2(self.deep2(y)), style)


class Painter(nn.Module):
    """Strided stem to 1/8, residual trunk, bilinear steps to 1/4 and 1/2, pixel shuffle to 1."""

    def __init__(self) -> None:
        super().__init__()
        half, quarter, eighth = STEM
        mirrored = {"padding": 1, "padding_mode": "reflect"}
        self.stem1 = nn.Conv2d(3, half, 5, stride=2)
        self.stem2 = nn.Conv2d(half, quarter, 3, stride=2, **mirrored)
        self.stem3 = nn.Conv2d(quarter, eighth, 3, stride=2, bias=False, **mirrored)
        self.norm3 = Conditional(eighth, 0)
        offset = 2 * eighth
        self.trunk = nn.ModuleList()
        for _ in range(BLOCKS):
            self.trunk.append(Block(eighth, offset))
            offset += 4 * eighth
        self.narrow = nn.Conv2d(eighth, quarter, 3, **mirrored)
        self.mix4 = nn.Conv2d(quarter, quarter, 3, padding=1, bias=False)
        self.norm4 = Conditional(quarter, offset)
        offset += 2 * quarter
        self.up2 = nn.Conv2d(quarter, 24, 3, padding=1, bias=False)
        self.norm2 = Conditional(24, offset)
        offset += 2 * 24
        self.skip2 = nn.Conv2d(half, 24, 1)
        self.mix2 = nn.Conv2d(24, 24, 3, padding=1)
        self.last = nn.Conv2d(24, 12, 3, padding=1)
        # ICNR: the four sub-pixels of a colour start equal, so no grid has to be unlearned.
        with torch.no_grad():
            self.last.weight.mul_(0.5)
            self.last.weight.copy_(self.last.weight[::4].repeat_interleave(4, 0))
            self.last.bias.fill_(0.5)
        self.code_size = offset

    @torch.no_grad()
    def level_subpixels(self) -> None:
        """Gives the four sub-pixels of a colour the same answer to flat features. Called after
        every step: they may differ on slopes and edges, but can never draw a grid on a flat area."""
        sums = self.last.weight.sum((2, 3), keepdim=True).unflatten(0, (3, 4))
        self.last.weight.add_(((sums.mean(1, keepdim=True) - sums) / 9).flatten(0, 1))
        self.last.bias.copy_(self.last.bias.unflatten(0, (3, 4)).mean(1, keepdim=True).expand(-1, 4).flatten())

    def unclamped(self, image: torch.Tensor, style: torch.Tensor) -> torch.Tensor:
        # Two pixels more than the margin: the padding of the 5x5 convolution.
        half = F.relu(self.stem1(F.pad(image - 0.5, (MARGIN + 2,) * 4, mode="reflect")))
        quarter = F.relu(self.stem2(half))
        x = F.relu(self.norm3(self.stem3(quarter), style))
        for block in self.trunk:
            x = block(x, style)
        x = doubled(self.narrow(x)) + quarter
        x = F.leaky_relu(self.norm4(self.mix4(x), style), LEAK)
        x = self.norm2(self.up2(x), style)
        x = F.leaky_relu(doubled(x) + self.skip2(half), LEAK)
        x = F.leaky_relu(self.mix2(x), LEAK)
        return F.pixel_shuffle(self.last(x), 2)[..., MARGIN:-MARGIN, MARGIN:-MARGIN]

    def forward(self, image: torch.Tensor, style: torch.Tensor) -> torch.Tensor:
        return self.unclamped(image, style).clamp(0, 1)


def doubled(x: torch.Tensor) -> torch.Tensor:
    return F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)


def first_code(painter: Painter) -> torch.Tensor:
    """Scale one and shift zero in every normalisation, [S]."""
    code = torch.zeros(painter.code_size)
    for module in painter.modules():
        if isinstance(module, Conditional):
            code[module.offset : module.offset + module.channels] = 1
    return code


class Styled(nn.Module):
    """The painter together with the codes of all styles: what one optimiser trains."""

    def __init__(self) -> None:
        super().__init__()
        self.painter = Painter()
        self.codes = nn.ParameterDict({slug: nn.Parameter(first_code(self.painter)) for slug in STYLES})


def style_targets(loss: StyleLoss, folder: Path, device: str) -> tuple[dict[str, list[torch.Tensor]], dict[str, torch.Tensor]]:
    """The Gram matrices and the palette of every style."""
    grams, palettes = {}, {}
    for slug, (file, _) in STYLES.items():
        painting = data.to_tensor(data.resize_shorter(data.read_rgb(folder / file), STYLE_SIDE)).to(device)
        grams[slug], palettes[slug] = loss.style_target(painting), palette(painting)
    return grams, palettes


def steadiness(painter: Painter, image: torch.Tensor, code: torch.Tensor, painted: torch.Tensor) -> torch.Tensor:
    """L1 between the painted picture, moved, and the painting of the moved and noisy picture."""
    dy, dx = random.randint(-12, 12), random.randint(-12, 12)
    moved = torch.roll(image, (dy, dx), (2, 3)) + NOISE * torch.randn_like(image)
    again = painter.unclamped(moved, code)
    margin = 32  # torch.roll wraps around, and the wrapped part has no counterpart
    inside = (..., slice(margin, -margin), slice(margin, -margin))
    return (again[inside] - torch.roll(painted, (dy, dx), (2, 3))[inside]).abs().mean()


def write_models(styled: Styled, out: Path) -> None:
    painter = styled.painter
    style = next(iter(styled.codes.values())).detach()[None]
    inputs = {"image": torch.rand(1, 3, 360, 640), "style": style}
    size = {2: "height", 3: "width"}
    path = out / "painter.onnx"
    export(painter, path, inputs, {"painted": [1, 3, -1, -1]}, {"image": size, "painted": size})
    print(f"{path}: largest difference to PyTorch {largest_difference(painter, path, inputs):.2e}")
    save_file({slug: code.detach().contiguous() for slug, code in styled.codes.items()}, out / "styles.safetensors")


@torch.no_grad()
def write_samples(styled: Styled, photos: list[Path], path: Path) -> None:
    """One row a photo: the photo, then every style."""
    sheet = []
    for photo in photos:
        picture = data.resize_shorter(data.read_rgb(photo), 256)[:256, :256]
        image = data.to_tensor(picture)
        row = [picture] + [data.to_picture(styled.painter(image, code[None])) for code in styled.codes.values()]
        sheet.append(torch.from_numpy(data.np.concatenate(row, 1)))
    data.save_rgb(path, torch.cat(sheet).numpy())


@torch.no_grad()
def held_out_loss(styled: Styled, loss: StyleLoss, targets: dict, photos: list[Path], device: str) -> dict[str, tuple[float, float]]:
    """slug -> (content, style), means over the photos at 256x256."""
    result = {}
    for slug, code in styled.codes.items():
        terms = []
        for photo in photos:
            image = data.to_tensor(data.resize_shorter(data.read_rgb(photo), 256)[:256, :256]).to(device)
            terms.append(torch.stack(loss(styled.painter(image, code[None]), loss.content_target(image), targets[slug])))
        result[slug] = tuple(torch.stack(terms).mean(0).tolist())
    return result


def main() -> None:
    parser = common_arguments(__doc__)
    parser.add_argument("--style-weight", type=float, default=STYLE_WEIGHT)
    args = parser.parse_args()
    prepare(args)
    loss = StyleLoss(args.data).to(args.device)
    styled = Styled().to(args.device)
    if args.start:
        load_weights(styled.painter, args.start)
        for slug, code in load_file(args.start.with_name("styles.safetensors")).items():
            styled.codes[slug].data.copy_(code)
    targets, palettes = style_targets(loss, args.data / "styles", args.device)
    photos, held_out = data.photo_paths(args.data, held_out=40)
    groups = [{"params": list(styled.painter.parameters())}, {"params": list(styled.codes.parameters())}]
    optimiser = torch.optim.Adam(groups, lr=RATE[0])
    average = Average(styled, decay=0.998)
    progress = Progress(args.budget)
    checkpoint = args.out / "painter.pt"
    if checkpoint.exists():
        load_checkpoint(checkpoint, styled, average, optimiser, progress)
    log = (args.out / "painter.log").open("a")
    slugs = list(STYLES)
    running: dict[str, list[float]] = {}
    while progress.fraction() < 1:
        for group, factor in zip(optimiser.param_groups, (1.0, CODE_RATE), strict=True):
            group["lr"] = factor * cosine(progress.fraction(), *RATE)
        slug = slugs[progress.iteration % len(slugs)]
        code = styled.codes[slug][None]
        image = data.photo_crop(random.choice(photos), random.choice(CROPS), SHORTER).to(args.device)
        free = styled.painter.unclamped(image, code)
        painted = free.clamp(0, 1).detach() + free - free.detach()
        content, style = loss(painted, loss.content_target(image), targets[slug])
        ramp = RAMP_START + (1 - RAMP_START) * min(1.0, progress.fraction() / RAMP)
        total = content + ramp * STYLES[slug][1] * args.style_weight * style + SMOOTH_WEIGHT * total_variation(painted)
        total = total + RANGE_WEIGHT * (free - painted.detach()).pow(2).mean()
        total = total + PALETTE_WEIGHT * off_palette(painted, palettes[slug])
        steady = torch.zeros(())
        # Every other turn of each style.
        if progress.iteration // len(slugs) % 2:
            steady = steadiness(styled.painter, image, code, free)
            total = total + STEADY_WEIGHT * steady
        optimiser.zero_grad(set_to_none=True)
        total.backward()
        nn.utils.clip_grad_norm_(styled.parameters(), 10.0)
        optimiser.step()
        styled.painter.level_subpixels()
        average.update(styled)
        progress.step()
        running.setdefault(slug, []).append((content.item(), style.item(), steady.item()))
        if progress.iteration % 120 == 0:
            means = {s: [round(sum(column) / len(v), 3) for column in zip(*v)] for s, v in running.items()}
            print(progress.iteration, f"{progress.seconds:.0f}s", means, file=log, flush=True)
            running.clear()
        if progress.iteration % 240 == 0:
            save_checkpoint(checkpoint, styled, average, optimiser, progress)
            average.swap(styled)
            write_samples(styled, held_out[:6], args.out / f"painter-{progress.iteration:06}.png")
            average.swap(styled)
    save_checkpoint(checkpoint, styled, average, optimiser, progress)
    average.swap(styled)
    styled.painter.level_subpixels()
    print("held out (content, style):", held_out_loss(styled, loss, targets, held_out[:12], args.device), file=log, flush=True)
    write_models(styled.cpu(), args.out)


if __name__ == "__main__":
    main()
