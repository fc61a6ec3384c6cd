"""What a painter is shown: patches of photos in the painting's colours, bent and partly covered, and a made-up motion to the
next frame."""

import dataclasses
import math
import random
from pathlib import Path

import torch
import torch.nn.functional as F

import data
from colour import moments, transport
from noise import CELL, value_noise

# What is judged, and the room around it. The room is real picture: what a convolution makes of the zeros beyond a border must
# never be part of what is judged, or the network learns where the border is and draws a line along it.
CROP, ROOM = 192, 32
PATCH = CROP + 2 * ROOM
# Lines (the shorter side) of the pictures, and how often each is shown.
LINES = {256: 0.3, 362: 0.4, 512: 0.2, 724: 0.1}
# Share of the photos that are bent beforehand, as the warper will bend them, and by how much: standard
# deviation of the bend's nodes, in units of the patch.
WARPED, BEND = 0.3, 0.06
# Share of the photos of which a part is covered by a plain surface.
PLAIN = 0.3


def warped(patch: torch.Tensor) -> torch.Tensor:
    """The patch [1,3,H,W], bent smoothly."""
    plain = F.affine_grid(torch.eye(2, 3)[None], list(patch.shape), align_corners=False)
    bend = F.interpolate(2 * BEND * torch.randn(1, 2, 4, 4), size=patch.shape[2:], mode="bicubic")
    return F.grid_sample(patch, plain + bend.permute(0, 2, 3, 1), "bicubic", "reflection", align_corners=False).clamp(0, 1)


def partly_plain(patch: torch.Tensor) -> torch.Tensor:
    """The patch [1,3,H,W] with one side of a random line covered by a shaded plain colour, dark more often than not.
    Photos have few walls, skies and nights as large as those of a video."""
    rows, columns = (torch.linspace(-1, 1, side) for side in patch.shape[2:])
    angle = random.uniform(0, 2 * math.pi)
    across = rows[:, None] * math.sin(angle) + columns * math.cos(angle)
    colour = random.random() * torch.rand(1, 3, 1, 1)
    shade = 1 + 0.2 * (rows[:, None] * random.uniform(-1, 1) + columns * random.uniform(-1, 1))
    return torch.lerp(patch, (colour * shade).clamp(0, 1), torch.sigmoid(40 * (across - random.uniform(-0.5, 0.5))))


def inner(patch: torch.Tensor) -> torch.Tensor:
    """Without the room around the crop."""
    return patch[..., ROOM:-ROOM, ROOM:-ROOM]


@dataclasses.dataclass
class Scene:
    """A patch of a photo of so many lines, in its own and in a painting's colours, and the noise that it is painted on."""

    original: torch.Tensor  # [1,3,PATCH,PATCH]
    patch: torch.Tensor  # the same, recoloured
    lines: int
    noise: torch.Tensor  # [1,OCTAVES,PATCH/4,PATCH/4]

    @staticmethod
    def random(photos: list[Path], colours: tuple[torch.Tensor, torch.Tensor]) -> "Scene":
        """In the colours with these moments (colour.py)."""
        lines = random.choices(list(LINES), list(LINES.values()))[0]
        photo = data.to_tensor(data.resize_shorter(data.read_rgb(random.choice(photos)), lines))
        colour_map = transport(moments(photo), colours)
        top, left = (random.randint(0, side - PATCH) for side in photo.shape[2:])
        patch = photo[..., top : top + PATCH, left : left + PATCH]
        patch = patch.flip(3) if random.random() < 0.5 else patch
        patch = warped(patch) if random.random() < WARPED else patch
        patch = partly_plain(patch) if random.random() < PLAIN else patch
        return Scene(patch, colour_map(patch), lines, value_noise(PATCH, PATCH))


@dataclasses.dataclass
class Motion:
    """A made-up move of the camera and bend of the scene (Wang et al., "Consistent video style
    transfer via relaxation and regularization", 2020): where the pixels of the next patch are in this one."""

    grid: torch.Tensor  # [1,PATCH,PATCH,2], -1..1

    @staticmethod
    def random() -> "Motion":
        """What happens from one frame to the next."""
        shift = (torch.rand(1, 2, 1) * 2 - 1) * 24 / PATCH
        angle, zoom = 0.02 * torch.randn(2)
        across, along = zoom.exp() * angle.cos(), zoom.exp() * angle.sin()
        turn = torch.stack([across, -along, along, across]).view(1, 2, 2)
        grid = F.affine_grid(torch.cat([turn, shift], 2), [1, 1, PATCH, PATCH], align_corners=False)
        bend = F.interpolate(torch.randn(1, 2, 6, 6) * 1.5 / PATCH, size=(PATCH, PATCH), mode="bicubic")
        return Motion(grid + bend.permute(0, 2, 3, 1))

    def of(self, image: torch.Tensor) -> torch.Tensor:
        """The patch [1,C,PATCH,PATCH] as the next frame has it."""
        return F.grid_sample(image, self.grid, "bicubic", "reflection", align_corners=False)

    def of_noise(self, noise: torch.Tensor) -> torch.Tensor:
        """The same of the noise, which moves with the scene."""
        cells = F.avg_pool2d(self.grid.permute(0, 3, 1, 2), CELL).permute(0, 2, 3, 1)
        moved = F.grid_sample(noise, cells, "bilinear", "reflection", align_corners=False)
        # Between two cells white noise is weaker; the program levels that, and so does this.
        share = ((cells + 1) * noise.shape[2] - 1) / 2 % 1
        power = (share.pow(2) + (1 - share).pow(2)).prod(3).sqrt()
        return torch.cat([moved[:, :1] / power[:, None], moved[:, 1:]], 1)
