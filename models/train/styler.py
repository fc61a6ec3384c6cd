"""The styler's graphs: features, the search for neighbours, and two objectives with their gradient by the image.

    python styler.py --data DATA --out MODELS [--check FILE]

Writes `vgg16.safetensors`, whose kernels all of them share, and

`styler-features.onnx`  `image` [1,3,H,W], RGB in [0,1] -> `features1`..`features3` [N,C]: relu2_2, relu3_3, relu4_3 of VGG-16, one
    row a place (N = HW/4, HW/16, HW/64; C = 128, 256, 512). H and W are multiples of 8.
`styler-match.onnx`     `queries` [N,C], `bank` [M,C], `offset` [M] -> `index` [N]: the row of `bank` whose scalar product with each
    query, plus `offset`, is greatest. As a float, exact up to 16 million. The caller gives few queries at a time: N x M floats.
`styler.onnx`           the default objective, nearest neighbours (Kolkin et al., "Neural Neighbor Style Transfer", 2022): `image`,
    H and W multiples of 16; `tone` [1,3,H/16,W/16]; `weights` [3]; `mean1`.. [C], `target1`.. [N,C] (rows of length one) ->
    `terms` [3], not weighted; `gradient` [1,3,H,W] of the weighted sum; `features1`.. as above, of the image.
    Terms: (1) mean over places, then over the three layers, of 1 - cos(F - mean, target); (2) mean square excess beyond
    [0,1]; (3) mean absolute difference of the image's 16x16-pixel means from `tone`. VGG sees the image clamped to [-.2,1.2].
`styler-gram.onnx`      the older objective (Gatys, Ecker and Bethge, CVPR 2016): `image`, H and W multiples of 16; `content`
    [1,512,H/8,W/8]; `weights` [3]; `matrix1`..`matrix5` [C,C] -> `terms` [3]: content |F - F*|^2 / |F*|^2 at relu4_2, style, mean
    over relu1_1, 2_1, 3_1, 4_1 and a quarter of 5_1 of |G - G*|^2 / |G*|^2, and smoothness, mean square difference of
    neighbours; `gradient`; `image_content`, `image_matrix1`..: what the inputs are, of the image itself.

`--check` writes a small picture with PyTorch's own losses and gradients, for `tests/painting/styler.rs`.
"""

import argparse
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import TensorProto

import styler_check
from exporting import share_weights
from graph import Graph, VggGraph
from vgg import BLOCKS, WEIGHTS, write_shared_weights

NEIGHBOURS = {"conv2_2": 4, "conv3_3": 16, "conv4_3": 64}  # layer: pixels to a place
CHANNELS = {name: channels for block in BLOCKS for name, _, channels in block}
TONE_PIXELS = 16
SEEN = (-0.2, 1.2)
CONTENT = "conv4_2"
GRAM = {"conv1_1": 1.0, "conv2_1": 1.0, "conv3_1": 1.0, "conv4_1": 1.0, "conv5_1": 0.25}
IMAGE = {"image": (1, 3, "height", "width")}


def rows(graph: Graph, features: str, name: str, output: str | None = None) -> str:
    """[1,C,h,w] -> one row of C for every place."""
    flat = graph.add("Reshape", features, graph.constant([CHANNELS[name], -1], np.int64))
    return graph.add("Transpose", flat, output=output, perm=[1, 0])


def numbered(prefix: str, count: str = "places") -> dict[str, tuple]:
    return {f"{prefix}{k}": (f"{count}{k}", CHANNELS[name]) for k, name in enumerate(NEIGHBOURS, 1)}


def features_model(weights: dict[str, torch.Tensor]) -> onnx.ModelProto:
    graph = VggGraph(weights)
    found = graph.forward("image", list(NEIGHBOURS)[-1])
    for k, name in enumerate(NEIGHBOURS, 1):
        rows(graph, found[name], name, f"features{k}")
    return graph.model("styler-features", IMAGE, numbered("features"))


def match_model() -> onnx.ModelProto:
    graph = Graph()
    likeness = graph.add("Gemm", "queries", "bank", "offset", transB=1)
    graph.add("Cast", graph.add("ArgMax", likeness, axis=1, keepdims=0), output="index", to=TensorProto.FLOAT)
    inputs = {"queries": ("places", "channels"), "bank": ("marks", "channels"), "offset": ("marks",)}
    return graph.model("styler-match", inputs, {"index": ("places",)})


