"""Feature cache of the warper: VGG-16 of every picture and of a warped, restyled view of it.

    python features.py --data DATA --out CACHE --budget 30m [--painter MODELS]

View 0 is the picture itself; view 1 is warped, restyled and now and then partly covered. Writes
into CACHE, all raw and memory-mapped, row = picture:
  raw.f16      [pictures, 2, 1024, 16, 16] half floats: unit vectors of pool4 and of relu5_2
  views.u8     [pictures, 2, 256, 256, 3] the views as the encoder saw them
  maps.npy     [pictures, 2, 2, 33, 33] displacements of the views (synthetic.py)
  covered.npy  [pictures, 2, 16, 16] 1 where something was laid over the view
  blanks.npy   [96, 1024, 16, 16] half floats: raw features of pictures with nothing to match
  index.csv    file, group, domain, held_out; written as far as it got
Pictures come in random order, so a part of the cache is a fair sample of the whole.
"""

import csv
import random
from pathlib import Path

import numpy as np
import torch

import data
import synthetic
from encoder import RAW, SIDE, VggFeatures
from run import Progress, common_arguments, half_precision, prepare

FIELDS = ["file", "group", "domain", "held_out"]
HELD_OUT = 0.05
BATCH = 4
BLANKS = 96


def pictures(folder: Path) -> list[dict[str, str]]:
    """Every training picture: photos/ and pairs/ without PF-WILLOW, which is only for evaluation."""
    found = [{"file": f"photos/{r['file']}", "group": "", "domain": "photo"} for r in data.rows(folder / "photos" / "index.csv")]
    for row in data.rows(folder / "pairs" / "index.csv"):
        if row["source"] != "pf-willow":
            found.append({"file": f"pairs/{row['file']}", "group": row["group"], "domain": row["domain"]})
    order = random.Random(0)
    order.shuffle(found)
    for row in found:
        row["held_out"] = str(int(order.random() < HELD_OUT))
    return found


def square(path: Path) -> np.ndarray:
    return data.resize(data.read_rgb(path), SIDE, SIDE)


def make_view(picture: np.ndarray, displacement: np.ndarray, restyle: synthetic.Restyler, plain: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """-> (uint8 [256,256,3], covered cells [16,16])."""
    view = synthetic.warp_picture(picture, displacement)
    view = view if plain else restyle(view)
    return restyle.cover(view) if random.random() < 0.3 else (view, np.zeros((synthetic.CELLS, synthetic.CELLS), np.uint8))


@torch.no_grad()
def features_of(encoder: VggFeatures, views: list[np.ndarray]) -> torch.Tensor:
    """uint8 pictures [256,256,3] -> raw features [N,1024,16,16]."""
    device = encoder.vgg.mean.device
    images = torch.cat([data.to_tensor(v) for v in views]).to(device, memory_format=torch.channels_last)
    with half_precision(device.type):
        return encoder(images).float().contiguous().cpu()


def main() -> None:
    parser = common_arguments(__doc__)
    parser.add_argument("--painter", type=Path, help="folder with painter.onnx and painters/, for restyling")
    parser.add_argument("--plain", action="store_true", help="without restyling, an ablation")
    args = parser.parse_args()
    prepare(args)
    encoder = VggFeatures(args.data).to(args.device, memory_format=torch.channels_last)
    painter = synthetic.Painter(args.painter) if args.painter else None
    restyle = synthetic.Restyler(synthetic.load_paintings(args.data / "styles"), painter)
    found = pictures(args.data)
    cells, views = synthetic.CELLS, 2
    new = lambda name, kind, *shape: np.memmap(args.out / name, kind, "w+", shape=(len(found), views, *shape))
    raw = new("raw.f16", np.float16, RAW, cells, cells)
    seen = new("views.u8", np.uint8, SIDE, SIDE, 3)
    maps = np.zeros((len(found), views, 2, synthetic.NODES, synthetic.NODES), np.float32)
    covered = np.zeros((len(found), views, cells, cells), np.uint8)
    blanks = [synthetic.blank_picture(SIDE) for _ in range(BLANKS)]
    np.save(args.out / "blanks.npy", torch.cat([features_of(encoder, [b]) for b in blanks]).half().numpy())
    progress = Progress(args.budget)
    for first in range(0, len(found), BATCH):
        numbers = range(first, min(first + BATCH, len(found)))
        for number in numbers:
            seen[number, 0] = square(args.data / found[number]["file"])
            maps[number, 1] = synthetic.random_map()
            seen[number, 1], covered[number, 1] = make_view(seen[number, 0], maps[number, 1], restyle, args.plain)
        got = features_of(encoder, [seen[number, view] for number in numbers for view in range(views)])
        raw[first : numbers.stop] = got.half().numpy().reshape(len(numbers), views, *got.shape[1:])
        progress.step()
        if progress.iteration % 50 == 0 or progress.fraction() == 1 or numbers.stop == len(found):
            write_index(args.out, found[: numbers.stop], maps, covered)
            print(numbers.stop, f"{progress.seconds:.0f}s", flush=True)
        if progress.fraction() == 1:
            return


def write_index(out: Path, done: list[dict[str, str]], maps: np.ndarray, covered: np.ndarray) -> None:
    np.save(out / "maps.npy", maps)
    np.save(out / "covered.npy", covered)
    with (out / "index.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, FIELDS)
        writer.writeheader()
        writer.writerows(done)


if __name__ == "__main__":
    main()
