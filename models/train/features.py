"""Feature cache of the warper: pool4 of every picture and of warped, restyled views of it.

    python features.py --data DATA --out CACHE --budget 30m --views 2

View 0 is the picture itself, view 1 is warped over the full range and restyled, view 2 is
warped by half of it and restyled. Writes into CACHE:
  features.f16   [pictures, views, 512, 16, 16] half floats, raw and memory-mapped
  maps.npy       [pictures, views, 2, 33, 33] displacements of the views (synthetic.py)
  index.csv      file, group, domain, held_out; row = picture; written as far as it got
Pictures come in random order, so a part of the cache is a fair sample of the whole.
"""

import csv
import random
from pathlib import Path

import numpy as np
import torch

import data
import synthetic
from encoder import SIDE, Encoder
from run import Progress, common_arguments, prepare

FIELDS = ["file", "group", "domain", "held_out"]
HELD_OUT = 0.05
SIZES = {1: 1.0, 2: 0.5}


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


@torch.no_grad()
def features_of(encoder: Encoder, views: list[np.ndarray]) -> torch.Tensor:
    """uint8 pictures [256,256,3] -> unit vectors [N,512,16,16], float32."""
    device = encoder.vgg.mean.device
    images = torch.cat([data.to_tensor(v) for v in views]).to(device, memory_format=torch.channels_last)
    with torch.autocast(device.type, torch.bfloat16):
        return encoder(images).float().contiguous().cpu()


def main() -> None:
    parser = common_arguments(__doc__)
    parser.add_argument("--views", type=int, default=2, choices=[2, 3])
    args = parser.parse_args()
    prepare(args)
    encoder = Encoder(args.data).to(args.device, memory_format=torch.channels_last)
    restyle = synthetic.Restyler(synthetic.load_paintings(args.data / "styles"))
    found = pictures(args.data)
    cells = synthetic.CELLS
    features = np.memmap(args.out / "features.f16", np.float16, "w+", shape=(len(found), args.views, 512, cells, cells))
    maps = np.zeros((len(found), args.views, 2, synthetic.NODES, synthetic.NODES), np.float32)
    progress = Progress(args.budget)
    while progress.fraction() < 1 and progress.iteration < len(found):
        number = progress.iteration
        picture = square(args.data / found[number]["file"])
        views = [picture]
        for view in range(1, args.views):
            maps[number, view] = synthetic.random_map(SIZES[view])
            views.append(restyle(synthetic.warp_picture(picture, maps[number, view])))
        features[number] = features_of(encoder, views).half().numpy()
        progress.step()
        if progress.iteration % 250 == 0:
            write_index(args.out, found[: progress.iteration], maps)
    write_index(args.out, found[: progress.iteration], maps)


def write_index(out: Path, done: list[dict[str, str]], maps: np.ndarray) -> None:
    np.save(out / "maps.npy", maps)
    with (out / "index.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, FIELDS)
        writer.writeheader()
        writer.writerows(done)


if __name__ == "__main__":
    main()