def weights_of(graph: Graph, count: int) -> list[str]:
    return [graph.add("Gather", "weights", graph.constant(k, np.int64)) for k in range(count)]


class Neighbours(VggGraph):
    """`styler.onnx`."""

    def build(self) -> onnx.ModelProto:
        match_weight, range_weight, tone_weight = weights_of(self, 3)
        seen = self.add("Clip", "image", self.constant(SEEN[0]), self.constant(SEEN[1]))
        found = self.forward(seen, list(NEIGHBOURS)[-1])
        terms, gradients = [], {}
        for k, name in enumerate(NEIGHBOURS, 1):
            term, gradient = self.layer(k, name, found[name])
            terms.append(term)
            gradients[name] = self.product(match_weight, gradient)
        match = self.add("Mul", self.add("Sum", *terms), self.constant(1 / len(terms)))
        gradient = self.backward(gradients)
        same = self.add("Equal", seen, "image")
        gradient = self.add("Where", same, gradient, self.constant(0.0))
        excess, by_range = self.excess()
        tone, by_tone = self.tone()
        parts = gradient, self.product(range_weight, by_range), self.product(tone_weight, by_tone)
        self.add("Sum", *parts, output="gradient")
        self.vector(match, excess, tone, output="terms")
        tone = {"tone": (1, 3, "height16", "width16")}
        means = {f"mean{k}": (CHANNELS[name],) for k, name in enumerate(NEIGHBOURS, 1)}
        inputs = {**IMAGE, **tone, "weights": (3,), **means, **numbered("target")}
        return self.model("styler", inputs, {"terms": (3,), "gradient": IMAGE["image"], **numbered("features")})

    def layer(self, k: int, name: str, features: str) -> tuple[str, str]:
        """1 - u't, averaged, with u = (F - mean) / |F - mean|; by F it is ((u't) u - t) / |F - mean|."""
        places = rows(self, features, name, f"features{k}")
        off = self.add("Sub", places, f"mean{k}")
        length = self.add("Add", self.add("ReduceL2", off, axes=[1], keepdims=1), self.constant(1e-6))
        unit = self.add("Div", off, length)
        cosine = self.add("ReduceSum", self.add("Mul", unit, f"target{k}"), self.constant([1], np.int64), keepdims=1)
        term = self.add("Sub", self.constant(1.0), self.add("ReduceMean", cosine, keepdims=0))
        slope = self.add("Div", self.add("Sub", self.add("Mul", cosine, unit), f"target{k}"), length)
        share = self.add("Div", self.constant(1 / len(NEIGHBOURS)), self.count(cosine))
        slope = self.transpose(self.add("Mul", slope, share))
        return term, self.add("Reshape", slope, self.add("Shape", features))

    def excess(self) -> tuple[str, str]:
        beyond = self.add("Sub", "image", self.add("Clip", "image", self.constant(0.0), self.constant(1.0)))
        count = self.count("image")
        return self.add("Div", self.sum_of_squares(beyond), count), self.add("Div", self.add("Mul", beyond, self.constant(2.0)), count)

    def tone(self) -> tuple[str, str]:
        side = [TONE_PIXELS] * 2
        off = self.add("Sub", self.add("AveragePool", "image", kernel_shape=side, strides=side), "tone")
        term = self.add("ReduceMean", self.add("Abs", off), keepdims=0)
        scales = self.constant([1, 1, TONE_PIXELS, TONE_PIXELS])
        wide = self.add("Resize", self.add("Sign", off), "", scales, mode="nearest", nearest_mode="floor", coordinate_transformation_mode="asymmetric")
        return term, self.add("Div", wide, self.count("image"))


