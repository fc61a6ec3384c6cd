"""Makes the tiny networks that the tests run: the real ones' signatures, but arithmetic one can do by hand.

    python make_models.py        (needs onnx, numpy and safetensors; writes next to itself)

encoder  mean colour of each of 16x16 cells, repeated to 512 channels, as a unit vector
encoder-fast  the same with red and blue exchanged, so that one can tell which was used
warper   BASE + 0.2 * (difference of the two pictures' first two channels), sure of everything
painter  (0.5 - image) * the style's first three values * its one weight: inverted, then dyed; its
         statistics are the image's mean, kept as asked; it does not see the noise
painters/  two styles with the common weight 1 and one, `faint`, with a weight of a half; none of them has
         colours of a painting, so frames keep theirs
style-encoder  a dye of the painting's mean colour

Not in the folder, to take the others' places:

nan_warper     the warper, but a frame without any colour makes it answer "not a number"
fussy_painter  the painter, but a frame that is white all over makes it fail
"""

import hashlib
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from safetensors.numpy import save_file

HERE = Path(__file__).parent
MODELS = HERE / "models"
FEATURES = [1, 512, 16, 16]

# `starry-night` because the default preset asks for it. White turns black under both.
STYLES = {"starry-night": ([1.0, 1.0, 1.0, 0.0], 1.0), "scream": ([1.0, 0.5, 0.25, 0.0], 1.0), "faint": ([1.0, 1.0, 1.0, 0.0], 0.5)}


def base() -> np.ndarray:
    """A wave that no similarity transform can undo: `Align::Subject` leaves it in."""
    at = (np.arange(16) + 0.5) / 16
    y, x = np.meshgrid(at, at, indexing="ij")
    return np.stack([0.12 * np.sin(2 * np.pi * y), 0.12 * np.sin(2 * np.pi * x)])[None].astype(np.float32)


