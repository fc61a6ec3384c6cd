"""The two networks of the warp: features that can be matched, and the recurrent look-up.

After Kim et al., "Recurrent transformer networks" (2018) and Liu et al., "Learning to warp for
style transfer" (2021); the look-up in a precomputed volume is RAFT's (Teed and Deng, 2020).
"""

import torch
import torch.nn.functional as F
from torch import nn

from encoder import RAW
from run import half_precision
from synthetic import CELLS, cell_centres

CHANNELS = 256
PASSES = 4
REACH = 4
WINDOW = 2 * REACH + 1
# Zeros around a volume, so that windows whose centre lies far outside read nothing.
MARGIN = 2 * REACH + 2
WIDTH = 96
HIDDEN = 32
# Of the softmax over the exemplar's cells, for volumes of L2 norm 4.
TEMPERATURE = 0.25


def unit(x: torch.Tensor) -> torch.Tensor:
    return x / (x.pow(2).sum(1, keepdim=True) + 1e-6).sqrt()


class Adapter(nn.Module):
    """Raw VGG features [N,1024,16,16] -> features [N,256,16,16], unit vectors that are matched by cosine.

    It begins as the principal components of the centred features (their mean, common to every
    place of every picture, only hides what differs) and learns a residual with a 5x5 context.
    """

    def __init__(self) -> None:
        super().__init__()
        self.centre = nn.Parameter(torch.zeros(1, RAW, 1, 1))
        self.project = nn.Conv2d(RAW, CHANNELS, 1, bias=False)
        self.reduce = nn.Conv2d(RAW, 128, 1)
        self.around1 = nn.Conv2d(128, 128, 3, padding=1)
        self.around2 = nn.Conv2d(128, 128, 3, padding=1)
        self.expand = nn.Conv2d(128, CHANNELS, 1)
        nn.init.zeros_(self.expand.weight)
        nn.init.zeros_(self.expand.bias)

    @torch.no_grad()
    def begin(self, some: torch.Tensor) -> None:
        """Sets the centre and the projection from raw features [N,1024,16,16]."""
        rows = some.permute(0, 2, 3, 1).reshape(-1, RAW)
        self.centre.copy_(rows.mean(0).view(1, RAW, 1, 1))
        rows = rows - rows.mean(0)
        basis = torch.linalg.eigh(rows.T @ rows)[1].flip(1)[:, :CHANNELS]
        self.project.weight.copy_(basis.T[..., None, None])

    def forward(self, raw: torch.Tensor) -> torch.Tensor:
        with half_precision(raw.device.type, self.training):
            x = raw - self.centre
            found = self.project(x)
            x = F.relu(self.reduce(x * 8))
            x = F.relu(self.around1(x))
            x = F.relu(self.around2(x))
            x = self.expand(x)
        return unit(found.float() + x.float())


