"""Known warps and restyled pictures: the warper's supervised half.

A view of a source picture is what a map g makes of it: view(p) = source(g(p)), positions
p = (x, y) in fractions of the frame. g is stored as its displacement g(p) - p on a lattice of
NODES x NODES points that includes the frame's corners, [2, NODES, NODES], x first.
"""

import math
import random
from pathlib import Path

import cv2
import numpy as np
import onnx
import onnxruntime
import torch
import torch.nn.functional as F
from safetensors.numpy import load_file

import data
from colour import moments, transport
from noise import smear, value_noise
from painting import SHUFFLE

NODES = 33
CELLS = 16


def random_map(size: float = 1.0) -> np.ndarray:
    """An affine map with smooth bends. `size` 1 is the full range: scale 0.5 to 2 together and 0.77
    to 1.3 per axis, rotation 20 degrees, shear 0.15, translation 0.25, bends of up to 0.12 on a
    lattice of 3, less on finer ones up to 6. Small maps are more likely than large ones."""
    draw = lambda limit: random.triangular(-limit, limit) * size
    angle, shear = np.radians(draw(20)), draw(0.15)
    scale = np.diag(np.exp(draw(0.7) + np.array([draw(0.26), draw(0.26)])))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    affine = turn @ np.array([[1, shear], [0, 1]]) @ scale
    line = np.linspace(-0.5, 0.5, NODES)
    x, y = np.meshgrid(line, line)
    moved = np.stack([affine[0, 0] * x + affine[0, 1] * y + draw(0.25), affine[1, 0] * x + affine[1, 1] * y + draw(0.25)])
    knots = random.randint(3, 6)
    bends = np.random.uniform(-1, 1, (knots, knots, 2)) * 0.12 * size * random.random() * 3 / knots
    bends = cv2.resize(bends, (NODES, NODES), interpolation=cv2.INTER_CUBIC).transpose(2, 0, 1)
    return (moved + bends - np.stack([x, y])).astype(np.float32)


def random_maps(size: torch.Tensor) -> torch.Tensor:
    """As random_map, one for each of the sizes [N], on their device -> [N,2,NODES,NODES]; size 0 moves nothing."""
    n, device = len(size), size.device
    drawn = (torch.rand(n, 7, device=device) + torch.rand(n, 7, device=device) - 1) * size[:, None]
    angle, shear, scale, wide, high, *shift = drawn.unbind(1)
    cos, sin, shear = (angle * math.radians(20)).cos(), (angle * math.radians(20)).sin(), shear * 0.15
    wide, high = (scale * 0.7 + wide * 0.26).exp(), (scale * 0.7 + high * 0.26).exp()
    affine = torch.stack([cos * wide, (cos * shear - sin) * high, sin * wide, (sin * shear + cos) * high], 1).view(n, 2, 2)
    line = torch.linspace(-0.5, 0.5, NODES, device=device)
    lattice = torch.stack(torch.meshgrid(line, line, indexing="ij")[::-1])
    moved = torch.einsum("nij,jhw->nihw", affine, lattice) - lattice + 0.25 * torch.stack(shift, 1)[..., None, None]
    knots = [(torch.rand(n, 2, k, k, device=device) * 2 - 1) * 0.36 / k for k in range(3, 7)]
    bends = torch.stack([F.interpolate(k, (NODES, NODES), mode="bicubic", align_corners=False) for k in knots])
    chosen = bends[torch.randint(len(knots), (n,), device=device), torch.arange(n, device=device)]
    return moved + chosen * (size * torch.rand(n, device=device)).view(n, 1, 1, 1)


def warp_picture(picture: np.ndarray, displacement: np.ndarray) -> np.ndarray:
    """The view of a uint8 [S,S,3] picture; what lies outside is mirrored, stretched or one colour."""
    side = picture.shape[0]
    centres = (np.arange(side, dtype=np.float32) + 0.5) / side
    at = np.stack(np.meshgrid(centres, centres), -1)[None] * 2 - 1
    dense = F.grid_sample(torch.from_numpy(displacement)[None], torch.from_numpy(at), align_corners=True)[0].numpy()
    x, y = (((at[0, ..., k] + 1) / 2 + dense[k]) * side - 0.5 for k in (0, 1))
    border = random.choice([cv2.BORDER_REFLECT, cv2.BORDER_REFLECT, cv2.BORDER_REPLICATE, cv2.BORDER_CONSTANT])
    fill = tuple(random.choice([(255, 255, 255), (0, 0, 0), (127, 120, 110)]))
    return cv2.remap(picture, x.astype(np.float32), y.astype(np.float32), cv2.INTER_LINEAR, borderMode=border, borderValue=fill)


