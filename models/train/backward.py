"""A function together with its gradients as one ONNX graph.

PyTorch's autograd is traced operator by operator; operators of a backward pass, which ONNX does not have, are spelled out with
forward operators here. So a network can be trained by any ONNX runtime, and what is trained is what the trainers here minimise.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
import torch.nn.functional as F
from onnx import TensorProto, helper, numpy_helper
from torch.fx.experimental.proxy_tensor import make_fx
from torch.onnx import register_custom_op_symbolic, symbolic_helper

from exporting import OPSET

aten = torch.ops.aten


def convolution(grad, x, weight, bias_sizes, stride, padding, dilation, transposed, output_padding, groups, mask):
    """By the input (a convolution with the kernel turned round), the kernel (a product with shifted inputs) and the bias."""
    assert not transposed and tuple(dilation) == (1, 1) and groups in (1, x.shape[1])
    side, pace, margin = weight.shape[2], stride[0], padding[0]
    by_x = by_weight = by_bias = None
    if mask[0]:
        if pace == 1:
            turned = weight.flip(2, 3) if side > 1 else weight
            turned = turned.transpose(0, 1) if groups == 1 else turned
            by_x = F.conv2d(grad, turned, padding=side - 1 - margin, groups=groups)
        else:
            rest = x.shape[2] - ((grad.shape[2] - 1) * pace - 2 * margin + side)
            by_x = F.conv_transpose2d(grad, weight, stride=pace, padding=margin, output_padding=rest, groups=groups)
    if mask[1]:
        rows, columns = grad.shape[2:]
        padded = F.pad(x, (margin,) * 4) if margin else x
        ends = lambda start, count: slice(start, start + pace * (count - 1) + 1, pace)
        shifted = [padded[:, :, ends(k // side, rows), ends(k % side, columns)] for k in range(side * side)]
        if groups == 1:
            seen = torch.cat([part.flatten(2)[0] for part in shifted])
            product = grad.flatten(2)[0] @ seen.t()
            by_weight = product.view(grad.shape[1], side, side, x.shape[1]).permute(0, 3, 1, 2)
        else:
            by_weight = torch.stack([(part * grad).sum((0, 2, 3)) for part in shifted], 1).view(weight.shape)
    if mask[2]:
        by_bias = grad.sum((0, 2, 3))
    return by_x, by_weight, by_bias


def average(grad, x, kernel, stride, padding, ceil, include_pad, divisor):
    """Each value goes back to the places that it is the mean of."""
    assert not ceil and divisor is None
    stride = stride or kernel
    if any(padding):
        assert not include_pad
        # Axis by axis, which is less to store.
        for axis in (2, 3):
            line = lambda value, other: (other, value) if axis == 3 else (value, other)
            inside = F.pad(torch.ones(1, 1, *line(x.shape[axis], 1)), (0, 0, padding[0], padding[0]) if axis == 2 else (padding[1], padding[1]))
            grad = grad / F.avg_pool2d(inside, line(kernel[axis - 2], 1), line(stride[axis - 2], 1))
    if list(stride) == list(kernel):
        wide = grad[:, :, :, None, :, None].expand(-1, -1, -1, kernel[0], -1, kernel[1]) / (kernel[0] * kernel[1])
        return wide.flatten(4).flatten(2, 3)
    if list(stride) == [1, 1]:
        down, across = (side - 1 - margin for side, margin in zip(kernel, padding, strict=True))
        # Axis by axis: runtimes move padding into the pooling, where it must be less than the kernel.
        rows = F.avg_pool2d(F.pad(grad, (across, across)), (1, kernel[1]), 1)
        return F.avg_pool2d(F.pad(rows, (0, 0, down, down)), (kernel[0], 1), 1)
    ones = torch.full((x.shape[1], 1, *kernel), 1 / (kernel[0] * kernel[1]), device=x.device)
    rest = [size - ((count - 1) * pace + side) for size, count, pace, side in zip(x.shape[2:], grad.shape[2:], stride, kernel, strict=True)]
    return F.pad(F.conv_transpose2d(grad, ones, stride=stride, groups=x.shape[1]), (0, rest[1], 0, rest[0]))


def reflected(grad, x, padding):
    """The margin is folded back onto what it mirrors."""
    left, right, upper, lower = padding
    for axis, before, after in ((3, left, right), (2, upper, lower)):
        size = grad.shape[axis] - before - after
        middle = grad.narrow(axis, before, size)
        first, last = grad.narrow(axis, 0, before).flip(axis), grad.narrow(axis, before + size, after).flip(axis)
        room = lambda low, high: (low, high) if axis == 3 else (0, 0, low, high)
        grad = middle + F.pad(first, room(1, size - 1 - before)) + F.pad(last, room(size - 1 - after, 1))
    return grad


def doubled(grad, output_size, input_size, align_corners, *scales):
    """Of a bilinear step to twice the size."""
    assert not align_corners and list(output_size) == [2 * side for side in input_size[2:]]
    line = torch.tensor([0.25, 0.75, 0.75, 0.25], device=grad.device)
    kernel = (line[:, None] * line[None]).expand(grad.shape[1], 1, 4, 4)
    return F.conv2d(F.pad(grad, (1,) * 4, mode="replicate"), kernel, stride=2, groups=grad.shape[1])


def pooled(grad, x, kernel, stride, padding, dilation, ceil, where):
    """Back to where each maximum came from."""
    return aten.max_unpool2d(grad, where, list(x.shape[2:]))


def added(x, dim, index, source, alpha=1):
    """A place may be chosen many times."""
    assert dim == 1 and x.dim() == 2 and alpha == 1
    return aten.scatter_add(x, 1, index[None].expand(x.shape[0], -1), source)


def sliced(grad, sizes, dim, start, end, step):
    assert step == 1
    room = [0, 0] * (len(sizes) - 1 - dim) + [start, sizes[dim] - start - grad.shape[dim]]
    return F.pad(grad, room)


def selected(grad, sizes, dim, index):
    return sliced(grad.unsqueeze(dim), sizes, dim, index, index + 1, 1)


TABLE = {
    aten.convolution_backward.default: convolution,
    aten.avg_pool2d_backward.default: average,
    aten.reflection_pad2d_backward.default: reflected,
    aten.upsample_bilinear2d_backward.default: doubled,
    aten.max_pool2d_with_indices_backward.default: pooled,
    aten.index_add.default: added,
    aten.slice_backward.default: sliced,
    aten.select_backward.default: selected,
    aten.threshold_backward.default: lambda grad, x, bound: torch.where(x > bound, grad, 0.0),
    aten.leaky_relu_backward.default: lambda grad, x, slope, _: torch.where(x > 0, grad, slope * grad),
    aten.sgn.default: torch.sign,
    aten._unsafe_view.default: aten.view.default,
}


def export_traced(function: Callable, path: Path, inputs: dict[str, torch.Tensor], outputs: tuple[str, ...]) -> None:
    """Writes a function that may ask for gradients as a graph of forward operators, of the sizes of these inputs."""
    module = make_fx(function, decomposition_table=TABLE)(*inputs.values())
    for node in module.graph.nodes:
        # They tell autograd something, which is done with its work.
        if node.target in (aten.detach.default, aten.alias.default):
            node.replace_all_uses_with(node.args[0])
    module.graph.eliminate_dead_code()
    module.recompile()
    register()
    with torch.no_grad():
        values = tuple(value.detach() for value in inputs.values())
        torch.onnx.export(
            module.requires_grad_(False),
            values,
            str(path),
            input_names=list(inputs),
            output_names=list(outputs),
            opset_version=OPSET,
            do_constant_folding=False,
            dynamo=False,
        )


def compact(path: Path, weights: dict[str, torch.Tensor]) -> onnx.ModelProto:
    """A written graph, with all folded that is constant, short names, and some of its inputs made weights."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.optimized_model_filepath = str(path)
    options.log_severity_level = 3
    onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    model = onnx.load(str(path))
    graph = model.graph
    del graph.value_info[:]
    inputs = [value for value in graph.input if value.name not in weights]
    del graph.input[:]
    graph.input.extend(inputs)
    spread = []
    for tensor in list(graph.initializer):
        values = numpy_helper.to_array(tensor)
        # Zeros and ones of any size are made where they are needed.
        if values.size > 16 and (values == values.flat[0]).all():
            shape = numpy_helper.from_array(np.array(values.shape, np.int64), f"{tensor.name}_shape")
            value = numpy_helper.from_array(values.flat[:1].copy())
            spread.append(helper.make_node("ConstantOfShape", [shape.name], [tensor.name], value=value))
            graph.initializer.remove(tensor)
            graph.initializer.append(shape)
    nodes = [*spread, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
    names = {value.name: value.name for value in [*graph.input, *graph.output]} | {name: name for name in weights} | {"": ""}
    short = lambda name: names.setdefault(name, f"t{len(names)}")
    for node in graph.node:
        node.name = node.doc_string = ""
        for ends in (node.input, node.output):
            ends[:] = [short(name) for name in ends]
    for tensor in graph.initializer:
        tensor.name = short(tensor.name)
    graph.initializer.extend(numpy_helper.from_array(value.numpy(), name) for name, value in weights.items())
    graph.name, model.producer_name, model.producer_version = path.stem, "stylewarp", ""
    del model.opset_import[:]
    model.opset_import.append(helper.make_opsetid("", OPSET))
    return model


def register() -> None:
    """Operators that PyTorch's exporter writes otherwise or not at all."""
    halves = {"kernel_shape_i": [2, 2], "strides_i": [2, 2]}

    def max_pool(g, x, *_):
        return g.op("MaxPool", x, **halves, outputs=2)

    def twice(g, x, mode, place, **more):
        scales = g.op("Constant", value_t=torch.tensor([1.0, 1.0, 2.0, 2.0]))
        nothing = symbolic_helper._optional_input_placeholder_tensor(g)
        return g.op("Resize", x, nothing, scales, mode_s=mode, coordinate_transformation_mode_s=place, **more)

    register_custom_op_symbolic("aten::lift_fresh_copy", lambda g, x: x, OPSET)
    # Of floats that are indices.
    register_custom_op_symbolic("aten::_to_copy", lambda g, x, *_: g.op("Cast", x, to_i=TensorProto.INT64), OPSET)
    register_custom_op_symbolic("aten::max_pool2d_with_indices", max_pool, OPSET)
    register_custom_op_symbolic("aten::max_unpool2d", lambda g, x, where, *_: g.op("MaxUnpool", x, where, **halves), OPSET)
    register_custom_op_symbolic("aten::upsample_bilinear2d", lambda g, x, *_: twice(g, x, "linear", "half_pixel"), OPSET)
    register_custom_op_symbolic("aten::upsample_nearest2d", lambda g, x, *_: twice(g, x, "nearest", "asymmetric", nearest_mode_s="floor"), OPSET)
