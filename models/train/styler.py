"""The styler as a graph: the paper's texture loss and its gradient with respect to the image.

    python styler.py --data DATA --out MODELS [--check FILE]

Writes `styler.onnx`, and `vgg16.safetensors`, the weights that it and `encoder.onnx` refer to.
The backward pass is spelled out with forward operators (a convolution's adjoint is a convolution
with the kernel turned round, which the runtime prepares once), so that any ONNX runtime can
optimise an image. `--check` writes a small picture with PyTorch's own losses and gradients, for
the test.

Inputs  `image` [1,3,H,W], RGB in [0,1], H and W multiples of 16; `content` [1,512,H/8,W/8];
        `mean1`..`mean5` [C], `matrix1`..`matrix5` [C,C]: the style; `weights` [3]: of content,
        style and smoothness; `centred` [1]: 0 for Gram matrices, 1 for means and covariances.
Outputs `terms` [3]: content, style, smoothness, not weighted; `gradient` [1,3,H,W] of the
        weighted sum; and, of the image itself, what the inputs are of their pictures:
        `image_content`, `image_mean1`.., `image_matrix1`..
"""

import argparse
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from safetensors.torch import save_file

from exporting import OPSET, share_weights
from losses import STYLE_LAYERS, Objective, smoothness
from vgg import BLOCKS, MEAN, STD, WEIGHTS, write_shared_weights

CONTENT = "conv4_2"
STYLE = {layer.replace("relu", "conv"): weight for layer, weight in STYLE_LAYERS.items()}
LAST = "conv5_1"


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

    def transpose(self, x: str) -> str:
        return self.add("Transpose", x, perm=[1, 0])


class Styler(Graph):
    def __init__(self, weights: dict[str, torch.Tensor]) -> None:
        super().__init__()
        self.weights = weights
        self.style_share = {name: weight / sum(STYLE.values()) for name, weight in STYLE.items()}
        self.content_weight, self.style_weight, self.smooth_weight = (
            self.add("Gather", "weights", self.constant(k, np.int64)) for k in range(3)
        )
        self.style_terms: list[str] = []

    def weight(self, name: str) -> str:
        stored = numpy_helper.from_array(self.weights[f"{name}.weight"].numpy(), f"{name}.weight")
        self.constants.append(stored)
        return self.add("Cast", stored.name, to=TensorProto.FLOAT)

    def build(self) -> None:
        mean, std = (self.constant(np.reshape(v, (1, 3, 1, 1))) for v in (MEAN, STD))
        x = self.add("Div", self.add("Sub", "image", mean), std)
        tape = []
        for block in BLOCKS:
            for name, _, channels in block:
                weight = self.weight(name)
                bias = self.constant(self.weights[f"{name}.bias"].numpy())
                x = self.add("Relu", self.add("Conv", x, weight, bias, pads=[1] * 4))
                tape.append((name, weight, x, channels))
                if name == LAST:
                    return self.backward(tape, std)
            x = self.pool(x, tape)
        raise ValueError(f"no layer {LAST}")

    def pool(self, x: str, tape: list) -> str:
        pooled, where = f"pooled{len(self.nodes)}", f"where{len(self.nodes)}"
        self.nodes.append(helper.make_node("MaxPool", [x], [pooled, where], kernel_shape=[2, 2], strides=[2, 2]))
        tape.append(("pool", where, x, 0))
        return pooled

    def backward(self, tape: list, std: str) -> None:
        gradient = None
        for name, weight, x, channels in reversed(tape):
            if name == "pool":
                # Back to where each maximum came from; the size is that of the layer before.
                gradient = self.add("MaxUnpool", gradient, weight, self.add("Shape", x), kernel_shape=[2, 2], strides=[2, 2])
                continue
            own = [self.style(name, x, channels)] if name in STYLE else []
            own += [self.content(x)] if name == CONTENT else []
            for term in own:
                gradient = self.add("Add", gradient, term) if gradient else term
            alive = self.add("Greater", x, self.constant(0.0))
            gradient = self.add("Where", alive, gradient, self.constant(0.0))
            gradient = self.add("Conv", gradient, self.turned(weight), pads=[1] * 4)
        gradient = self.add("Div", gradient, std)
        smooth, own = self.smooth()
        self.add("Add", gradient, own, output="gradient")
        style = self.add("Sum", *self.style_terms)
        terms = [self.add("Unsqueeze", t, self.constant([0], np.int64)) for t in (self.content_term, style, smooth)]
        self.add("Concat", *terms, output="terms", axis=0)

    def turned(self, weight: str) -> str:
        """The adjoint's kernel: input and output channels swapped, rotated by half a turn."""
        swapped = self.add("Transpose", weight, perm=[1, 0, 2, 3])
        ends, axes = self.constant([-10, -10], np.int64), self.constant([2, 3], np.int64)
        return self.add("Slice", swapped, self.constant([-1, -1], np.int64), ends, axes, self.constant([-1, -1], np.int64))

    def style(self, name: str, x: str, channels: int) -> str:
        """Adds the layer's term and gives its gradient. With F [C,N], mean m, matrix S = FF'/N - centred mm' and
        targets m*, S*: |S - S*|^2 / |S*|^2 + centred |m - m*|^2 / |m*|^2."""
        number = list(STYLE).index(name) + 1
        flat = self.add("Reshape", x, self.constant([channels, -1], np.int64))
        count = self.add("Div", self.add("Cast", self.add("Size", flat), to=TensorProto.FLOAT), self.constant(channels))
        mean = self.add("ReduceMean", flat, axes=[1], keepdims=1)
        second = self.add("Div", self.add("MatMul", flat, self.transpose(flat)), count)
        outer = self.add("MatMul", mean, self.transpose(mean))
        matrix = self.add("Sub", second, self.product("centred", outer), output=f"image_matrix{number}")
        self.add("Squeeze", mean, self.constant([1], np.int64), output=f"image_mean{number}")
        target = self.add("Unsqueeze", f"mean{number}", self.constant([1], np.int64))
        off, off_mean = self.add("Sub", matrix, f"matrix{number}"), self.add("Sub", mean, target)
        tiny = self.constant(1e-12)
        norm = self.add("Max", self.sum_of_squares(f"matrix{number}"), tiny)
        norm_mean = self.add("Max", self.sum_of_squares(target), tiny)
        share = self.constant(self.style_share[name])
        term = self.add("Div", self.sum_of_squares(off), norm)
        term_mean = self.product("centred", self.add("Div", self.sum_of_squares(off_mean), norm_mean))
        self.style_terms.append(self.product(share, self.add("Squeeze", self.add("Add", term, term_mean))))
        centred = self.add("Sub", flat, self.product("centred", mean))
        by_matrix = self.product(self.constant(4.0), self.add("MatMul", self.add("Div", off, norm), centred))
        by_mean = self.product(self.constant(2.0), "centred", self.add("Div", off_mean, norm_mean))
        both = self.add("Div", self.add("Add", by_matrix, by_mean), count)
        return self.add("Reshape", self.product(share, self.style_weight, both), self.add("Shape", x))

    def content(self, x: str) -> str:
        self.add("Identity", x, output="image_content")
        off = self.add("Sub", x, "content")
        norm = self.add("Max", self.sum_of_squares("content"), self.constant(1e-12))
        self.content_term = self.add("Div", self.sum_of_squares(off), norm)
        return self.product(self.constant(2.0), self.content_weight, self.add("Div", off, norm))

    def smooth(self) -> tuple[str, str]:
        """Mean square difference between neighbours, and its gradient: minus twice the Laplacian, edges repeated."""
        padded = self.add("Pad", "image", self.constant([0, 0, 1, 1, 0, 0, 0, 0], np.int64), mode="edge")
        all_sides = self.add("Pad", "image", self.constant([0, 0, 1, 1, 0, 0, 1, 1], np.int64), mode="edge")
        kernels = np.zeros((3, 1, 2, 2), np.float32), np.zeros((3, 1, 2, 2), np.float32), np.zeros((3, 1, 3, 3), np.float32)
        kernels[0][:, 0] = [[0, 0], [-1, 1]]
        kernels[1][:, 0] = [[0, -1], [0, 1]]
        kernels[2][:, 0] = [[0, 1, 0], [1, -4, 1], [0, 1, 0]]
        across, down, laplacian = (self.constant(k) for k in kernels)
        size = self.add("Cast", self.add("Size", "image"), to=TensorProto.FLOAT)
        squares = [self.sum_of_squares(self.add("Conv", padded, kernel, group=3)) for kernel in (across, down)]
        term = self.add("Div", self.add("Sum", *squares), size)
        curve = self.add("Div", self.add("Conv", all_sides, laplacian, group=3), size)
        return term, self.product(self.constant(-2.0), self.smooth_weight, curve)