class Warper(nn.Module):
    """Features of two pictures [N,256,16,16] -> field [N,2,16,16], confidence [N,1,16,16].

    Once: the volume of all cosines, each exemplar cell's row scaled by its own L2 norm; and, the
    other way round, which exemplar cell each content cell is most like, and how clearly. Each of
    the passes looks around the present match: a 9x9 window of the volume, another one of the
    volume at half resolution (it reaches the whole frame), where the match leads back to (cycle
    consistency) and how sharply; it adds to the field.
    """

    def __init__(self) -> None:
        super().__init__()
        self.context = nn.Conv2d(CHANNELS, HIDDEN, 1)
        self.gather = nn.Conv2d(2 * WINDOW * WINDOW + 5 + 2 * HIDDEN, WIDTH, 1)
        self.near = nn.Conv2d(WIDTH, WIDTH, 3, padding=1)
        self.wide = nn.Conv2d(WIDTH, WIDTH, 3, padding=2, dilation=2)
        self.wider = nn.Conv2d(WIDTH, WIDTH, 3, padding=4, dilation=4)
        self.change = nn.Conv2d(WIDTH, 3 + HIDDEN, 3, padding=1)
        nn.init.zeros_(self.change.weight)
        nn.init.zeros_(self.change.bias)
        self.register_buffer("centres", cell_centres())
        patch = torch.arange(WINDOW + 1) - REACH + MARGIN
        self.register_buffer("fine_patch", self.offsets(patch, CELLS))
        self.register_buffer("coarse_patch", self.offsets(patch, CELLS // 2))

    @staticmethod
    def offsets(patch: torch.Tensor, side: int) -> torch.Tensor:
        """[1,100]: where a patch lies in a flattened, padded volume row, from its centre's cell."""
        return (patch[:, None] * (side + 2 * MARGIN) + patch).reshape(1, -1)

    def volume(self, content: torch.Tensor, exemplar: torch.Tensor) -> torch.Tensor:
        """[N,256,256]: for every exemplar cell (row), its likeness to the content's cells; L2 norm 4."""
        n = content.shape[0]
        likeness = exemplar.reshape(n, CHANNELS, -1).transpose(1, 2) @ content.reshape(n, CHANNELS, -1)
        return 4 * likeness / (likeness.pow(2).sum(2, keepdim=True) + 1e-6).sqrt()

    def way_back(self, volume: torch.Tensor) -> torch.Tensor:
        """[N,3,16,16]: for every content cell, the expected place of the exemplar (x, y), and the
        largest probability."""
        n = volume.shape[0]
        chance = (volume / TEMPERATURE).softmax(1)
        place = self.centres.reshape(1, 2, -1) @ chance
        return torch.cat([place, chance.amax(1, keepdim=True)], 1).reshape(n, 3, CELLS, CELLS)

    def look_up(self, padded: torch.Tensor, position: torch.Tensor, side: int, patch: torch.Tensor) -> torch.Tensor:
        """The 9x9 window around position [N,2,16,16] (fractions) of padded volumes [N*256,K]; bilinear, zeros outside.

        All 81 places share one fractional part: a 10x10 patch is gathered and blended by four weights.
        """
        n = position.shape[0]
        at = (position.permute(0, 2, 3, 1).reshape(-1, 2) * side - 0.5).clamp(-REACH - 1, side + REACH)
        cell = at.floor()
        x, y = (at - cell).unbind(1)
        start = (cell[:, 1] * (side + 2 * MARGIN) + cell[:, 0]).long()[:, None]
        around = padded.gather(1, start + patch).reshape(-1, WINDOW + 1, WINDOW + 1)
        x, y = x[:, None, None], y[:, None, None]
        around = around[:, :-1] * (1 - y) + around[:, 1:] * y
        around = around[:, :, :-1] * (1 - x) + around[:, :, 1:] * x
        return around.reshape(n, CELLS * CELLS, -1).transpose(1, 2).reshape(n, -1, CELLS, CELLS)

    def passes(self, content: torch.Tensor, exemplar: torch.Tensor) -> tuple[list[torch.Tensor], torch.Tensor]:
        """The field after every pass, and the last confidence logit."""
        n = content.shape[0]
        volume = self.volume(content, exemplar)
        back = self.way_back(volume)
        fine = volume.reshape(-1, 1, CELLS, CELLS)
        coarse = F.avg_pool2d(fine, 2)
        fine, coarse = (F.pad(v, [MARGIN] * 4).reshape(n * CELLS * CELLS, -1) for v in (fine, coarse))
        with half_precision(content.device.type, self.training):
            context = F.relu(self.context(exemplar))
        hidden = torch.zeros_like(context)
        field = torch.zeros_like(content[:, :2])
        fields = []
        for _ in range(PASSES):
            position = self.centres + field.detach()
            home = F.grid_sample(back, position.permute(0, 2, 3, 1) * 2 - 1, padding_mode="zeros", align_corners=False)
            seen = [
                self.look_up(fine, position, CELLS, self.fine_patch),
                self.look_up(coarse, position, CELLS // 2, self.coarse_patch),
                field.detach(),
                home[:, :2] - self.centres,
                home[:, 2:],
                context,
                hidden,
            ]
            with half_precision(field.device.type, self.training):
                x = F.relu(self.gather(torch.cat(seen, 1)))
                x = F.relu(self.near(x))
                x = x + F.relu(self.wide(x))
                x = x + F.relu(self.wider(x))
                x = self.change(x)
            x = x.float()
            field = field + x[:, :2]
            hidden = x[:, 3:].tanh()
            fields.append(field)
        return fields, x[:, 2:3]

    def forward(self, content_features: torch.Tensor, exemplar_features: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        fields, logit = self.passes(content_features, exemplar_features)
        return fields[-1], logit.sigmoid()


class Matcher(nn.Module):
    """Adapter and warper, which are trained together."""

    def __init__(self) -> None:
        super().__init__()
        self.adapter = Adapter()
        self.warper = Warper()
