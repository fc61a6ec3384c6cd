"""What PyTorch's autograd makes of one step of tuning, for the test of the graph that has its gradients traced."""

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file

import objective as of
from exporting import load_weights
from painting import Painter
from scenes import CROP, PATCH, ROOM

# Every so many of the weights' slopes are kept.
SHOWN = 29
SEED = {"noise": 1, "next_noise": 2, "marks": 3, "tone": 7}


def uniform(seed: int, *shape: int) -> torch.Tensor:
    """-1 to 1 by a hash of the place (the finaliser of MurmurHash3), the same in the test."""
    hashed = np.arange(int(np.prod(shape)), dtype=np.uint32) * np.uint32(0x9E3779B1) ^ np.uint32(seed << 28 & 0xFFFFFFFF)
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35)):
        hashed = (hashed ^ hashed >> np.uint32(shift)) * np.uint32(factor)
    hashed ^= hashed >> np.uint32(16)
    values = (hashed >> np.uint32(8)).astype(np.float32) / np.float32(1 << 23) - np.float32(1)
    return torch.from_numpy(values).view(shape)


def places(count: int, of_all: int) -> torch.Tensor:
    """So many of all places, no two the same: steps of a prime."""
    return (torch.arange(count) * 7919 % of_all).float()


def made_up(step: torch.nn.Module, given: dict[str, torch.Tensor], picture: torch.Tensor) -> dict[str, torch.Tensor]:
    """Inputs made of a picture [3,PATCH/4,PATCH/4], of which each pixel is a square of four by four."""
    patch = F.interpolate(picture[None].float() / 255, scale_factor=4, mode="nearest")
    own = {"patch": patch, "next_patch": patch.roll(4, 3), "original": patch.flip(1)[..., ROOM:-ROOM, ROOM:-ROOM].contiguous()}
    for name in ("noise", "next_noise"):
        own[name] = uniform(SEED[name], *given[name].shape)
    for k, name in enumerate(of.TRANSPORT):
        channels = given[f"marks_{name}"].shape[0]
        own[f"marks_{name}"] = uniform(SEED["marks"] + k, *given[f"marks_{name}"].shape) * (3 / channels) ** 0.5
        own[f"tone_{name}"] = uniform(SEED["tone"] + k, *given[f"tone_{name}"].shape) / 2 + 0.5
        own[f"places_{name}"] = places(len(given[f"places_{name}"]), (CROP // of.PIXELS[name]) ** 2)
    for name in of.RELATION:
        own[f"related_{name}"] = places(of.RELATED, (CROP // of.PIXELS[name]) ** 2)
    squares, taps = given["from"].shape
    across, side = round(squares**0.5), round(taps**0.5)
    square, tap = torch.arange(squares)[:, None], torch.arange(taps)[None]
    pixel = lambda square, tap: ROOM + CROP // across * square - side // 4 + tap
    own["from"] = (pixel(square // across, tap // side) * PATCH + pixel(square % across, tap % side)).float()
    own["share"] = torch.full_like(given["share"], 1 / taps)
    own["content_weight"] = torch.tensor([1.6])
    return own


def write(step: torch.nn.Module, given: dict[str, torch.Tensor], models: Path, path: Path) -> None:
    """With the common painter, the first code of a painting, and that painting's own moments."""
    y, x = torch.meshgrid(torch.linspace(0, 1, PATCH // 4), torch.linspace(0, 1, PATCH // 4), indexing="ij")
    waves = [0.5 + 0.4 * torch.sin(9 * x * (k + 1) + 4 * y * (3 - k)) * torch.cos(7 * y + k) for k in range(3)]
    picture = (255 * torch.stack(waves) + 20 * uniform(9, 3, PATCH // 4, PATCH // 4)).clamp(0, 255).byte()
    painter = Painter()
    load_weights(painter, models / "painter.onnx")
    weights = torch.cat([parameter.detach().flatten() for parameter in painter.parameters()])
    code = load_file(models / "painters" / "scream.safetensors")["code"].float()[:1]
    painting = uniform(8, 1, 3, CROP, CROP) / 4 + 0.5
    found = step.objective.features(painting, set(of.MOMENTS))
    flat = [found[name][0].flatten(1) for name in of.MOMENTS]
    moments = torch.stack([torch.cat([part.mean(1) for part in flat]), torch.cat([part.std(1) for part in flat])])
    strokes = torch.linspace(0.01, 0.08, given["strokes"].numel()).view_as(given["strokes"])
    own = given | made_up(step, given, picture) | {"weights": weights, "code": code, "moments": moments, "strokes": strokes}
    terms, gradient, by_code = step(*own.values())
    kept = {"picture": picture, "code": code, "moments": moments, "strokes": strokes, "terms": terms.detach()}
    save_file(kept | {"gradient": gradient[::SHOWN].contiguous(), "code_gradient": by_code[0].contiguous()}, path)
