"""The painter's network: a small convolutional network whose normalisations carry the style.

A style is the concatenated (scale, shift) of every conditional instance normalisation (Dumoulin et
al., "A learned representation for artistic style", 2017). All of them sit at 1/8 and 1/4 of the
resolution: above, a normalisation costs more time than the convolutions. The statistics that they
divide by go out of the network and may come in again, so that a video can smooth them in time.

Besides the picture the network sees noise, the grain of a canvas. A plain wall gives it nothing to paint
strokes from, and what it made of the camera's own noise instead would boil; the grain is where strokes
begin (noise as in Ulyanov et al., "Texture networks", 2016), and it may move along with the scene.
"""

import torch
import torch.nn.functional as F
from torch import nn

from noise import OCTAVES, smear, value_noise

STEM = (16, 32, 80)
# Residual blocks of the trunk. Undilated: a dilated one sees every other cell, and what it made of busy
# dark areas was a lattice of that pitch.
TRUNK = 3
SHUFFLE = 4
# Slope of the decoder's activations below zero. With plain ReLU whole regions went dead in the
# last layers: flat patches of one colour in every style, and no gradient to mend them.
LEAK = 0.1
# Mirrored margin around the picture, cut off again, in pixels: the convolutions' zeros stay outside.
MARGIN = 28


