"""How still a painted video holds, as in blind video temporal consistency (Lai et al., 2018).

    python evaluate_video.py IN.mp4 OUT.mkv [IN OUT ...]

E_warp: the output of an earlier frame, moved by the flow between the *input* frames, against the output now: root mean
square difference in [0,1] over pixels that are neither hidden (|fw + bw|^2 > 0.01 (|fw|^2 + |bw|^2) + 0.5) nor at a
motion boundary (|grad bw|^2 > 0.01 |bw|^2 + 0.002); short over 1 frame, long over 10; beside the input's own. Flow:
OpenCV's DIS, medium preset. Blur lowers E_warp too, so `strokes` is the contrast of the luminance's band of 3 to 12 pixels,
where strokes are, and `relative` the short E_warp of the output over it, against the same of the input.
"""

import argparse
from pathlib import Path

import cv2
import numpy as np

from painted import band, oklab

SPANS = {"short": 1, "long": 10}
FRAMES = 60
WIDTH = 512


def frames(path: Path) -> list[np.ndarray]:
    """RGB, at most WIDTH pixels wide."""
    video, found = cv2.VideoCapture(str(path)), []
    while len(found) < FRAMES:
        good, frame = video.read()
        if not good:
            break
        height, width = frame.shape[:2]
        if width > WIDTH:
            frame = cv2.resize(frame, (WIDTH, round(height * WIDTH / width)), interpolation=cv2.INTER_AREA)
        found.append(cv2.cvtColor(frame, cv2.COLOR_BGR2RGB))
    return found


class Flow:
    def __init__(self) -> None:
        self.dis = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)

    def between(self, now: np.ndarray, before: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Where each pixel of `now` is in `before`, [H,W,2] in pixels, and where that can be trusted."""
        grey = [cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in (now, before)]
        back, forth = self.dis.calc(*grey, None), self.dis.calc(*grey[::-1], None)
        height, width = grey[0].shape
        places = np.stack(np.meshgrid(np.arange(width), np.arange(height)), 2).astype(np.float32) + back
        met = cv2.remap(forth, places, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        square = lambda flow: (flow**2).sum(2)
        hidden = square(back + met) > 0.01 * (square(back) + square(met)) + 0.5
        slopes = sum(square(np.gradient(back[..., c])[axis][..., None]) for c in (0, 1) for axis in (0, 1))
        inside = (places >= 0).all(2) & (places[..., 0] <= width - 1) & (places[..., 1] <= height - 1)
        return places, inside & ~hidden & ~(slopes > 0.01 * square(back) + 0.002)


def errors(before: np.ndarray, now: np.ndarray, places: np.ndarray, good: np.ndarray) -> float:
    moved = cv2.remap(before.astype(np.float32), places, None, cv2.INTER_LINEAR)
    return float(np.sqrt((((moved - now) / 255) ** 2)[good].mean())) if good.any() else 0.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", type=Path, nargs="+")
    args = parser.parse_args()
    flow = Flow()
    for source, result in zip(args.clips[::2], args.clips[1::2], strict=True):
        inputs, outputs = frames(source), frames(result)
        figures = {}
        for name, span in SPANS.items():
            own, made = [], []
            for k in range(span, min(len(inputs), len(outputs))):
                places, good = flow.between(inputs[k], inputs[k - span])
                own.append(errors(inputs[k - span], inputs[k], places, good))
                made.append(errors(outputs[k - span], outputs[k], places, good))
            figures[name] = (np.mean(own), np.mean(made))
        own, made = (np.mean([band(oklab(frame)[..., 0]).std() for frame in film[::10]]) for film in (inputs, outputs))
        relative = (figures["short"][1] / made) / (figures["short"][0] / own)
        text = ", ".join(f"{name} {after:.4f} ({after / before:.2f} times the input's {before:.4f})" for name, (before, after) in figures.items())
        print(f"{source.stem} -> {result.stem}: {text}, strokes {made:.4f} ({made / own:.2f}), relative {relative:.2f}", flush=True)


if __name__ == "__main__":
    main()
