"""Every trainer for a few steps, on pictures that are made up: do files come out, are losses finite, does a run go on?

    python smoke.py --data DATA [--keep FOLDER]

Of DATA only `weights/vgg16_conv.safetensors` is read. Constants that say how much is done are made small (SMALL); nothing
else differs from a real run, and what comes out is good for nothing. Five minutes on one core.
"""

import argparse
import csv
import math
import os
import re
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file

import data
from paintings import PAINTINGS

# Per module, what is made small.
KEPT = ["starry-night", "great-wave", "scream"]
SMALL = {
    "lesson": {"MOST_LINES": 96},
    "features": {"HELD_OUT": 0.5, "BLANKS": 4},
    "fresh": {"BLANKS": 6, "HELD_OUT_BLANKS": 4, "CROPS": 8},
    "pairs": {"CANDIDATES": 1},
    "encoder_fast": {"HELD_OUT": 2, "HELD_OUT_BLANKS": 2},
    "style_encoder": {"VIEWS": 2, "RIDGES": (1.0,)},
}
# As in `pairs/face_landmarks_auto.csv`: left and right are told apart by a part of the name.
LANDMARKS = (
    [f"{side}_{place}" for side in "rl" for place in ("eye_out", "eye_in", "eye_top", "eye_bot", "brow_out", "brow_in", "nostril")]
    + ["nose_bridge", "nose_tip", "mouth_r", "mouth_l", "lip_top", "lip_bot", "chin", "jaw_r", "jaw_l", "cheek_r", "cheek_l", "forehead"]
)
# Two chains of trainers share the machine.
THREADS = str(max(1, (os.cpu_count() or 1) // 2))
# A trainer says how far its exported network is from PyTorch's.
EXACT = 1e-2


def picture(seed: int, width: int, height: int) -> np.ndarray:
    """Waves and a few discs."""
    draw = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width] / max(width, height)
    waves = [0.5 + 0.5 * np.sin(2 * math.pi * (draw.uniform(1, 9) * x + draw.uniform(1, 9) * y + draw.uniform())) for _ in range(3)]
    image = np.stack(waves, -1)
    for _ in range(5):
        centre, radius = draw.uniform(0, 0.8, 2), draw.uniform(0.05, 0.2)
        image[(x - centre[0]) ** 2 + (y - centre[1]) ** 2 < radius**2] = draw.uniform(0, 1, 3)
    return (255 * image).astype(np.uint8)


def write_rows(path: Path, rows: list[dict]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def make_photos(folder: Path, count: int) -> None:
    photos = folder / "photos"
    photos.mkdir(parents=True)
    for number in range(count):
        data.save_rgb(photos / f"{number}.jpg", picture(number, 120, 96))
    write_rows(photos / "index.csv", [{"file": f"{number}.jpg"} for number in range(count)])


def make_pairs(folder: Path) -> None:
    """Faces with landmarks, and cars."""
    folder = folder / "pairs"
    folder.mkdir()
    rows, marks = [], []
    for number in range(20):
        group, name = ("face" if number < 12 else "car"), f"{number}.jpg"
        data.save_rgb(folder / name, picture(1000 + number, 100, 100))
        rows.append({"file": name, "group": group, "domain": "photo", "source": "made up", "w": 100, "h": 100})
        if group == "face":
            places = np.random.default_rng(number).uniform(10, 90, 2 * len(LANDMARKS)).round(1)
            columns = [f"{mark}_{axis}" for mark in LANDMARKS for axis in "xy"]
            marks.append({"file": name, **dict(zip(columns, places, strict=True))})
    write_rows(folder / "index.csv", rows)
    write_rows(folder / "face_landmarks_auto.csv", marks)


def make_data(folder: Path, weights: Path) -> tuple[Path, Path]:
    """-> (what the painters need: enough photos to hold 40 out; what the warper needs: few, since VGG sees them all)."""
    painting, warping = folder / "painting", folder / "warping"
    make_photos(painting, 44)
    make_photos(warping, 4)
    make_pairs(warping)
    for part in (painting, warping):
        (part / "styles").mkdir()
        for number, slug in enumerate(KEPT):
            data.save_rgb(part / "styles" / PAINTINGS[slug].file, picture(2000 + number, 150, 120))
        (part / "weights").symlink_to(weights.resolve(), target_is_directory=True)
    return painting, warping


def run(module: str, *args: object) -> str:
    """A trainer in a process of its own, made small; what it printed."""
    small = {name: constants for name, constants in SMALL.items()}
    code = (
        "import importlib, sys\n"
        "from paintings import PAINTINGS\n"
        f"for slug in list(PAINTINGS):\n    slug in {KEPT!r} or PAINTINGS.pop(slug)\n"
        f"for name, constants in {small!r}.items():\n"
        "    vars(importlib.import_module(name)).update(constants)\n"
        f"import {module}\n"
        # Constants that a module has imported by name are changed there, too.
        f"for constants in {small!r}.values():\n"
        f"    vars({module}).update({{k: v for k, v in constants.items() if k in vars({module}) and {module}.__name__ not in {small!r}}})\n"
        f"{module}.main()\n"
    )
    began = time.monotonic()
    command = [sys.executable, "-W", "ignore", "-c", code, *map(str, args)]
    done = subprocess.run(command, cwd=Path(__file__).parent, capture_output=True, text=True, env=os.environ | {"PYTHONHASHSEED": "0", "OMP_NUM_THREADS": THREADS})
    print(f"{module}: {time.monotonic() - began:.0f} s", flush=True)
    if done.returncode:
        sys.exit(f"{module} {' '.join(map(str, args))} failed:\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}")
    for difference in re.findall(r"largest difference to PyTorch (\S+)", done.stdout):
        if not float(difference) < EXACT:
            sys.exit(f"{module}: its exported network is off by {difference}\n{done.stdout}")
    return done.stdout


def check_log(path: Path, least: int) -> None:
    """Every figure is finite, and so many iterations were done."""
    text = path.read_text()
    steps = [int(line.split()[0]) for line in text.splitlines() if line[:1].isdigit()]
    if not steps or max(steps) < least:
        sys.exit(f"{path.name}: {steps} instead of {least} iterations\n{text}")
    if re.search(r"\b(nan|inf)\b", text):
        sys.exit(f"{path.name}: a figure is not finite\n{text}")


def check_files(folder: Path, *names: str) -> None:
    missing = [name for name in names if not (folder / name).is_file() or (folder / name).stat().st_size == 0]
    if missing:
        sys.exit(f"{', '.join(missing)}: not made")


def check_finite(path: Path) -> None:
    """What PyTorch's autograd made for a test of the program."""
    for name, values in load_file(path).items():
        if not np.isfinite(values.astype(np.float64)).all():
            sys.exit(f"{path.name}: {name} is not finite")


def painters(source: Path, out: Path) -> None:
    run("painter", "--data", source, "--out", out, "--budget", 1)
    check_log(out / "painter.log", 1)
    run("painter", "--data", source, "--out", out, "--budget", 2)
    check_log(out / "painter.log", 2)
    check_files(out, "painter.onnx", "painter.bin", "codes.safetensors", "painter.pt")
    run("tune", "--data", source, "--start", out, "--out", out / "painters", "--budget", 2, "--paintings", "scream")
    check_log(out / "painters" / "scream.log", 2)
    check_files(out / "painters", "scream.safetensors", "scream.png")
    run("styler", "--data", source, "--out", out, "--check", out / "styler.safetensors")
    check_files(out, *(f"styler{part}.onnx" for part in ("", "-features", "-match", "-gram")), "vgg16.safetensors")
    check_finite(out / "styler.safetensors")
    run("tuner", "--data", source, "--out", out, "--check", out / "tuner.safetensors")
    check_files(out, "tuner.onnx", "tuner-painting.onnx")
    check_finite(out / "tuner.safetensors")
    told = run("style_encoder", "--data", source, "--models", out)
    check_files(out, "style-encoder.onnx")
    if re.search(r"\b(nan|inf)\b", told):
        sys.exit(f"style_encoder: a figure is not finite\n{told}")


def warpers(source: Path, out: Path, cache: Path) -> None:
    run("features", "--data", source, "--out", cache, "--budget", 100)
    check_files(cache, "raw.f16", "views.u8", "maps.npy", "covered.npy", "blanks.npy", "index.csv")
    # One step of each kind: batches of real pairs and of faces come in from the beginning.
    few = ("--batch", 4, "--check-every", 4)
    run("warper", "--data", source, "--cache", cache, "--out", out, "--budget", 4, *few, "--pairs", 1, "--real-from", 0)
    check_log(out / "warper.log", 4)
    check_files(out, "encoder.onnx", "warper.onnx")
    start = Path(__file__).parent.parent
    run("encoder_fast", "--data", source, "--cache", cache, "--models", out, "--out", out, "--budget", 4, "--start", start, "--batch", 2)
    check_log(out / "encoder-fast.log", 4)
    check_files(out, "encoder-fast.onnx")
    run("fresh", "--data", source, "--out", cache)
    check_files(cache, "pictures.u8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="only its weights/ are read")
    parser.add_argument("--keep", type=Path, help="folder for all that is made; else it is thrown away")
    args = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as temporary:
        folder = args.keep or Path(temporary)
        painting, warping = make_data(folder, args.data / "weights")
        out = folder / "run"
        # Side by side: much of a trainer's time is one core's, to load PyTorch and to write a graph.
        with ThreadPoolExecutor(2) as chains:
            for chain in [chains.submit(painters, painting, out), chains.submit(warpers, warping, out, folder / "cache")]:
                chain.result()
    print(f"all trainers run: {time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