def save(path: Path, inputs: dict, outputs: dict, nodes: list, constants: dict) -> None:
    def values(of: dict) -> list:
        return [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in of.items()]

    weights = [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()]
    graph = helper.make_graph(nodes, path.stem, values(inputs), values(outputs), weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    path.write_bytes(model.SerializeToString())


def encoder(name: str, channels: list[int]) -> None:
    node = helper.make_node
    nodes = [
        node("Gather", ["image", "order"], ["ordered"], axis=1),
        node("AveragePool", ["ordered"], ["cells"], kernel_shape=[16, 16], strides=[16, 16]),
        # Black has no direction: a grain of grey keeps it from being 0 / 0.
        node("Add", ["cells", "grain"], ["lit"]),
        node("Tile", ["lit", "times"], ["many"]),
        node("Slice", ["many", "first", "last", "axis"], ["channels"]),
        node("LpNormalization", ["channels"], ["features"], axis=1, p=2),
    ]
    constants = {
        "order": np.array(channels),
        "grain": np.float32(0.01),
        "times": np.array([1, 171, 1, 1]),
        "first": np.array([0]),
        "last": np.array([512]),
        "axis": np.array([1]),
    }
    save(MODELS / f"{name}.onnx", {"image": [1, 3, 256, 256]}, {"features": FEATURES}, nodes, constants)


def warper(path: Path, gives_nan: bool = False) -> None:
    node = helper.make_node
    nodes = [
        node("Sub", ["content_features", "exemplar_features"], ["difference"]),
        node("Slice", ["difference", "first", "last", "axis"], ["two"]),
        # A unit vector's channels are small: 13 = sqrt(512 / 3) undoes that.
        node("Mul", ["two", "gain"], ["moved"]),
        node("Add", ["moved", "base"], ["waved" if gives_nan else "field"]),
        node("ConstantOfShape", ["cells"], ["confidence"], value=helper.make_tensor("one", TensorProto.FLOAT, [1], [1.0])),
    ]
    constants = {
        "first": np.array([0]),
        "last": np.array([2]),
        "axis": np.array([1]),
        "gain": np.float32(0.2 * 13),
        "base": base(),
        "cells": np.array([1, 1, 16, 16]),
    }
    if gives_nan:
        # Times 1; but times 0 / 0 where each cell's channels are alike.
        nodes += [
            node("ReduceMax", ["content_features"], ["most"], axes=[1]),
            node("ReduceMin", ["content_features"], ["least"], axes=[1]),
            node("Sub", ["most", "least"], ["spreads"]),
            node("ReduceMax", ["spreads"], ["spread"], keepdims=0),
            node("Div", ["spread", "spread"], ["factor"]),
            node("Mul", ["waved", "factor"], ["field"]),
        ]
    inputs = {"content_features": FEATURES, "exemplar_features": FEATURES}
    save(path, inputs, {"field": [1, 2, 16, 16], "confidence": [1, 1, 16, 16]}, nodes, constants)


def painter(path: Path, fussy: bool = False) -> None:
    node = helper.make_node
    nodes = [
        node("Slice", ["style", "first", "last", "axis"], ["three"]),
        node("Reshape", ["three", "colour"], ["dye"]),
        node("Sub", ["white", "image"], ["inverted"]),
        node("Mul", ["inverted", "dye"], ["painted"]),
        # To cells: the inverse of the pixel shuffle; and the noise, times nothing.
        node("SpaceToDepth", ["painted"], ["blocks"], blocksize=4),
        node("Gather", ["blocks", "order"], ["drawn"], axis=1),
        node("ReduceMean", ["noise"], ["mood"], keepdims=0),
        node("Mul", ["mood", "nothing"], ["none"]),
        node("Add", ["drawn", "none"], ["whole"]),
        node("Mul", ["whole", "strength"], ["cells"]),
        # now + keep * (before - now)
        node("ReduceMean", ["image"], ["mean"], axes=[1, 2, 3]),
        node("Reshape", ["mean", "one"], ["flat"]),
        node("Tile", ["flat", "times"], ["now"]),
        node("Sub", ["before", "now"], ["off"]),
        node("Mul", ["off", "keep"], ["kept"]),
        node("Add", ["now", "kept"], ["statistics"]),
    ]
    constants = {
        "one": np.array([1, 1]),
        "times": np.array([1, 4]),
        "strength": np.array([1.0], np.float32),
        "first": np.array([0]),
        "last": np.array([3]),
        "axis": np.array([1]),
        "colour": np.array([1, 3, 1, 1]),
        "white": np.float32(0.5),
        # SpaceToDepth puts colours last: block, colour. A cell's channels are colour, block.
        "order": np.arange(48).reshape(16, 3).T.flatten(),
        "nothing": np.float32(0),
    }
    if fussy:
        # Looks up element 1 of a list of one.
        nodes[2:2] = [
            node("ReduceMin", ["image"], ["darkest"], keepdims=0),
            node("Greater", ["darkest", "bright"], ["is_white"]),
            node("Cast", ["is_white"], ["element"], to=TensorProto.INT64),
            node("Gather", ["list", "element"], ["paper"]),
        ]
        next(node for node in nodes if node.output[0] == "inverted").input[0] = "paper"
        del constants["white"]
        constants |= {"bright": np.float32(0.4), "list": np.array([0.5], np.float32)}
    image = [1, 3, "height", "width"]
    state = [1, 4]
    noise, cells = [1, 3, "rows", "columns"], [1, 48, "rows", "columns"]
    inputs = {"image": image, "style": [1, 4], "before": state, "keep": [1], "noise": noise}
    save(path, inputs, {"cells": cells, "statistics": state}, nodes, constants)
    part_weights(path, "strength")


def part_weights(path: Path, name: str) -> None:
    """Moves a constant to `painter.bin`, as the real painter has its weights: others may be given in its place."""
    model = onnx.load(str(path))
    tensor = next(tensor for tensor in model.graph.initializer if tensor.name == name)
    onnx.external_data_helper.set_external_data(tensor, "painter.bin", 0, len(tensor.raw_data))
    (MODELS / "painter.bin").write_bytes(tensor.raw_data)
    tensor.ClearField("raw_data")
    path.write_bytes(model.SerializeToString())


def style(name: str, code: list[float], weight: float) -> None:
    content = {"weights": np.array([weight], np.float16), "code": np.array([code, code], np.float16)}
    save_file(content, MODELS / "painters" / f"{name}.safetensors")


def style_encoder() -> None:
    node = helper.make_node
    nodes = [
        node("ReduceMean", ["painting"], ["mean"], axes=[2, 3], keepdims=0),
        node("Pad", ["mean", "end"], ["four"]),
        node("Unsqueeze", ["four", "axis"], ["one"]),
        node("Tile", ["one", "twice"], ["style"]),
    ]
    constants = {"end": np.array([0, 0, 0, 1]), "axis": np.array([1]), "twice": np.array([1, 2, 1])}
    save(MODELS / "style-encoder.onnx", {"painting": [1, 3, 256, 256]}, {"style": [1, 2, 4]}, nodes, constants)


def signature(values) -> str:
    tables = []
    for value in values:
        shape = [dimension.dim_value or -1 for dimension in value.type.tensor_type.shape.dim]
        tables.append(f'{{ name = "{value.name}", shape = {shape} }}')
    return ", ".join(tables)


def manifest() -> None:
    text = "# Written by make_models.py; do not edit.\n"
    for path in sorted(MODELS.rglob("*")):
        if path.suffix not in (".onnx", ".safetensors", ".bin"):
            continue
        content = path.read_bytes()
        text += f'\n[[file]]\nname = "{path.relative_to(MODELS).as_posix()}"\nbytes = {len(content)}\n'
        text += f'sha256 = "{hashlib.sha256(content).hexdigest()}"\n'
        if path.suffix == ".onnx":
            graph = onnx.load(str(path), load_external_data=False).graph
            text += 'weights = "painter.bin"\n' if path.stem == "painter" else ""
            text += f"inputs = [{signature(graph.input)}]\noutputs = [{signature(graph.output)}]\n"
            text += "macs_per_pixel = 1\n" if path.stem.startswith("painter") else "macs = 1\n"
    (MODELS / "manifest.toml").write_text(text, encoding="utf-8")


def main() -> None:
    (MODELS / "painters").mkdir(parents=True, exist_ok=True)
    encoder("encoder", [0, 1, 2])
    encoder("encoder-fast", [2, 1, 0])
    warper(MODELS / "warper.onnx")
    warper(HERE / "nan_warper.onnx", gives_nan=True)
    painter(MODELS / "painter.onnx")
    painter(HERE / "fussy_painter.onnx", fussy=True)
    style_encoder()
    for name, (code, weight) in STYLES.items():
        style(name, code, weight)
    manifest()


if __name__ == "__main__":
    main()
