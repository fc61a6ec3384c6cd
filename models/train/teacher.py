"""The styler's finished pictures, for the painter to learn from: scenes as it is trained on, each in four styles.

    python teacher.py --data DATA --start MODELS --out FOLDER --budget 30m [--first 0]

The styler begins with what the painter makes of the scene, not with the photo: what it finishes keeps the painter's
strokes where they lie on the grain, so that painter.py, which shows the same grain, asks for what the painter can
do. From there 30 steps do, instead of 450. A run goes on after the scenes that are there; `--first` numbers
them from somewhere else, for two runs beside each other.
"""

import random

import torch

import data
from lessons import EACH, LINES, OFTEN
from losses import Objective
from optimise import IMPROVING, descend
from painter import Styled, Targets
from run import Progress, common_arguments, prepare
from scenes import Scene


def main() -> None:
    parser = common_arguments(__doc__)
    parser.add_argument("--size", choices=["fast", "fine"], default="fine")
    parser.add_argument("--first", type=int, default=0)
    args = parser.parse_args()
    number = args.first
    while (args.out / f"{number:05}.pt").exists():
        number += 1
    args.seed += number
    prepare(args)
    objective = Objective(args.data).to(args.device)
    styled = Styled(args.size == "fine")
    styled.begin(args.start)
    styled.to(args.device)
    targets = Targets(objective, args.data / "styles", args.out / "targets.pt", args.device)
    photos, _ = data.photo_paths(args.data, held_out=40)
    progress = Progress(args.budget)
    while progress.fraction() < 1:
        scene = Scene.random(photos, random.choices(list(LINES), list(LINES.values()))[0])
        # Every style equally often.
        slugs = [OFTEN[(EACH * number + k) % len(OFTEN)] for k in range(EACH)]
        patch = scene.patch.to(args.device).expand(EACH, -1, -1, -1)
        with torch.no_grad():
            code = torch.stack([styled.code(slug, scene.lines) for slug in slugs])
            painted = styled.painter.alone(patch, code, scene.grain.to(args.device)).clamp(0, 1)
        finished = descend(objective, painted, objective.content_target(patch), targets.styles_at(slugs, scene.lines), IMPROVING)
        scene.finished = dict(zip(slugs, finished.split(1), strict=True))
        scene.write(args.out, f"{number:05}")
        number += 1
        progress.step()


if __name__ == "__main__":
    main()
