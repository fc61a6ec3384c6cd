"""MediaPipe's selfie segmentation (Apache 2.0) as ONNX, checked against the TFLite interpreter.

    npm pack @mediapipe/selfie_segmentation && tar xzf mediapipe-selfie_segmentation-*.tgz
    python segmenter.py --tflite package --out RUN --pictures PICTURE... --masks FOLDER

Each operator becomes its ONNX counterpart; weights stay half floats, as they are in the TFLite files, and are cast when the network
is opened. `image` [1,3,H,W] in [0,1] is the whole picture, stretched; `mask` [1,1,H,W] in [0,1] is how surely a place shows a person.
`--masks` writes what the interpreter makes of the pictures, as 8-bit PNG, for the test of the program.
"""

import argparse
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from flatbuffers import Builder
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

NETWORKS = {"segmenter": "selfie_segmentation", "segmenter-wide": "selfie_segmentation_landscape"}
NAMES = {code: name for name, code in vars(schema.BuiltinOperator).items() if isinstance(code, int)}
TYPES = {schema.TensorType.FLOAT32: np.float32, schema.TensorType.FLOAT16: np.float16, schema.TensorType.INT32: np.int32}
# How far apart the two runtimes may be: they add in another order.
TOLERANCE = 1e-3


def kind(model, operator) -> str:
    code = model.operatorCodes[operator.opcodeIndex]
    return code.customCode.decode() if code.customCode else NAMES[max(code.builtinCode, code.deprecatedBuiltinCode)]


