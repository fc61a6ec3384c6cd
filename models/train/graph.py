"""Graphs written node by node, for networks that PyTorch's exporter cannot give: VGG-16 with its backward pass.

The backward pass is spelled out with forward operators (a convolution's adjoint is a convolution with the kernel turned round,
which the runtime prepares once), so that any ONNX runtime can optimise an image.
"""

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper

from exporting import OPSET
from vgg import BLOCKS, MEAN, STD


class Graph:
    """Nodes in order; every method adds some and returns the name of what comes out."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def add(self, operator: str, *inputs: str, output: str | None = None, **attributes) -> str:
        output = output or f"{operator.lower()}{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, list(inputs), [output], **attributes))
        return output

    def constant(self, values, kind=np.float32) -> str:
        name = f"constant{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(values, kind), name))
        return name

    def product(self, *factors: str) -> str:
        result, *rest = factors
        for factor in rest:
            result = self.add("Mul", result, factor)
        return result

    def sum_of_squares(self, x: str) -> str:
        return self.add("ReduceSumSquare", x, keepdims=0)

    def count(self, x: str) -> str:
        """How many numbers x holds, as a float."""
        return self.add("Cast", self.add("Size", x), to=TensorProto.FLOAT)

    def transpose(self, x: str) -> str:
        return self.add("Transpose", x, perm=[1, 0])

    def vector(self, *scalars: str, output: str) -> str:
        rows = [self.add("Reshape", scalar, self.constant([1], np.int64)) for scalar in scalars]
        return self.add("Concat", *rows, output=output, axis=0)

    def model(self, name: str, inputs: dict[str, tuple], outputs: dict[str, tuple]) -> onnx.ModelProto:
        """Shapes hold numbers or names of sizes that may vary."""
        values = [[helper.make_tensor_value_info(k, TensorProto.FLOAT, shape) for k, shape in ends.items()] for ends in (inputs, outputs)]
        graph = helper.make_graph(self.nodes, name, *values, self.constants)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=9, producer_name="stylewarp")


class VggGraph(Graph):
    """VGG-16's convolutions forward, and the gradient of what is added at some of them back to the image."""

    def __init__(self, weights: dict[str, torch.Tensor]) -> None:
        super().__init__()
        self.weights = weights
        # What was done, in order: (layer or "pool", its kernel or where the maxima were, what came out).
        self.tape: list[tuple[str, str, str]] = []

    def forward(self, image: str, last: str) -> dict[str, str]:
        """Names of the activations of all layers up to `last` ("conv4_3"), after their ReLU."""
        mean, self.std = (self.constant(np.reshape(v, (1, 3, 1, 1))) for v in (MEAN, STD))
        x, found = self.add("Div", self.add("Sub", image, mean), self.std), {}
        for block in BLOCKS:
            for name, _, _ in block:
                weight = self._weight(name)
                bias = self.constant(self.weights[f"{name}.bias"].float().numpy())
                x = found[name] = self.add("Relu", self.add("Conv", x, weight, bias, pads=[1] * 4))
                self.tape.append((name, weight, x))
                if name == last:
                    return found
            x = self._pool(x)
        raise ValueError(f"no layer {last}")

    def backward(self, gradients: dict[str, str]) -> str:
        """The gradient by the image, of a loss whose gradients by some layers' activations are given."""
        gradient = None
        for name, other, x in reversed(self.tape):
            if name == "pool":
                # Back to where each maximum came from; the size is that of the layer before.
                gradient = self.add("MaxUnpool", gradient, other, self.add("Shape", x), kernel_shape=[2, 2], strides=[2, 2])
                continue
            if name in gradients:
                gradient = self.add("Add", gradient, gradients[name]) if gradient else gradients[name]
            alive = self.add("Greater", x, self.constant(0.0))
            gradient = self.add("Where", alive, gradient, self.constant(0.0))
            gradient = self.add("Conv", gradient, self._turned(other), pads=[1] * 4)
        return self.add("Div", gradient, self.std)

    def _weight(self, name: str) -> str:
        stored = numpy_helper.from_array(self.weights[f"{name}.weight"].numpy(), f"{name}.weight")
        self.constants.append(stored)
        return self.add("Cast", stored.name, to=TensorProto.FLOAT)

    def _pool(self, x: str) -> str:
        pooled, where = f"pooled{len(self.nodes)}", f"where{len(self.nodes)}"
        self.nodes.append(helper.make_node("MaxPool", [x], [pooled, where], kernel_shape=[2, 2], strides=[2, 2]))
        self.tape.append(("pool", where, x))
        return pooled

    def _turned(self, weight: str) -> str:
        """The adjoint's kernel: input and output channels swapped, rotated by half a turn."""
        swapped = self.add("Transpose", weight, perm=[1, 0, 2, 3])
        ends, axes = self.constant([-10, -10], np.int64), self.constant([2, 3], np.int64)
        return self.add("Slice", swapped, self.constant([-1, -1], np.int64), ends, axes, self.constant([-1, -1], np.int64))