class Conditional(nn.Module):
    """Instance normalisation; scale and shift, and mean and variance, at `offset` of their vectors."""

    def __init__(self, channels: int, offset: int):
        super().__init__()
        self.first, self.second, self.end = offset, offset + channels, offset + 2 * channels

    def forward(self, x: torch.Tensor, style: torch.Tensor, before: torch.Tensor, keep: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        mean = x.mean((2, 3), keepdim=True)
        now = torch.cat([mean[..., 0, 0], ((x - mean) * (x - mean)).mean((2, 3))], 1)
        statistics = now + keep * (before[:, self.first : self.end] - now)
        mean, variance = statistics.chunk(2, 1)
        scale = style[:, self.first : self.second] * (variance + 1e-5).rsqrt()
        shift = style[:, self.second : self.end] - mean * scale
        return x * scale[..., None, None] + shift[..., None, None], statistics


class Block(nn.Module):
    """Residual block of two depthwise-separable convolutions, normalised once."""

    def __init__(self, channels: int, offset: int):
        super().__init__()
        deep = {"padding": 1, "groups": channels, "bias": False}
        self.deep1 = nn.Conv2d(channels, channels, 3, **deep)
        self.wide1 = nn.Conv2d(channels, channels, 1)
        self.deep2 = nn.Conv2d(channels, channels, 3, **deep)
        self.wide2 = nn.Conv2d(channels, channels, 1, bias=False)
        self.norm = Conditional(channels, offset)

    def forward(self, x: torch.Tensor, *conditions: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        y = F.relu(self.wide1(self.deep1(x)))
        y, statistics = self.norm(self.wide2(self.deep2(y)), *conditions)
        return x + y, statistics


class Painter(nn.Module):
    """Strided stem to 1/8, residual trunk, one bilinear step to 1/4, sixteen pixels of each cell there.

    `image` [N,3,H,W], RGB in [-0.5,0.5] (so that the zeros around it are grey), in the colours of the painting, H and W
    multiples of 8; `style` [N,S]; `before` [N,S], the statistics of the frame before; `keep` [1], the share of them in 0..1
    (0 for single pictures); `noise` [N,3,H/4,W/4], smeared along the picture's forms (noise.py).
    -> `cells` [N,48,H/4,W/4], the painting before its pixel shuffle: channel 16 c + 4 y + x is colour c
    of the pixel in row y and column x of a cell (who writes bytes shuffles for nothing; the runtime
    takes a thirteenth of the time for it). `statistics` [N,S].
    """

    def __init__(self) -> None:
        super().__init__()
        half, quarter, eighth = STEM
        self.stem1 = nn.Conv2d(3, half, 3, stride=2, padding=1)
        self.stem2 = nn.Conv2d(half, quarter, 3, stride=2, padding=1)
        self.stem3 = nn.Conv2d(quarter, eighth, 3, stride=2, padding=1, bias=False)
        self.noise3 = nn.Conv2d(OCTAVES, eighth, 3, stride=2, padding=1, bias=False)
        self.norm3 = Conditional(eighth, 0)
        self.trunk = nn.ModuleList(Block(eighth, 2 * eighth * (1 + k)) for k in range(TRUNK))
        offset = 2 * eighth * (1 + TRUNK)
        self.code_size = offset + 2 * quarter
        self.narrow = nn.Conv2d(eighth, quarter, 1)
        # A fixed binomial filter, [1 2 1] / 4 both ways. Features that alternate from cell to cell pass a
        # bilinear step as blobs on a lattice, and the last layers drew rings around them in every dark area.
        line = torch.tensor([0.25, 0.5, 0.25])
        self.register_buffer("soft", torch.outer(line, line).repeat(quarter, 1, 1, 1), persistent=False)
        self.noise4 = nn.Conv2d(OCTAVES, quarter, 1, bias=False)
        self.mix = nn.Conv2d(quarter, quarter, 3, padding=1, bias=False)
        self.norm4 = Conditional(quarter, offset)
        self.deep = nn.Conv2d(quarter, quarter, 3, padding=1, groups=quarter, bias=False)
        self.draw = nn.Conv2d(quarter, quarter, 1)
        self.head = nn.Conv2d(quarter, 3 * SHUFFLE**2, 3)
        # ICNR: the sub-pixels of a colour start equal, so no grid has to be unlearned.
        with torch.no_grad():
            self.head.weight.copy_(0.5 * self.head.weight[:: SHUFFLE**2].repeat_interleave(SHUFFLE**2, 0))
            self.head.bias.fill_(0.5)
            nn.init.zeros_(self.draw.weight)
            nn.init.zeros_(self.draw.bias)

    @torch.no_grad()
    def level_subpixels(self) -> None:
        """Gives the sub-pixels of a colour the same answer to flat features. Called after every
        step: they may differ on slopes and edges, but can never draw a grid on a flat area."""
        sums = self.head.weight.sum((2, 3), keepdim=True).unflatten(0, (3, SHUFFLE**2))
        self.head.weight.add_(((sums.mean(1, keepdim=True) - sums) / 9).flatten(0, 1))
        self.head.bias.copy_(self.head.bias.unflatten(0, (3, -1)).mean(1, keepdim=True).expand(3, SHUFFLE**2).flatten())

    @torch.no_grad()
    def amplify_noise(self, gain: float) -> None:
        """Beside the features of a photo the noise must be seen, or plain places stay bare; and more at 1/8 than at 1/4, where
        strokes become specks."""
        self.noise3.weight.mul_(gain)
        self.noise4.weight.mul_(gain**0.3)

    def plain_code(self) -> torch.Tensor:
        """Scale one and shift zero in every normalisation, [S]."""
        code = torch.zeros(self.code_size)
        for module in self.modules():
            if isinstance(module, Conditional):
                code[module.first : module.second] = 1
        return code

    def unclamped(self, image: torch.Tensor, noise: torch.Tensor, *conditions: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        half = F.relu(self.stem1(F.pad(image, (MARGIN,) * 4, mode="reflect")))
        noise = F.pad(noise, (MARGIN // SHUFFLE,) * 4, mode="reflect")
        quarter = F.relu(self.stem2(half))
        x, found = self.norm3(self.stem3(quarter) + self.noise3(noise), *conditions)
        x, statistics = F.relu(x), [found]
        for block in self.trunk:
            x, found = block(x, *conditions)
            statistics.append(found)
        x = F.conv2d(self.narrow(x), self.soft, padding=1, groups=STEM[1])
        x = F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False) + quarter + self.noise4(noise)
        x, found = self.norm4(self.mix(x), *conditions)
        statistics.append(found)
        x = F.leaky_relu(x, LEAK)
        x = F.leaky_relu(x + self.draw(self.deep(x)), LEAK)
        # All of the margin but the one cell that the last convolution looks across.
        margin = MARGIN // SHUFFLE - 1
        return self.head(x[..., margin:-margin, margin:-margin]), torch.cat(statistics, 1)

    def forward(self, image: torch.Tensor, style: torch.Tensor, before: torch.Tensor, keep: torch.Tensor, noise: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        cells, statistics = self.unclamped(image, noise, style, before, keep)
        return cells.clamp(0, 1), statistics

    def alone(self, image: torch.Tensor, style: torch.Tensor, noise: torch.Tensor | None = None) -> torch.Tensor:
        """Single pictures [N,3,H,W] in [0,1], not clamped; on noise of their own, always the same, where none is given."""
        if noise is None:
            noise = value_noise(*image.shape[2:], generator=torch.Generator().manual_seed(1)).to(image.device)
        noise = smear(noise.expand(image.shape[0], -1, -1, -1), image)
        before, keep = style.new_zeros(len(style), self.code_size), torch.zeros(1, device=image.device)
        cells, _ = self.unclamped(image - 0.5, noise, style, before, keep)
        return F.pixel_shuffle(cells, SHUFFLE)
