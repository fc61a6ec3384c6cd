"""Writes models/manifest.toml: sizes, hashes, signatures and arithmetic of the model files.

    python manifest.py MODELS

The program checks the files against it when it loads them. Run it whenever a model changes.
"""

import hashlib
import math
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime

FILES = (
    "vgg16.safetensors",
    "encoder.onnx",
    "encoder-fast.onnx",
    "warper.onnx",
    "segmenter.onnx",
    "segmenter-wide.onnx",
    "painter.onnx",
    "painter.bin",
    "style-encoder.onnx",
    "styler.onnx",
    "styler-features.onnx",
    "styler-match.onnx",
    "styler-gram.onnx",
    "tuner.onnx",
    "tuner-painting.onnx",
)
# Dynamic sizes are filled in with these to count multiply-accumulates per pixel.
PROBE = {"height": 352, "width": 640, "rows": 88, "columns": 160, "height8": 44, "width8": 80, "height16": 22, "width16": 40}
PROBE |= {"height2": 176, "width2": 320, "height4": 88, "width4": 160}
PROBE |= {"places1": 56320, "places2": 14080, "places3": 3520}


def signature(values) -> str:
    """`{ name = "image", shape = [1, 3, -1, -1] }, ...`; -1 is any size."""
    tables = []
    for value in values:
        shape = [d.dim_value or -1 for d in value.type.tensor_type.shape.dim]
        tables.append(f'{{ name = "{value.name}", shape = {shape} }}')
    return ", ".join(tables)


def multiply_accumulates(model: onnx.ModelProto) -> int:
    """Of the convolutions and matrix products; dynamic sizes as in PROBE.

    Shapes are read off a run: static shape inference gives up at the painter's padding.
    """
    model = onnx.ModelProto.FromString(model.SerializeToString())
    nodes = [node for node in model.graph.node if node.op_type in ("Conv", "MatMul")]
    weights = {t.name: list(t.dims) for t in model.graph.initializer}
    sized = [node.input[0] if node.op_type == "MatMul" else node.input[1] for node in nodes]
    watched = list(dict.fromkeys(name for name in [*(node.output[0] for node in nodes), *sized] if name not in weights))
    del model.graph.output[:]
    model.graph.output.extend(onnx.ValueInfoProto(name=name) for name in watched)
    inputs = {}
    for value in model.graph.input:
        dimensions = value.type.tensor_type.shape.dim
        inputs[value.name] = np.zeros([PROBE.get(d.dim_param) or d.dim_value for d in dimensions], np.float32)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    shapes = dict(zip(watched, (found.shape for found in session.run(watched, inputs)), strict=True))
    shapes |= weights
    total = 0
    for node, name in zip(nodes, sized, strict=True):
        # Products per output element: [in / groups, kernel...] of a convolution, the inner size of a product.
        inner = shapes[name][1:] if node.op_type == "Conv" else [shapes[name][-1]]
        total += math.prod(shapes[node.output[0]]) * math.prod(inner)
    return total


def table(folder: Path, name: str) -> str:
    path = folder / name
    content = path.read_bytes()
    lines = ["[[file]]", f'name = "{name}"', f"bytes = {len(content)}", f'sha256 = "{hashlib.sha256(content).hexdigest()}"']
    if path.suffix == ".onnx":
        files = {entry.value for t in onnx.load(str(path), load_external_data=False).graph.initializer for entry in t.external_data if entry.key == "location"}
        lines += [f'weights = "{file}"' for file in files]
        model = onnx.load(str(path))
        dynamic = any(d.dim_param for v in model.graph.input for d in v.type.tensor_type.shape.dim)
        lines.append(f"inputs = [{signature(model.graph.input)}]")
        lines.append(f"outputs = [{signature(model.graph.output)}]")
        if name != "styler-match.onnx":  # it sees no picture, and what it takes depends on its bank
            macs = multiply_accumulates(model)
            lines.append(f"macs_per_pixel = {round(macs / (PROBE['height'] * PROBE['width']))}" if dynamic else f"macs = {macs}")
    return "\n".join(lines) + "\n"


def main() -> None:
    folder = Path(sys.argv[1])
    painters = [f"painters/{path.name}" for path in sorted((folder / "painters").glob("*.safetensors"))]
    header = "# Written by train/manifest.py; do not edit.\n\n"
    (folder / "manifest.toml").write_text(header + "\n".join(table(folder, name) for name in [*FILES, *painters]), encoding="utf-8")


if __name__ == "__main__":
    main()
