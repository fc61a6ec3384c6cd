"""From PyTorch to ONNX files and back: shared by every network here."""

import json
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn

OPSET = 17
HALF_FROM_ELEMENTS = 4096


def export(
    network: nn.Module,
    path: Path,
    inputs: dict[str, torch.Tensor],
    outputs: dict[str, list[int]],
    dynamic: dict[str, dict[int, str]] | None = None,
    half_weights: bool = False,
) -> None:
    """Writes `network` with its parameter names as initializer names.

    `outputs` gives names and shapes, -1 where `dynamic` leaves a size open. With `half_weights` the large
    convolution weights are stored as float16 behind a Cast, which the runtime folds at load.
    """
    training = network.training
    network.eval()
    torch.onnx.export(
        network,
        tuple(inputs.values()),
        str(path),
        input_names=list(inputs),
        output_names=list(outputs),
        dynamic_axes=dynamic,
        opset_version=OPSET,
        dynamo=False,
    )
    network.train(training)
    model = onnx.load(str(path))
    for value in model.graph.output:
        for dimension, size in zip(value.type.tensor_type.shape.dim, outputs[value.name], strict=True):
            if size >= 0:
                dimension.dim_value = size
    if half_weights:
        halve_weights(model)
    model.producer_name = "stylewarp"
    model.producer_version = ""
    onnx.checker.check_model(model)
    onnx.save(model, str(path))


def halve_weights(model: onnx.ModelProto) -> None:
    """Stores those weights that float16 holds exactly as float16, followed by a Cast to float32."""
    graph = model.graph
    casts = []
    for tensor in graph.initializer:
        values = numpy_helper.to_array(tensor)
        if values.dtype != np.float32 or values.size < HALF_FROM_ELEMENTS:
            continue
        half = values.astype(np.float16)
        # Only what is exact: the trained parts of a network stay as they are.
        if not np.array_equal(half.astype(np.float32), values):
            continue
        name = tensor.name
        tensor.CopyFrom(numpy_helper.from_array(half, name))
        wide = f"{name}.float32"
        for node in graph.node:
            for index, used in enumerate(node.input):
                if used == name:
                    node.input[index] = wide
        casts.append(helper.make_node("Cast", [name], [wide], name=f"{name}.widen", to=TensorProto.FLOAT))
    for cast in reversed(casts):
        graph.node.insert(0, cast)


def share_weights(model: onnx.ModelProto, file: Path) -> None:
    """Makes the initializers whose names end in those of `file` (safetensors, in the model's folder)
    refer to its bytes (ONNX external data), so that two networks need not store them twice."""
    content = file.read_bytes()
    start = 8 + int.from_bytes(content[:8], "little")
    entries = {name: entry["data_offsets"] for name, entry in json.loads(content[8:start]).items() if name != "__metadata__"}
    for tensor in model.graph.initializer:
        found = next((offsets for name, offsets in entries.items() if tensor.name.endswith(name)), None)
        if found is None:
            continue
        first, end = (start + offset for offset in found)
        if tensor.raw_data != content[first:end]:
            raise ValueError(f"{tensor.name} differs from what {file} holds")
        onnx.external_data_helper.set_external_data(tensor, file.name, first, end - first)
        tensor.ClearField("raw_data")


def stored_weights(path: Path) -> dict[str, torch.Tensor]:
    """The parameters in an exported file, by name."""
    tensors = onnx.load(str(path)).graph.initializer
    return {tensor.name: torch.from_numpy(numpy_helper.to_array(tensor).astype(np.float32)) for tensor in tensors}


def part_weights(path: Path, names: list[str], file: str) -> None:
    """Moves the named initializers of an exported file, one after the other, into a raw file of float32 beside it (ONNX
    external data): whoever opens the network may give other weights instead."""
    model = onnx.load(str(path))
    tensors = {tensor.name: tensor for tensor in model.graph.initializer}
    content = bytearray()
    for name in names:
        values = numpy_helper.to_array(tensors[name]).astype("<f4").tobytes()
        tensors[name].CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensors[name]).astype("<f4"), name))
        onnx.external_data_helper.set_external_data(tensors[name], file, len(content), len(values))
        tensors[name].ClearField("raw_data")
        content += values
    (path.parent / file).write_bytes(content)
    path.write_bytes(model.SerializeToString())


def load_weights(network: nn.Module, path: Path, prefix: str = "") -> None:
    """Reads parameters back from an exported file, by name, so that training can go on from it."""
    stored = stored_weights(path)
    for name, parameter in network.named_parameters():
        if prefix + name not in stored:
            raise KeyError(f"{path} has no weights named {prefix + name}")
        parameter.data.copy_(stored[prefix + name])


def run_onnx(path: Path, inputs: dict[str, torch.Tensor], threads: int = 1) -> list[np.ndarray]:
    """The outputs of an exported file, in its own order, on the CPU."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    return session.run(None, {name: tensor.detach().cpu().numpy() for name, tensor in inputs.items()})


@torch.no_grad()
def largest_difference(network: nn.Module, path: Path, inputs: dict[str, torch.Tensor]) -> float:
    """Largest absolute difference between the file in ONNX Runtime and the network in PyTorch."""
    expected = network.eval()(*inputs.values())
    expected = expected if isinstance(expected, tuple) else (expected,)
    found = run_onnx(path, inputs)
    return max(float(np.abs(e.cpu().numpy() - f).max()) for e, f in zip(expected, found, strict=True))