def true_field(content: torch.Tensor, exemplar: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Displacements of two views [N,2,NODES,NODES] -> (field [N,2,16,16], known [N,1,16,16]).

    The field is backward, on the exemplar's cells, in fractions of the frame: with g_e, g_c the
    two maps it is g_c^-1(g_e(p)) - p, by a few Newton-like steps. `known` is 1 where they
    converged and the exemplar's cell shows a part of the source picture.
    """
    n = content.shape[0]
    device = content.device
    p = cell_centres(device).expand(n, -1, -1, -1)
    target = p + sample(exemplar, p)
    line = torch.linspace(-0.5, 0.5, NODES, device=device)
    basis = torch.stack(torch.meshgrid(line, line, indexing="ij")[::-1]).reshape(2, -1)
    unmoved = torch.eye(2, device=device)
    linear = unmoved + content.reshape(n, 2, -1) @ basis.T / basis[0].pow(2).sum()
    # By hand: torch.linalg.inv makes the host wait for a GPU.
    adjugate = linear.flip(1, 2).mT * (2 * unmoved - 1)
    inverse = adjugate / (linear[:, 0] * adjugate[:, :, 0]).sum(1)[:, None, None]
    q = target.clone()
    for _ in range(12):
        # Outside the lattice the displacement goes on linearly, as the affine part does.
        inside = q.clamp(0, 1)
        error = inside + sample(content, inside) + torch.einsum("nij,njhw->nihw", linear, q - inside) - target
        q = q - torch.einsum("nij,njhw->nihw", inverse, error)
    seen = ((target > 0) & (target < 1)).all(1, keepdim=True)
    known = (error.norm(dim=1, keepdim=True) < 0.01) & seen
    return q - p, known.float()


def cell_centres(device: torch.device | str = "cpu") -> torch.Tensor:
    """[1,2,16,16], x first, in fractions of the frame."""
    line = (torch.arange(CELLS, device=device) + 0.5) / CELLS
    y, x = torch.meshgrid(line, line, indexing="ij")
    return torch.stack([x, y])[None]


def sample(lattice: torch.Tensor, at: torch.Tensor) -> torch.Tensor:
    """Values of a corner-aligned lattice [N,2,K,K] at positions [N,2,H,W]."""
    return F.grid_sample(lattice, at.permute(0, 2, 3, 1) * 2 - 1, padding_mode="border", align_corners=True)


class Restyler:
    """Cheap stand-ins for an artist's hand, so that matches survive a change of medium."""

    def __init__(self, paintings: list[np.ndarray], painter: "Painter | None" = None):
        """`paintings`: uint8 RGB, at least 256 pixels on the shorter side."""
        self.paintings = paintings
        untouched = lambda p: p
        self.media = [self.paint, self.paint, self.cartoon, self.pencil, self.ink, self.palette]
        painters = [painter, painter] if painter else []
        self.choices = [*self.media, untouched, untouched, *painters]
        self.media += painters

    def __call__(self, picture: np.ndarray) -> np.ndarray:
        picture = random.choice(self.choices)(picture)
        for change in (self.colours, self.texture, self.blur, self.grey):
            if random.random() < 0.3:
                picture = change(picture)
        return picture

    def medium(self, picture: np.ndarray) -> np.ndarray:
        """Without the changes that can come later: always another medium."""
        return random.choice(self.media)(picture)

    def painting_crop(self) -> np.ndarray:
        painting = random.choice(self.paintings)
        y = random.randint(0, painting.shape[0] - 256)
        x = random.randint(0, painting.shape[1] - 256)
        return painting[y : y + 256, x : x + 256]

    def cover(self, picture: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Lays a piece of a painting over a part of the picture; -> also the covered cells [16,16]."""
        side = picture.shape[0]
        mask = np.zeros((side, side), np.uint8)
        centre = tuple(int(random.uniform(0, side)) for _ in range(2))
        axes = tuple(int(random.uniform(0.08, 0.3) * side) for _ in range(2))
        cv2.ellipse(mask, centre, axes, random.uniform(0, 180), 0, 360, 1, -1)
        cells = (cv2.resize(mask.astype(np.float32), (CELLS, CELLS), interpolation=cv2.INTER_AREA) > 0.4).astype(np.uint8)
        return np.where(mask[..., None] > 0, self.painting_crop(), picture), cells

    def paint(self, picture: np.ndarray) -> np.ndarray:
        """Mean and covariance of a painting's colours, on flattened detail."""
        flat = cv2.bilateralFilter(picture, 7, random.uniform(20, 90), 5) if random.random() < 0.7 else picture
        x = flat.reshape(-1, 3).astype(np.float32)
        s = self.painting_crop().reshape(-1, 3).astype(np.float32)
        root = lambda c, power: (lambda v, u: u @ np.diag(np.maximum(v, 4.0) ** power) @ u.T)(*np.linalg.eigh(c))
        mapped = (x - x.mean(0)) @ root(np.cov(x.T), -0.5) @ root(np.cov(s.T), 0.5) + s.mean(0)
        mix = random.uniform(0.5, 1)
        return (mapped * mix + x * (1 - mix)).clip(0, 255).reshape(picture.shape).astype(np.uint8)

    def cartoon(self, picture: np.ndarray) -> np.ndarray:
        """Flat areas of few tones with dark outlines."""
        flat = cv2.medianBlur(picture, random.choice([5, 7, 9]))
        step = random.choice([32, 48, 64])
        flat = flat // step * step + step // 2
        return np.where(self.lines(picture)[..., None] < 128, 20, flat).astype(np.uint8)

    def pencil(self, picture: np.ndarray) -> np.ndarray:
        """Colour dodge: a soft pencil drawing on light paper."""
        grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
        blurred = cv2.GaussianBlur(255 - grey, (0, 0), random.uniform(3, 10))
        drawn = cv2.divide(grey, 255 - blurred, scale=256)
        paper = np.array(random.choice([(255, 255, 255), (250, 240, 220), (230, 225, 215)]))
        return (drawn[..., None] / 255 * paper).astype(np.uint8)

    def ink(self, picture: np.ndarray) -> np.ndarray:
        """Lines only; sometimes white on black."""
        drawn = np.repeat(self.lines(picture)[..., None], 3, 2)
        return 255 - drawn if random.random() < 0.15 else drawn

    def lines(self, picture: np.ndarray) -> np.ndarray:
        grey = cv2.GaussianBlur(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), (0, 0), random.uniform(0.8, 2))
        block = random.choice([9, 13, 17])
        return cv2.adaptiveThreshold(grey, 255, cv2.ADAPTIVE_THRESH_GAUSSIAN_C, cv2.THRESH_BINARY, block, random.uniform(3, 8))

    def palette(self, picture: np.ndarray) -> np.ndarray:
        """Ranks of luminance replaced by the colours of a painting, dark to light."""
        grey = cv2.cvtColor(cv2.GaussianBlur(picture, (0, 0), random.uniform(0.5, 2)), cv2.COLOR_RGB2GRAY)
        colours = self.painting_crop().reshape(-1, 3)[:: 256 * 256 // random.randint(4, 12)]
        colours = colours[np.argsort(colours.sum(1))]
        rank = (grey.astype(int) * len(colours) // 256).clip(0, len(colours) - 1)
        return colours[rank]

    def colours(self, picture: np.ndarray) -> np.ndarray:
        """Gain and offset per channel, and a random gamma."""
        x = (picture / 255.0) ** random.uniform(0.6, 1.7)
        x = x * np.random.uniform(0.6, 1.3, 3) + np.random.uniform(-0.15, 0.15, 3)
        return (x.clip(0, 1) * 255).astype(np.uint8)

    def texture(self, picture: np.ndarray) -> np.ndarray:
        """The fine luminance of a painting laid over the picture."""
        grey = cv2.cvtColor(self.painting_crop(), cv2.COLOR_RGB2GRAY).astype(np.float32)
        fine = grey - cv2.GaussianBlur(grey, (0, 0), random.uniform(2, 6))
        return (picture + fine[..., None] * random.uniform(0.4, 1.5)).clip(0, 255).astype(np.uint8)

    def blur(self, picture: np.ndarray) -> np.ndarray:
        return cv2.GaussianBlur(picture, (0, 0), random.uniform(0.7, 2.2))

    def grey(self, picture: np.ndarray) -> np.ndarray:
        return np.repeat(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)[..., None], 3, 2)


def blank_picture(side: int) -> np.ndarray:
    """Flat, shaded, noisy, striped or written on: nothing in it has a counterpart in a photo."""
    colour = lambda: np.array([random.randint(0, 255) for _ in range(3)])
    ground = np.tile(colour(), (side, side, 1)).astype(np.float32)
    kind = random.choice(["flat", "shade", "noise", "noise", "stripes", "text", "text"])
    ramp = np.linspace(0, 1, side)[:, None, None]
    if kind == "shade":
        ground = ground * ramp + colour() * (1 - ramp)
    elif kind == "noise":
        cells = random.choice([8, 16, 32, 64, side])
        noise = np.random.uniform(-128, 128, (cells, cells, random.choice([1, 3])))
        ground += cv2.resize(noise, (side, side), interpolation=cv2.INTER_CUBIC).reshape(side, side, -1)
    elif kind == "stripes":
        wave = np.sin(ramp[..., 0] * random.uniform(10, 120) + ramp[..., 0].T * random.uniform(-60, 60))
        ground += 100 * np.sign(wave)[..., None]
    elif kind == "text":
        dark = random.random() < 0.7
        ground = np.full((side, side, 3), random.randint(215, 255) if dark else random.randint(0, 40), np.uint8)
        step = random.randint(10, 28)
        for y in range(step, side, step):
            line = "".join(random.choice("abcdefghijklmnoprstuvw   .,") for _ in range(60))
            ink = (20.0,) * 3 if dark else (230.0,) * 3
            cv2.putText(ground, line, (8, y), random.choice([0, 2, 3]), step / 32, ink, 1, cv2.LINE_AA)
    return ground.clip(0, 255).astype(np.uint8)


def page_picture(side: int) -> np.ndarray:
    """Print: lines of words, their letters specks, strokes or plain bars, on a sheet of any shape that is squeezed into a square."""
    width, height, pitch = random.randint(240, 600), random.randint(240, 600), random.randint(9, 30)
    high = max(4, round(pitch * random.uniform(0.4, 0.8)))
    wide = max(3, round(high * random.uniform(0.4, 0.8)))
    rows, columns = random.choice([(high, wide - 1), (high, wide - 1), (high // 2, wide // 2), (1, 1)])
    density = 1 if rows == 1 else random.uniform(0.3, 0.7)
    margin, space = random.randint(0, 40), random.randint(wide, 2 * wide)
    ink = np.zeros((height, width), np.float32)
    stops = np.linspace(margin, width - margin + space, random.choice([1, 1, 1, 2, 3]) + 1).astype(int)
    for top in range(margin, height - margin - high, pitch):
        for left, right in zip(stops[:-1], stops[1:] - space, strict=True):
            # Some lines end early, some are left out.
            end = random.choice([right] * 8 + [left, random.randint(left, max(left, right))])
            while left + wide < end:
                letters = min(random.randint(1, 10), (end - left) // wide)
                word = (np.random.random((rows, letters, columns)) < density).astype(np.float32)
                word = np.repeat(np.repeat(word, high // rows, 0), (wide - 1) // columns, 2)
                gap = 0 if rows == 1 else 1
                word = np.pad(word, ((0, 0), (0, 0), (0, gap))).reshape(len(word), -1)
                ink[top : top + len(word), left : left + word.shape[1]] = word
                left += letters * wide + space
    ink = data.resize(ink, side, side).clip(0, 1)[..., None] * random.uniform(0.6, 1)
    tint = random.choice([0, 0, 25])
    paper, black = np.random.uniform(200, 255) - np.random.uniform(0, 1, 3) * tint, np.random.uniform(0, 60) + np.random.uniform(0, 2, 3) * tint
    paper, black = (black, paper) if random.random() < 0.15 else (paper, black)
    return (paper * (1 - ink) + black * ink).clip(0, 255).astype(np.uint8)


def nothing_to_match(side: int) -> np.ndarray:
    """A blank picture or a page; half of them are written on or printed."""
    return page_picture(side) if random.random() < 1 / 3 else blank_picture(side)


class Painter:
    """The project's own painter, in the style of one painting: real texture-augmented copies."""

    def __init__(self, models: Path):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.styles = [load_file(str(path)) for path in sorted((models / "painters").glob("*.safetensors"))]
        self.networks = [self.network(models / "painter.onnx", style["weights"], options) for style in self.styles]

    @staticmethod
    def network(path: Path, weights: np.ndarray, options: onnxruntime.SessionOptions) -> onnxruntime.InferenceSession:
        """The network with a painting's own weights in place of the common ones."""
        model = onnx.load(str(path), load_external_data=False)
        content = weights.astype("<f4").tobytes()
        for tensor in model.graph.initializer:
            if tensor.data_location == onnx.TensorProto.EXTERNAL:
                place = {entry.key: entry.value for entry in tensor.external_data}
                first = int(place["offset"])
                tensor.raw_data = content[first : first + int(place["length"])]
                tensor.ClearField("external_data")
                tensor.data_location = onnx.TensorProto.DEFAULT
        return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])

    def __call__(self, picture: np.ndarray) -> np.ndarray:
        network, style = random.choice(list(zip(self.networks, self.styles, strict=True)))
        image, colors = data.to_tensor(picture), torch.from_numpy(style["colors"])
        seen = transport(moments(image), (colors[:3, None], colors[3:].view(3, 3)))(image)
        code = style["code"][:1].astype(np.float32)
        noise = smear(value_noise(*picture.shape[:2]), seen).numpy()
        inputs = {"image": seen.numpy() - 0.5, "style": code, "before": np.zeros_like(code), "keep": np.zeros(1, np.float32), "noise": noise}
        cells = torch.from_numpy(network.run(["cells"], inputs)[0])
        return data.to_picture(F.pixel_shuffle(cells, SHUFFLE))


def load_paintings(folder) -> list[np.ndarray]:
    return [data.resize_shorter(data.read_rgb(path), 320) for path in sorted(folder.glob("*.jpg"))]