class Converter:
    """Writes a graph node by node; tensors keep their number as their name."""

    def __init__(self, model):
        self.model, self.graph = model, model.subgraphs[0]
        self.nodes, self.weights, self.shapes = [], [], {}

    def constant(self, name: str, values: np.ndarray) -> str:
        if values.dtype == np.float16:
            self.weights.append(numpy_helper.from_array(values, f"{name}.half"))
            return self.add("Cast", [f"{name}.half"], name, to=TensorProto.FLOAT)
        self.weights.append(numpy_helper.from_array(values, name))
        return name

    def add(self, what: str, inputs: list, output: str, **attributes) -> str:
        self.nodes.append(helper.make_node(what, inputs, [output], **attributes))
        return output

    def values(self, index: int) -> np.ndarray:
        tensor = self.graph.tensors[index]
        data = self.model.buffers[tensor.buffer].data
        return np.frombuffer(bytes(data), TYPES[tensor.type]).reshape(tensor.shape)

    def kernel(self, index: int, order: tuple) -> str:
        return self.constant(f"t{index}", self.halves[index].transpose(order))

    def run(self) -> onnx.ModelProto:
        graph = self.graph
        self.halves = {}
        self.add("Identity", ["image"], f"t{graph.inputs[0]}")
        for operator in graph.operators:
            self.convert(kind(self.model, operator), operator)
        self.add("Identity", [f"t{graph.outputs[0]}"], "mask")
        height, width = map(int, graph.tensors[graph.inputs[0]].shape[1:3])
        value = lambda name, channels: helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, channels, height, width])
        made = helper.make_graph(self.nodes, "segmenter", [value("image", 3)], [value("mask", 1)], self.weights)
        model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        onnx.checker.check_model(model, full_check=True)
        return model

    def convert(self, what: str, operator) -> None:
        options, graph = operator.builtinOptions, self.graph
        inputs, output = [f"t{i}" for i in operator.inputs], f"t{operator.outputs[0]}"
        shape = lambda index: [int(side) for side in graph.tensors[index].shape]
        if getattr(options, "fusedActivationFunction", 0):
            raise ValueError(f"{what} with an activation")
        match what:
            case "DEQUANTIZE":
                self.halves[operator.outputs[0]] = self.values(operator.inputs[0])
            case "CONV_2D" | "DEPTHWISE_CONV_2D":
                deep = what == "DEPTHWISE_CONV_2D"
                _, rows, columns, _ = shape(operator.inputs[0])
                kernel, strides = shape(operator.inputs[1])[1:3], [options.strideH, options.strideW]
                pads = [0, 0]
                if options.padding == schema.Padding.SAME:
                    pads = [max(k - s if side % s == 0 else k - side % s, 0) for side, k, s in zip([rows, columns], kernel, strides, strict=True)]
                before, after = [p // 2 for p in pads], [p - p // 2 for p in pads]
                weights = self.kernel(operator.inputs[1], (3, 0, 1, 2) if deep else (0, 3, 1, 2))
                bias = self.constant(inputs[2], self.halves[operator.inputs[2]])
                group = shape(operator.inputs[0])[3] if deep else 1
                self.add("Conv", [inputs[0], weights, bias], output, kernel_shape=kernel, strides=strides, pads=before + after, group=group)
            case "Convolution2DTransposeBias":
                weights = self.kernel(operator.inputs[1], (3, 0, 1, 2))
                bias = self.constant(inputs[2], self.halves[operator.inputs[2]])
                self.add("ConvTranspose", [inputs[0], weights, bias], output, kernel_shape=[2, 2], strides=[2, 2])
            case "MEAN":
                self.add("GlobalAveragePool", inputs[:1], output)
            case "AVERAGE_POOL_2D":
                if [options.filterHeight, options.filterWidth] != shape(operator.inputs[0])[1:3]:
                    raise ValueError("only the mean of the whole picture is converted")
                self.add("GlobalAveragePool", inputs, output)
            case "RESIZE_BILINEAR":
                (_, rows, columns, _), (_, tall, wide, _) = shape(operator.inputs[0]), shape(operator.outputs[0])
                scales = self.constant(f"{output}.scales", np.array([1, 1, tall / rows, wide / columns], np.float32))
                mode = "half_pixel" if options.halfPixelCenters else "align_corners" if options.alignCorners else "asymmetric"
                self.add("Resize", [inputs[0], "", scales], output, mode="linear", coordinate_transformation_mode=mode)
            case "ADD" | "MUL" | "RELU" | "LOGISTIC" | "HARD_SWISH":
                name = {"ADD": "Add", "MUL": "Mul", "RELU": "Relu", "LOGISTIC": "Sigmoid", "HARD_SWISH": "HardSwish"}[what]
                self.add(name, inputs, output)
            case _:
                raise ValueError(f"no counterpart of {what}")


def interpreted(content: bytes, images: list[np.ndarray]) -> list[np.ndarray]:
    """What the TFLite interpreter makes of them, NHWC. Its build lacks MediaPipe's own operator, which is TRANSPOSE_CONV with a bias."""
    model = schema.ModelT.InitFromPackedBuf(content, 0)
    graph = model.subgraphs[0]
    code = next(code for code in model.operatorCodes if code.customCode)
    code.customCode, code.version = None, 3
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.TRANSPOSE_CONV
    operator = next(o for o in graph.operators if model.operatorCodes[o.opcodeIndex] is code)
    size, buffer = schema.TensorT(), schema.BufferT()
    buffer.data = np.frombuffer(np.array(graph.tensors[operator.outputs[0]].shape, np.int32).tobytes(), np.uint8)
    model.buffers.append(buffer)
    size.shape, size.type, size.buffer, size.name = [4], schema.TensorType.INT32, len(model.buffers) - 1, b"size"
    graph.tensors.append(size)
    picture, weights, bias = operator.inputs
    operator.inputs = [len(graph.tensors) - 1, weights, picture, bias]
    options = schema.TransposeConvOptionsT()
    options.padding, options.strideH, options.strideW = schema.Padding.SAME, 2, 2
    operator.builtinOptionsType, operator.builtinOptions = schema.BuiltinOptions.TransposeConvOptions, options
    operator.customOptions = None
    builder = Builder(len(content))
    builder.Finish(model.Pack(builder), b"TFL3")
    # Without the delegate, which may compute with half floats.
    interpreter = Interpreter(
        model_content=bytes(builder.Output()), experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    )
    interpreter.allocate_tensors()
    found = []
    for image in images:
        interpreter.set_tensor(interpreter.get_input_details()[0]["index"], image)
        interpreter.invoke()
        found.append(interpreter.get_tensor(interpreter.get_output_details()[0]["index"]).copy())
    return found


def read(path: Path, size: tuple[int, int]) -> np.ndarray:
    """Of a picture that is as wide as the network the upper part; any other is stretched."""
    picture = Image.open(path).convert("RGB")
    upper = picture.width == size[0] and picture.height >= size[1]
    return np.asarray(picture.crop((0, 0, *size)) if upper else picture.resize(size, Image.Resampling.BOX), np.float32)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tflite", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--pictures", type=Path, nargs="+", required=True)
    parser.add_argument("--masks", type=Path)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    for name, source in NETWORKS.items():
        content = (options.tflite / f"{source}.tflite").read_bytes()
        model = Converter(schema.ModelT.InitFromPackedBuf(content, 0)).run()
        height, width = (d.dim_value for d in model.graph.input[0].type.tensor_type.shape.dim[2:])
        images = [read(path, (width, height))[None] / 255 for path in options.pictures]
        images.append(np.random.default_rng(1).random((1, height, width, 3), np.float32))
        session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
        ours = [session.run(["mask"], {"image": image.transpose(0, 3, 1, 2)})[0] for image in images]
        theirs = [mask.transpose(0, 3, 1, 2) for mask in interpreted(content, images)]
        off = max(float(np.abs(a - b).max()) for a, b in zip(ours, theirs, strict=True))
        print(f"{name}: {height}x{width}, at most {off:.1e} from the interpreter on {len(images)} pictures")
        if off > TOLERANCE:
            raise SystemExit(f"{name} is not what the interpreter makes of it")
        onnx.save(model, options.out / f"{name}.onnx")
        if options.masks:
            for path, mask in zip(options.pictures, theirs[:-1], strict=True):
                Image.fromarray((mask[0, 0] * 255 + 0.5).astype(np.uint8)).save(options.masks / f"{name}-{path.stem}.png", optimize=True)


if __name__ == "__main__":
    main()
