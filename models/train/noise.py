"""The noise in which strokes begin, smeared along the forms of the picture. The program's twin is `src/paint/noise.rs`.

A plain wall gives a painter nothing to begin strokes from, and what it made of the camera's own noise would boil. So it
also sees noise (Ulyanov et al., "Texture networks", 2016) that moves along with the scene. A stroke follows the form
it describes: the noise is averaged along the direction in which the picture changes least, the minor eigenvector of its
structure tensor (line integral convolution: Cabral and Leedom, 1993; Kyprianidis and Doellner, 2008).
"""

import math

import torch
import torch.nn.functional as F

# Pixels to a cell along each side: the painter draws 4x4 pixels at once.
CELL = 4
# Lattices of noise with the pitch of one, two, four cells.
OCTAVES = 3
# Steps of one cell that the average reaches to both sides, and the deviation of its weights.
REACH, SPREAD = 4, 2.0
# The average weakens noise the less the coarser it is: what brings each octave back to variance one.
GAINS = (1.82, 1.42, 1.22)
# Radii of the boxes, in cells, that smooth the structure tensor; and what the wide ones count for, which decide
# where the picture is flat.
NARROW, WIDE, WIDE_SHARE = 2, 8, 0.3


def value_noise(height: int, width: int, generator: torch.Generator | None = None) -> torch.Tensor:
    """Noise for a picture of so many pixels, [1,OCTAVES,height/4,width/4]: uniform on lattices, bilinear between."""
    rows, columns = height // CELL, width // CELL
    octaves = []
    for octave in range(OCTAVES):
        pitch = 2**octave
        lattice = torch.rand(1, 1, rows // pitch + 2, columns // pitch + 2, generator=generator) * 2 - 1
        fine = F.interpolate(lattice, scale_factor=pitch, mode="bilinear", align_corners=False)
        octaves.append(fine[..., pitch : pitch + rows, pitch : pitch + columns])
    return math.sqrt(3) * torch.cat(octaves, 1)


def smoothed(x: torch.Tensor, radius: int, passes: int) -> torch.Tensor:
    for _ in range(passes):
        x = F.avg_pool2d(x, 2 * radius + 1, 1, radius, count_include_pad=False)
    return x


def directions(image: torch.Tensor) -> torch.Tensor:
    """The unit vectors (x, y) along which a picture [N,3,H,W] changes least, [N,2,H/4,W/4]."""
    luminance = (image * image.new_tensor([0.3, 0.59, 0.11]).view(1, 3, 1, 1)).sum(1, keepdim=True)
    cells = F.pad(F.avg_pool2d(luminance, CELL), (1,) * 4, mode="replicate")
    x, y = cells[..., 1:-1, 2:] - cells[..., 1:-1, :-2], cells[..., 2:, 1:-1] - cells[..., :-2, 1:-1]
    tensor = smoothed(torch.cat([x * x, x * y, y * y], 1), NARROW, 2)
    tensor = tensor + WIDE_SHARE * smoothed(tensor, WIDE, 2)
    xx, xy, yy = tensor.split(1, 1)
    angle = 0.5 * torch.atan2(2 * xy, xx - yy) + math.pi / 2
    return torch.cat([angle.cos(), angle.sin()], 1)


def smear(noise: torch.Tensor, image: torch.Tensor) -> torch.Tensor:
    """Noise [N,OCTAVES,H/4,W/4] averaged along the directions of a picture [N,3,H,W]."""
    along = directions(image)
    count, _, rows, columns = along.shape
    row, column = torch.meshgrid(torch.arange(rows, device=noise.device), torch.arange(columns, device=noise.device), indexing="ij")

    def at(planes: torch.Tensor, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        place = y.round().clamp(0, rows - 1) * columns + x.round().clamp(0, columns - 1)
        return planes.flatten(2).gather(2, place.long().flatten(1)[:, None].expand(-1, planes.shape[1], -1)).view_as(planes)

    total, squares = noise.clone(), 1.0
    for side in (1, -1):
        x, y = (place.float().expand(count, -1, -1) for place in (column, row))
        heading = side * along
        for k in range(1, REACH + 1):
            x, y = x + heading[:, 0], y + heading[:, 1]
            weight = math.exp(-0.5 * (k / SPREAD) ** 2)
            total, squares = total + weight * at(noise, x, y), squares + weight * weight
            here = at(along, x, y)
            heading = torch.where((here * heading).sum(1, keepdim=True) < 0, -here, here)
    gains = noise.new_tensor(GAINS).view(1, OCTAVES, 1, 1)
    return total * gains / (math.sqrt(squares) * gains[:, :1])