def model(weights: dict[str, torch.Tensor]) -> onnx.ModelProto:
    styler = Styler(weights)
    styler.build()
    channels = {name: c for block in BLOCKS for name, _, c in block}
    value = lambda name, *shape: helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
    style = [(k, channels[name]) for k, name in enumerate(STYLE, start=1)]
    content = (1, channels[CONTENT], "height8", "width8")
    image = value("image", 1, 3, "height", "width")
    inputs = [image, value("content", *content), value("weights", 3), value("centred", 1)]
    inputs += [value(f"mean{k}", c) for k, c in style] + [value(f"matrix{k}", c, c) for k, c in style]
    outputs = [value("terms", 3), value("gradient", 1, 3, "height", "width"), value("image_content", *content)]
    outputs += [value(f"image_mean{k}", c) for k, c in style] + [value(f"image_matrix{k}", c, c) for k, c in style]
    graph = helper.make_graph(styler.nodes, "styler", inputs, outputs, styler.constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=9, producer_name="stylewarp")


def write_check(data: Path, path: Path) -> None:
    """A picture of 48x32, targets from two others, and what PyTorch's autograd makes of them."""
    torch.manual_seed(1)
    objective = Objective(data, bfloat16=False)
    found = {"image": torch.rand(1, 3, 48, 32), "photo": torch.rand(1, 3, 48, 32), "painting": torch.rand(1, 3, 64, 48) ** 2}
    weights = torch.tensor([1.0, 10.0, 100.0])
    for name, centred in (("gram", False), ("centred", True)):
        objective.centred = centred
        image = found["image"].clone().requires_grad_()
        content, style = objective(image, objective.content_target(found["photo"]), objective.style_target(found["painting"]))
        terms = torch.cat([content, style, smoothness(image)[None]])
        (weights @ terms).backward()
        found[f"{name}.terms"], found[f"{name}.gradient"] = terms.detach(), image.grad
    save_file({**found, "weights": weights}, path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--check", type=Path)
    args = parser.parse_args()
    graph = model(write_shared_weights(args.data, args.out))
    share_weights(graph, args.out / WEIGHTS)
    onnx.save(graph, str(args.out / "styler.onnx"))
    onnx.checker.check_model(str(args.out / "styler.onnx"))
    if args.check:
        write_check(args.data, args.check)


if __name__ == "__main__":
    main()
