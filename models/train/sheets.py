"""Contact sheet: every content in the shapes of every exemplar, made by the program itself.

    python sheets.py --program ../target/release/stylewarp --out SHEET.png --contents A.jpg B.jpg --exemplars C.jpg D.jpg [-- --warp 1.5]

The first row shows the exemplars, the first column the contents. What follows `--` goes to the program.
"""

import argparse
import subprocess
import tempfile
from pathlib import Path

import cv2
import numpy as np

import data

TILE = 224


def tile(picture: np.ndarray) -> np.ndarray:
    """The picture, whole, in the middle of a white square."""
    scale = TILE / max(picture.shape[:2])
    small = data.resize(picture, max(1, round(picture.shape[1] * scale)), max(1, round(picture.shape[0] * scale)))
    spare = [TILE - s for s in small.shape[:2]]
    edges = [(s // 2, s - s // 2) for s in spare]
    return np.pad(small, [*edges, (0, 0)], constant_values=255)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--contents", type=Path, nargs="+", required=True)
    parser.add_argument("--exemplars", type=Path, nargs="+", required=True)
    parser.add_argument("options", nargs="*")
    args = parser.parse_args()
    rows = [[np.full((TILE, TILE, 3), 255, np.uint8), *(tile(data.read_rgb(e)) for e in args.exemplars)]]
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / "warped.png"
        for content in args.contents:
            row = [tile(data.read_rgb(content))]
            for exemplar in args.exemplars:
                command = [args.program, "still", "-y", content, made, "--geometry", exemplar, *args.options]
                subprocess.run(command, check=True)
                row.append(tile(data.read_rgb(made)))
            rows.append(row)
    sheet = np.concatenate([np.concatenate(row, 1) for row in rows])
    cv2.imwrite(str(args.out), cv2.cvtColor(sheet, cv2.COLOR_RGB2BGR))


if __name__ == "__main__":
    main()
