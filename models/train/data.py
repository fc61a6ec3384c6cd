"""Pictures: photos, paintings and pairs of the data folder, as RGB tensors in [0,1]."""

import csv
import random
from pathlib import Path

import cv2
import numpy as np
import torch


def read_rgb(path: Path) -> np.ndarray:
    """uint8 [H,W,3], RGB."""
    picture = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if picture is None:
        raise FileNotFoundError(path)
    return cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)


def to_tensor(picture: np.ndarray) -> torch.Tensor:
    """uint8 [H,W,3] -> float [1,3,H,W] in [0,1]."""
    return torch.from_numpy(np.ascontiguousarray(picture)).permute(2, 0, 1)[None].float() / 255


def to_picture(image: torch.Tensor) -> np.ndarray:
    """float [1,3,H,W] -> uint8 [H,W,3]."""
    return (image[0].clamp(0, 1) * 255).round().byte().permute(1, 2, 0).cpu().numpy()


def save_rgb(path: Path, picture: np.ndarray) -> None:
    cv2.imwrite(str(path), cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))


def resize(picture: np.ndarray, width: int, height: int) -> np.ndarray:
    """Area filter when it shrinks, cubic when it grows."""
    method = cv2.INTER_AREA if width < picture.shape[1] else cv2.INTER_CUBIC
    return cv2.resize(picture, (width, height), interpolation=method)


def resize_shorter(picture: np.ndarray, side: int) -> np.ndarray:
    scale = side / min(picture.shape[:2])
    return resize(picture, max(side, round(picture.shape[1] * scale)), max(side, round(picture.shape[0] * scale)))


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def photo_paths(data: Path, held_out: int = 0) -> tuple[list[Path], list[Path]]:
    """(training, held out) photos; the split is the same in every run."""
    paths = sorted((data / "photos" / row["file"]) for row in rows(data / "photos" / "index.csv"))
    random.Random(0).shuffle(paths)
    return paths[held_out:], paths[:held_out]


def photo_crop(path: Path, side: int, shorter: tuple[int, int]) -> torch.Tensor:
    """A random square crop, mirrored half of the time, of the photo resized to a random size."""
    target = max(side, random.randint(*shorter))
    picture = resize_shorter(read_rgb(path), target)
    y = random.randint(0, picture.shape[0] - side)
    x = random.randint(0, picture.shape[1] - side)
    crop = picture[y : y + side, x : x + side]
    return to_tensor(crop[:, ::-1] if random.random() < 0.5 else crop)
