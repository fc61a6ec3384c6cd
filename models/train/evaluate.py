"""Measures exported encoders and warpers: PCK on annotated pairs, end-point error on known warps.

    python evaluate.py --data DATA --models MODELS [--encoder encoder-fast.onnx] [--painter MODELS]

PCK@a: share of the exemplar's keypoints that the field sends to within a * max(w, h) of the
content's keypoint, w x h being the bounding box of the content's keypoints in its own pixels.
  PF-WILLOW        its 540 ordered pairs here; nothing was trained or chosen on them
  photo to art     the same pairs, the exemplars painted by painter.onnx in a random style each
  faces            random photo -> caricature pairs of held-out pictures, with machine-made
                   landmarks as keypoints
Beside the warper: the identity, the nearest neighbour of raw pool4, and that of the encoder's features.
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
from encoder import VggFeatures
from features import features_of, make_view, pictures, square
from synthetic import CELLS

LEVELS = (0.05, 0.10, 0.15)


class Models:
    """An encoder and a warper as they are shipped, and raw features to compare with."""

    def __init__(self, folder: Path, encoder: str, raw: VggFeatures):
        open_file = lambda name: onnxruntime.InferenceSession(str(folder / name), providers=["CPUExecutionProvider"])
        self.encoder, self.warper = open_file(encoder), open_file("warper.onnx")
        self.features = cache(lambda path, view=square: self.encode(view(path)))
        self.pool4 = cache(lambda path, view=square: features_of(raw, [view(path)])[:, :512].numpy())

    def encode(self, picture: np.ndarray) -> np.ndarray:
        return self.encoder.run(["features"], {"image": data.to_tensor(picture).numpy()})[0]

    def warp(self, content: np.ndarray, exemplar: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
        """-> field [1,2,16,16], confidence [1,1,16,16]."""
        found = self.warper.run(["field", "confidence"], {"content_features": content, "exemplar_features": exemplar})
        return torch.from_numpy(found[0]), torch.from_numpy(found[1])


def nearest(content: np.ndarray, exemplar: np.ndarray) -> torch.Tensor:
    """The field of best cosines."""
    cosines = exemplar[0].reshape(exemplar.shape[1], -1).T @ content[0].reshape(content.shape[1], -1)
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


def pck(models: Models, found: list[tuple], view=square, raw: bool = True) -> dict[str, list[float]]:
    """Pairs: (content, exemplar, their keypoints in pixels, their sizes (w, h)), the exemplars seen
    through `view`. Means over pairs; `sure` is the warper where its confidence is above a half."""
    scores: dict[str, list[list[float]]] = {}
    for content, exemplar, goal, points, content_size, exemplar_size in found:
        a, b = models.features(content), models.features(exemplar, view)
        start = points / np.array(exemplar_size)
        field, confidence = models.warp(a, b)
        ends = {"identity": start, "nearest feature": follow(nearest(a, b), start, "nearest"), "warper": follow(field, start)}
        if raw:
            ends["nearest pool4"] = follow(nearest(models.pool4(content), models.pool4(exemplar, view)), start, "nearest")
        sure = follow(confidence.expand(-1, 2, -1, -1), start)[:, 0] - start[:, 0] > 0.5
        box = np.ptp(goal, axis=0).max()
        for name, end in ends.items():
            near = np.linalg.norm(end * np.array(content_size) - goal, axis=1)[None] <= np.array(LEVELS)[:, None] * box
            scores.setdefault(name, []).append(near.mean(1))
            if name == "warper" and sure.any():
                scores.setdefault("sure", []).append(near[:, sure].mean(1))
                scores.setdefault("share sure", []).append([sure.mean()])
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
    """Mean end-point error in pixels at 256, over exemplar cells that show in the content, on held-out
    pictures; the confidence's accuracy is over all cells."""
    random.seed(11)
    np.random.seed(11)
    restyle = synthetic.Restyler(synthetic.load_paintings(folder / "styles"))
    chosen = [r["file"] for r in pictures(folder) if r["held_out"] == "1"][:count]
    errors: dict[str, list[float]] = {}
    for file in chosen:
        picture = square(folder / file)
        lattice = synthetic.random_map()
        view, covered = make_view(picture, lattice, restyle)
        a, b = models.encode(picture), models.encode(view)
        truth, known = synthetic.true_field(torch.zeros(1, *lattice.shape), torch.from_numpy(lattice)[None])
        field, confidence = models.warp(a, b)
        at = synthetic.cell_centres() + truth
        seen = (known[0, 0] > 0) & ((at > 0) & (at < 1)).all(1)[0] & (torch.from_numpy(covered) == 0)
        if not seen.any():
            continue
        for name, f in {"identity": torch.zeros_like(truth), "nearest feature": nearest(a, b), "warper": field}.items():
            errors.setdefault(name, []).append(256 * (f - truth).norm(dim=1)[0][seen].mean().item())
        right = seen & ((field - truth).norm(dim=1)[0] < 1 / CELLS)
        errors.setdefault("confidence right", []).append(((confidence[0, 0] > 0.5) == right).float().mean().item())
    return {name: round(float(np.mean(v)), 3) for name, v in errors.items()}


def blanks(models: Models, folder: Path, count: int) -> dict[str, float]:
    """Confidence against exemplars that show nothing: mean, and the largest mean of one exemplar."""
    random.seed(5)
    np.random.seed(5)
    contents = [r["file"] for r in pictures(folder) if r["held_out"] == "1"][:count]
    means = [models.warp(models.features(folder / c), models.encode(synthetic.blank_picture(256)))[1].mean().item() for c in contents]
    return {"mean": round(float(np.mean(means)), 4), "largest": round(max(means), 4)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--models", type=Path, required=True)
    parser.add_argument("--encoder", default="encoder.onnx", help="file in MODELS")
    parser.add_argument("--painter", type=Path, help="folder of painter.onnx; without it, photo to art is left out")
    parser.add_argument("--synthetic", type=int, default=200, help="number of held-out pictures")
    parser.add_argument("--brief", action="store_true", help="only the warper on PF-WILLOW and faces, for ablations")
    args = parser.parse_args()
    models = Models(args.models, args.encoder, VggFeatures(args.data))
    willow, faces = willow_pairs(args.data), face_pairs(args.data)
    print(f"PF-WILLOW, {len(willow)} pairs, PCK@.05/.10/.15", pck(models, willow, raw=not args.brief), flush=True)
    print(f"faces, {len(faces)} held-out photo -> caricature pairs", pck(models, faces, raw=not args.brief), flush=True)
    if args.brief:
        return
    if args.painter:
        random.seed(3)
        painter = synthetic.Painter(args.painter)
        painted = cache(lambda path: painter(square(path)))
        print("photo to art: PF-WILLOW, painted exemplars", pck(models, willow, painted), flush=True)
    print("synthetic, px at 256", synthetic_errors(models, args.data, args.synthetic), flush=True)
    print("confidence on blank exemplars", blanks(models, args.data, 100))


if __name__ == "__main__":
    main()
