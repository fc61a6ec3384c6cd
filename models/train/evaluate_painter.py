"""How painted the program's pictures look (painted.py), on photos that no painter was trained on.

    python evaluate_painter.py --data DATA --program PROGRAM [--paintings scream,...] [--photos 12] [--kept FOLDER] [-- --quality best]

Prints a table in Markdown: a row a painting, means over the photos, and a last row with the means over the paintings. What
follows `--` goes to `stylewarp still`. `--kept` is where the pictures stay, to be looked at.
"""

import argparse
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import torch

import data
from painted import LINES, Figures, Judge
from paintings import PAINTINGS
from vgg import Vgg16


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--program", type=Path, required=True)
    parser.add_argument("--paintings", type=lambda text: text.split(","), default=list(PAINTINGS)[:12])
    parser.add_argument("--photos", type=int, default=12)
    parser.add_argument("--kept", type=Path)
    parser.add_argument("options", nargs="*", help="for the program, after --")
    args = parser.parse_args()
    vgg = Vgg16(args.data).to(memory_format=torch.channels_last)
    _, held_out = data.photo_paths(args.data, held_out=40)
    names = list(Figures.__dataclass_fields__)
    print(f"| | {' | '.join(names)} |\n|{'---|' * (1 + len(names))}")
    means = []
    with tempfile.TemporaryDirectory() as folder:
        kept = args.kept or Path(folder)
        kept.mkdir(parents=True, exist_ok=True)
        for slug in args.paintings:
            judge, found = Judge(vgg, data.read_rgb(args.data / "styles" / PAINTINGS[slug].file)), []
            for path in held_out[: args.photos]:
                photo = data.resize_shorter(data.read_rgb(path), LINES)
                before, after = kept / f"{path.stem}.png", kept / f"{path.stem}-{slug}.png"
                data.save_rgb(before, photo)
                command = [args.program, "still", "-y", before, after, "--texture", slug, "--warp", "0", *args.options]
                subprocess.run(command, check=True, capture_output=True)
                found.append(judge(photo, data.read_rgb(after)).values())
            means.append(np.mean(found, 0))
            print(f"| {slug} | {' | '.join(f'{value:.2f}' for value in means[-1])} |", flush=True)
    print(f"| mean | {' | '.join(f'{value:.2f}' for value in np.mean(means, 0))} |")


if __name__ == "__main__":
    main()
