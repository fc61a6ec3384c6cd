"""Measures the exported warper: PCK on PF-WILLOW and on faces, end-point error on known warps.

    python evaluate.py --data DATA --models MODELS [--sheet WARPS.png]

PCK@a: share of the exemplar's keypoints that the field sends to within a * max(w, h) of the
content's keypoint, w x h being the bounding box of the content's keypoints in its own pixels.
PF-WILLOW has 540 ordered pairs here; nothing was trained or chosen on them. Faces: random
photo -> caricature pairs of held-out pictures, with machine-made landmarks as keypoints.
Beside it: the identity, and the nearest neighbour of the raw features.
"""

import argparse
import random
from functools import cache
from pathlib import Path

import numpy as np
import onnxruntime
import torch
import torch.nn.functional as F

import data
import synthetic
from features import SIZES, pictures, square
from synthetic import CELLS

LEVELS = (0.05, 0.10, 0.15)


class Models:
    """encoder.onnx and warper.onnx as they are shipped."""

    def __init__(self, folder: Path):
        self.encoder = onnxruntime.InferenceSession(str(folder / "encoder.onnx"), providers=["CPUExecutionProvider"])
        self.warper = onnxruntime.InferenceSession(str(folder / "warper.onnx"), providers=["CPUExecutionProvider"])
        self.features = cache(lambda path: self.encode(square(path)))

    def encode(self, picture: np.ndarray) -> np.ndarray:
        return self.encoder.run(["features"], {"image": data.to_tensor(picture).numpy()})[0]

    def warp(self, content: np.ndarray, exemplar: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
        """-> field [1,2,16,16], confidence [1,1,16,16]."""
        found = self.warper.run(["field", "confidence"], {"content_features": content, "exemplar_features": exemplar})
        return torch.from_numpy(found[0]), torch.from_numpy(found[1])


def nearest(content: np.ndarray, exemplar: np.ndarray) -> torch.Tensor:
    """The field of best cosines of the raw features."""
    cosines = exemplar.reshape(512, -1).T @ content.reshape(512, -1)
    best = torch.from_numpy(cosines.argmax(1)).reshape(1, CELLS, CELLS)
    position = torch.stack([best % CELLS, best // CELLS], 1)
    return (position + 0.5) / CELLS - synthetic.cell_centres()


def follow(field: torch.Tensor, points: np.ndarray, mode: str = "bilinear") -> np.ndarray:
    """Exemplar positions [K,2] in fractions -> content positions [K,2]."""
    at = torch.from_numpy(points).float()[None, None] * 2 - 1
    moved = F.grid_sample(field, at, mode=mode, padding_mode="border", align_corners=False)
    return points + moved[0, :, 0].T.numpy()


def points_of(row: dict[str, str], names: list[tuple[str, str]]) -> np.ndarray:
    return np.array([[float(row[x]), float(row[y])] for x, y in names])


def pck(models: Models, found: list[tuple[Path, Path, np.ndarray, np.ndarray, tuple, tuple]]) -> dict[str, list[float]]:
    """Pairs: (content, exemplar, their keypoints in pixels, their sizes (w, h)). Means over pairs."""
    scores: dict[str, list[list[float]]] = {"identity": [], "nearest neighbour": [], "warper": []}
    for content, exemplar, goal, points, content_size, exemplar_size in found:
        a, b = models.features(content), models.features(exemplar)
        start = points / np.array(exemplar_size)
        ends = {
            "identity": start,
            "nearest neighbour": follow(nearest(a, b), start, "nearest"),
            "warper": follow(models.warp(a, b)[0], start),
        }
        box = np.ptp(goal, axis=0).max()
        for name, end in ends.items():
            distance = np.linalg.norm(end * np.array(content_size) - goal, axis=1)
            scores[name].append([float((distance <= level * box).mean()) for level in LEVELS])
    return {name: np.mean(rows, 0).round(3).tolist() for name, rows in scores.items()}


def willow_pairs(folder: Path) -> list:
    names = [(f"x{k}", f"y{k}") for k in range(10)]
    rows = {r["file"]: r for r in data.rows(folder / "pairs/pf_willow/keypoints.csv")}
    points = {file: points_of(r, names) for file, r in rows.items()}
    sizes = {file: (float(r["w"]), float(r["h"])) for file, r in rows.items()}
    root = folder / "pairs/pf_willow"
    return [
        (root / (s := r["source"]), root / (t := r["target"]), points[s], points[t], sizes[s], sizes[t])
        for r in data.rows(root / "pairs.csv")
    ]


def face_pairs(folder: Path, count: int = 300) -> list:
    """Held-out photo (content) -> held-out caricature (exemplar)."""
    landmarks = {f"pairs/{r['file']}": r for r in data.rows(folder / "pairs/face_landmarks_auto.csv")}
    columns = [c for c in next(iter(landmarks.values())) if c != "file"]
    names = list(zip(columns[::2], columns[1::2], strict=True))
    held_out = [r for r in pictures(folder) if r["held_out"] == "1" and r["group"] == "face" and r["file"] in landmarks]
    photos = [r["file"] for r in held_out if r["domain"] == "photo"]
    drawn = [r["file"] for r in held_out if r["domain"] == "caricature"]
    sizes = {f: data.read_rgb(folder / f).shape[1::-1] for f in photos + drawn}
    draw = random.Random(0)
    chosen = [(draw.choice(photos), draw.choice(drawn)) for _ in range(count)]
    return [
        (folder / c, folder / e, points_of(landmarks[c], names), points_of(landmarks[e], names), sizes[c], sizes[e])
        for c, e in chosen
    ]


def synthetic_errors(models: Models, folder: Path, count: int) -> dict[str, float]:
    """Mean end-point error in pixels at 256, over exemplar cells whose source lies in the content's
    frame, on held-out pictures; the confidence's accuracy and its mean are over all known cells."""
    random.seed(11)
    np.random.seed(11)
    restyle = synthetic.Restyler(synthetic.load_paintings(folder / "styles"))
    chosen = [r["file"] for r in pictures(folder) if r["held_out"] == "1"][:count]
    errors: dict[str, list[float]] = {"identity": [], "nearest neighbour": [], "warper": [], "confidence right": []}
    for file in chosen:
        picture = square(folder / file)
        lattice = synthetic.random_map(SIZES[1])
        a = models.encode(picture)
        b = models.encode(restyle(synthetic.warp_picture(picture, lattice)))
        truth, known = synthetic.true_field(torch.zeros(1, *lattice.shape), torch.from_numpy(lattice)[None])
        field, confidence = models.warp(a, b)
        known = known[0, 0] > 0
        if not known.any():
            continue
        distances = {name: 256 * (f - truth).norm(dim=1)[0] for name, f in
                     {"identity": torch.zeros_like(truth), "nearest neighbour": nearest(a, b), "warper": field}.items()}
        for name, distance in distances.items():
            errors[name].append(distance[known].mean().item())
        right = known & (distances["warper"] < 256 / CELLS)
        errors["confidence right"].append(((confidence[0, 0] > 0.5) == right).float().mean().item())
    return {name: round(float(np.mean(v)), 3) for name, v in errors.items()}


def sheet(models: Models, found: list[tuple[Path, Path]], path: Path) -> None:
    """One row a pair: content, exemplar, warped content, confidence."""
    lines = []
    for content, exemplar in found:
        pictured = [square(content), square(exemplar)]
        field, confidence = models.warp(models.encode(pictured[0]), models.encode(pictured[1]))
        dense = F.interpolate(field, size=256, mode="bicubic", align_corners=False)
        centres = (torch.arange(256) + 0.5) / 256
        y, x = torch.meshgrid(centres, centres, indexing="ij")
        at = (torch.stack([x, y])[None] + dense).permute(0, 2, 3, 1) * 2 - 1
        warped = F.grid_sample(data.to_tensor(pictured[0]), at, padding_mode="border", align_corners=False)
        sure = F.interpolate(confidence, size=256).expand(-1, 3, -1, -1)
        lines.append(np.concatenate([*pictured, data.to_picture(warped), data.to_picture(sure)], 1))
    data.save_rgb(path, np.concatenate(lines))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--models", type=Path, required=True)
    parser.add_argument("--synthetic", type=int, default=200, help="number of held-out pictures")
    parser.add_argument("--sheet", type=Path, help="write warped examples here")
    args = parser.parse_args()
    models = Models(args.models)
    print("PF-WILLOW, 540 pairs, PCK@.05/.10/.15", pck(models, willow_pairs(args.data)))
    faces = face_pairs(args.data)
    print(f"faces, {len(faces)} held-out photo -> caricature pairs", pck(models, faces))
    print("synthetic, px at 256", synthetic_errors(models, args.data, args.synthetic))
    if args.sheet:
        drawn = [args.data / "geometry" / f for f in ("modigliani_guillaume.jpg", "lear_round_face.jpg", "vangogh_face.jpg", "alice_hatter.jpg")]
        sheet(models, [(c, e) for c, e, *_ in faces[:8]] + [(faces[k][0], d) for k, d in enumerate(drawn)], args.sheet)


if __name__ == "__main__":
    main()
