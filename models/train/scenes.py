"""What the painter is shown: patches of photos, bent and partly covered, beside what the styler made of them where that
was made (teacher.py), and a made-up motion to the next frame."""

import dataclasses
import math
import random
from pathlib import Path

import torch
import torch.nn.functional as F

import data
from painting import SHUFFLE, grain

CROP = 192
# Room around the crop for the second one, which is moved and bent.
ROOM = 16
PATCH = CROP + 2 * ROOM
# Share of the photos that are bent beforehand, as the warper will bend them, and by how much: standard
# deviation of the bend's nodes, in units of the patch.
WARPED, BEND = 0.5, 0.06
# Share of the photos of which a part is covered by a plain surface.
PLAIN = 0.15


def warped(patch: torch.Tensor) -> torch.Tensor:
    """The patch [1,3,H,W], bent smoothly."""
    plain = F.affine_grid(torch.eye(2, 3, device=patch.device)[None], list(patch.shape), align_corners=False)
    bend = F.interpolate(2 * BEND * torch.randn(1, 2, 4, 4, device=patch.device), size=patch.shape[2:], mode="bicubic")
    return F.grid_sample(patch, plain + bend.permute(0, 2, 3, 1), "bicubic", "reflection", align_corners=False).clamp(0, 1)


def partly_plain(patch: torch.Tensor) -> torch.Tensor:
    """The patch [1,3,H,W] with one side of a random line covered by a shaded plain colour, dark more often than not.
    Photos have few walls, skies and nights as large as those of a video, and a crop that is nothing else would be
    normalised by the plain surface alone."""
    rows, columns = (torch.linspace(-1, 1, side, device=patch.device) for side in patch.shape[2:])
    angle = random.uniform(0, 2 * math.pi)
    across = rows[:, None] * math.sin(angle) + columns * math.cos(angle)
    colour = random.random() * torch.rand(1, 3, 1, 1, device=patch.device)
    shade = 1 + 0.2 * (rows[:, None] * random.uniform(-1, 1) + columns * random.uniform(-1, 1))
    return torch.lerp(patch, (colour * shade).clamp(0, 1), torch.sigmoid(40 * (across - random.uniform(-0.5, 0.5))))


@dataclasses.dataclass
class Scene:
    """A patch of a photo of so many lines, and the grain that it is painted on."""

    patch: torch.Tensor  # [1,3,PATCH,PATCH]
    lines: int
    grain: torch.Tensor  # [1,OCTAVES,PATCH/4,PATCH/4]
    # Slug -> what the styler made of the patch, begun from what a painter made of it on this grain.
    finished: dict[str, torch.Tensor] = dataclasses.field(default_factory=dict)

    @staticmethod
    def random(photos: list[Path], lines: int) -> "Scene":
        patch = data.photo_crop(random.choice(photos), PATCH, (lines, lines))
        if random.random() < WARPED:
            patch = warped(patch)
        if random.random() < PLAIN:
            patch = partly_plain(patch)
        return Scene(patch, lines, grain(PATCH, PATCH))

    def write(self, folder: Path, name: str) -> None:
        for slug, image in self.finished.items():
            data.save_rgb(folder / f"{name}.{slug}.png", data.to_picture(image))
        data.save_rgb(folder / f"{name}.png", data.to_picture(self.patch))
        torch.save({"lines": self.lines, "grain": self.grain}, folder / f"{name}.pt")

    @staticmethod
    def read(folder: Path, name: str) -> "Scene":
        kept = torch.load(folder / f"{name}.pt", weights_only=True)
        finished = {path.suffixes[0][1:]: data.to_tensor(data.read_rgb(path)) for path in sorted(folder.glob(f"{name}.*.png"))}
        return Scene(data.to_tensor(data.read_rgb(folder / f"{name}.png")), kept["lines"], kept["grain"], finished)

    def mirrored(self) -> "Scene":
        finished = {slug: image.flip(3) for slug, image in self.finished.items()}
        return Scene(self.patch.flip(3), self.lines, self.grain.flip(3), finished)


def inner(patch: torch.Tensor, room: int = ROOM) -> torch.Tensor:
    """Without the room around the crop."""
    return patch[..., room:-room, room:-room]


@dataclasses.dataclass
class Motion:
    """A made-up move of the camera and bend of the scene (Wang et al., "Consistent video style
    transfer via relaxation and regularization", 2020): the crop, and where its pixels are in the
    first crop."""

    grid: torch.Tensor  # [S,CROP,CROP,2], in units of the first crop, -1..1

    @staticmethod
    def random(scenes: int, device: str) -> "Motion":
        """What happens from one frame to the next, in each of so many scenes."""
        shift = (torch.rand(scenes, 2, 1, device=device) * 2 - 1) * 1.5 * ROOM / CROP
        angle, zoom = 0.02 * torch.randn(2, scenes, device=device)
        across, along = zoom.exp() * angle.cos(), zoom.exp() * angle.sin()
        turn = torch.stack([across, -along, along, across], 1).view(scenes, 2, 2)
        grid = F.affine_grid(torch.cat([turn, shift], 2), [scenes, 1, CROP, CROP], align_corners=False)
        bend = F.interpolate(torch.randn(scenes, 2, 5, 5, device=device) * 1.5 / CROP, size=(CROP, CROP), mode="bicubic")
        return Motion(grid + bend.permute(0, 2, 3, 1))

    def second(self, patch: torch.Tensor) -> torch.Tensor:
        """The moved crop out of the patch, which is ROOM larger than the first crop on each side."""
        return F.grid_sample(patch, self.grid * (CROP / patch.shape[2]), "bicubic", "reflection", align_corners=False).clamp(0, 1)

    def second_grain(self, patch: torch.Tensor) -> torch.Tensor:
        """The same of the grain, which moves with the scene."""
        cells = F.avg_pool2d(self.grid.permute(0, 3, 1, 2), SHUFFLE).permute(0, 2, 3, 1)
        scale = CROP / SHUFFLE / patch.shape[2]
        moved = F.grid_sample(patch, cells * scale, "bilinear", "reflection", align_corners=False)
        # Between two cells white noise is weaker; the program levels that, and so does this.
        share = ((cells * scale + 1) * patch.shape[2] - 1) / 2 % 1
        power = (share.pow(2) + (1 - share).pow(2)).prod(3).sqrt()
        return torch.cat([moved[:, :1] / power[:, None], moved[:, 1:]], 1)

    def moved(self, first: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """What the first crops became, several paintings of each, and where that is known."""
        inside = (self.grid.abs() < 1 - 2 / CROP).all(3)[:, None]
        each = len(first) // len(self.grid)
        moved = F.grid_sample(first, self.grid.repeat_interleave(each, 0), "bicubic", "border", align_corners=False)
        return moved, inside.repeat_interleave(each, 0)