class Gram(VggGraph):
    """`styler-gram.onnx`."""

    def build(self) -> onnx.ModelProto:
        content_weight, style_weight, smooth_weight = weights_of(self, 3)
        found = self.forward("image", list(GRAM)[-1])
        terms, gradients = [], {}
        for k, name in enumerate(GRAM, 1):
            term, gradient = self.style(k, name, found[name])
            terms.append(term)
            gradients[name] = self.product(style_weight, gradient)
        content, by_content = self.content(found[CONTENT])
        gradients[CONTENT] = self.product(content_weight, by_content)
        smooth, by_smooth = self.smooth()
        self.add("Add", self.backward(gradients), self.product(smooth_weight, by_smooth), output="gradient")
        self.vector(content, self.add("Sum", *terms), smooth, output="terms")
        content = (1, CHANNELS[CONTENT], "height8", "width8")
        square = {k: (CHANNELS[name],) * 2 for k, name in enumerate(GRAM, 1)}
        inputs = {**IMAGE, "content": content, "weights": (3,), **{f"matrix{k}": s for k, s in square.items()}}
        own = {"image_content": content, **{f"image_matrix{k}": s for k, s in square.items()}}
        return self.model("styler-gram", inputs, {"terms": (3,), "gradient": IMAGE["image"], **own})

    def style(self, k: int, name: str, x: str) -> tuple[str, str]:
        """With F [C,N] and G = FF'/N: |G - G*|^2 / |G*|^2; by F it is 4 (G - G*) F / N / |G*|^2."""
        flat = self.add("Reshape", x, self.constant([CHANNELS[name], -1], np.int64))
        count = self.add("Div", self.count(flat), self.constant(CHANNELS[name]))
        matrix = self.add("Div", self.add("MatMul", flat, self.transpose(flat)), count, output=f"image_matrix{k}")
        off = self.add("Sub", matrix, f"matrix{k}")
        norm = self.add("Max", self.sum_of_squares(f"matrix{k}"), self.constant(1e-12))
        share = self.constant(GRAM[name] / sum(GRAM.values()))
        term = self.product(share, self.add("Div", self.sum_of_squares(off), norm))
        slope = self.add("Div", self.add("MatMul", self.add("Div", off, norm), flat), count)
        return term, self.add("Reshape", self.product(self.constant(4.0), share, slope), self.add("Shape", x))

    def content(self, x: str) -> tuple[str, str]:
        self.add("Identity", x, output="image_content")
        off = self.add("Sub", x, "content")
        norm = self.add("Max", self.sum_of_squares("content"), self.constant(1e-12))
        return self.add("Div", self.sum_of_squares(off), norm), self.product(self.constant(2.0), self.add("Div", off, norm))

    def smooth(self) -> tuple[str, str]:
        """Mean square difference between neighbours, and its gradient: minus twice the Laplacian, edges repeated."""
        padded = self.add("Pad", "image", self.constant([0, 0, 1, 1, 0, 0, 0, 0], np.int64), mode="edge")
        all_sides = self.add("Pad", "image", self.constant([0, 0, 1, 1, 0, 0, 1, 1], np.int64), mode="edge")
        kernels = np.zeros((3, 1, 2, 2), np.float32), np.zeros((3, 1, 2, 2), np.float32), np.zeros((3, 1, 3, 3), np.float32)
        kernels[0][:, 0] = [[0, 0], [-1, 1]]
        kernels[1][:, 0] = [[0, -1], [0, 1]]
        kernels[2][:, 0] = [[0, 1, 0], [1, -4, 1], [0, 1, 0]]
        across, down, laplacian = (self.constant(k) for k in kernels)
        squares = [self.sum_of_squares(self.add("Conv", padded, kernel, group=3)) for kernel in (across, down)]
        curve = self.add("Div", self.add("Conv", all_sides, laplacian, group=3), self.count("image"))
        return self.add("Div", self.add("Sum", *squares), self.count("image")), self.product(self.constant(-2.0), curve)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--check", type=Path)
    args = parser.parse_args()
    weights = write_shared_weights(args.data, args.out)
    models = {"styler-features": features_model(weights), "styler-match": match_model(), "styler": Neighbours(weights).build(), "styler-gram": Gram(weights).build()}
    for name, model in models.items():
        share_weights(model, args.out / WEIGHTS)
        onnx.save(model, str(args.out / f"{name}.onnx"))
        onnx.checker.check_model(str(args.out / f"{name}.onnx"))
    if args.check:
        styler_check.write(args.data, args.check)


if __name__ == "__main__":
    main()
