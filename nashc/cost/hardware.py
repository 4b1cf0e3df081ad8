"""From the network to the nodes that FINN+ 1.6.1 makes of its integer graph, with their data types minimised.

Follows templates/support/finn/hardware.py (transformation/fpgadataflow/convert_to_hw/*.py of FINN) and widths.py.
Without `ranges` the types are the worst that FINN would assume: weights use their whole bit width, sums and thresholds
all that the types allow; and all batch-norm gains are positive, as they are before training.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from nashc.cost import backends, types
from nashc.cost.backends import AUTO, Wanted
from nashc.cost.integer import Step, integer_graph
from nashc.cost.nodes import HwNode, width
from nashc.cost.ranges import Ranges
from nashc.ir import Graph
from nashc.vocab.datatypes import bounds, weight_bound
from nashc.vocab.names import layer_of

PRODUCTS = ("MatMul", "XnorPopcountMatMul")


def hardware(
    graph: Graph, part: str, ranges: Ranges | None = None, wanted: Wanted = AUTO
) -> tuple[HwNode, ...]:
    """All nodes, producers before consumers.

    graph: after all passes, with a genotype if the spec has cells. part: FPGA part, which decides between HLS and RTL.
    """
    steps = integer_graph(graph, ranges)
    nodes = _Builder(steps, part, ranges, wanted).nodes()
    if wanted.mem_mode != "external" or ranges is None:
        return nodes
    # FINN minimises by the values, chooses HLS or RTL, and then takes the worst sums of weights that come from outside.
    before = {node.name: node for node in nodes}
    return _Builder(steps, part, ranges, wanted, before).nodes()


def fork(
    name: str, shape: tuple[int, ...], dtype: str, streams: int, inputs: tuple[str, ...]
) -> HwNode:
    """One stream becomes several (duplicate_streams.py)."""
    attrs = {
        "NumChannels": shape[-1],
        "numInputVectors": shape[:-1],
        "NumOutputStreams": streams,
        "inputDataType": dtype,
    }
    return HwNode(name, layer_of(name), "DuplicateStreams", "hls", attrs, inputs)


def result_of(node: HwNode) -> tuple[tuple[int, ...], str]:
    """Shape (channels last) and data type of the stream that a node gives."""
    match node.kind:
        case "MVAU":
            return (*node.sizes("numInputVectors"), node["MH"]), node.dtype("outputDataType")
        case "Thresholding":
            shape = (*node.sizes("numInputVectors"), node["NumChannels"])
            return shape, node.dtype("outputDataType")
        case "Pool":
            shape = (1, *node.sizes("OutImgDims"), node["Channels"])
            return shape, node.dtype("OutputDataType")
    assert node.kind.startswith("Elementwise"), node.op_type
    return node.sizes("out_shape"), node.dtype("out_dtype")


class _Builder:
    def __init__(
        self,
        steps: tuple[Step, ...],
        part: str,
        ranges: Ranges | None,
        wanted: Wanted,
        before: Mapping[str, HwNode] | None = None,
    ) -> None:
        """before: the nodes as they were when all types were minimised by the values, if these are no longer read."""
        self._steps = steps
        self._part = part
        self._ranges = ranges
        self._wanted = wanted
        self._before = before
        self._nodes: list[HwNode] = []
        self._dtype: dict[str, str] = {}  # of each tensor
        self._source: dict[str, tuple[str, ...]] = {}  # the node that gives it, none for the image
        self._readers = Counter(name for step in steps for name in step.inputs)
        products = {step.name for step in steps if step.op in PRODUCTS}
        self._absorbed = {  # matrix product -> the activation inside its MVAU
            step.inputs[0]: step
            for step in steps
            if step.op == "MultiThreshold"
            and step.inputs[0] in products
            and self._readers[step.inputs[0]] == 1
        }

    def nodes(self) -> tuple[HwNode, ...]:
        for step in self._steps:
            match step.op:
                case "Input":
                    self._source[step.tensor] = ()
                    self._dtype[step.tensor] = step.dtype
                    self._fork(step.tensor, step.shape)
                case "MatMul" | "XnorPopcountMatMul":
                    self._mvau(step)
                case "MultiThreshold":
                    if step.inputs[0] not in self._absorbed:
                        self._thresholding(step)
                case "MaxPoolNHWC" | "QuantAvgPool2d":
                    self._pool(step)
                case "TopK":
                    self._label_select(step)
                case _:
                    self._elementwise(step)
        return tuple(self._nodes)

    # ---- one step each -------------------------------------------------------------------------

    def _mvau(self, step: Step) -> None:
        """quantized_matrix_vector_activation.py: thresholds that alone read the product go inside."""
        shape, kernel = step.attrs["input_shape"], step.attrs["kernel"]
        channels = shape[-1]
        source = self._source[step.inputs[0]]
        inputs = self._dtype[step.inputs[0]]
        if kernel and (kernel, step.attrs["stride"], step.attrs["pad"]) != (1, 1, 0):
            source = self._window(step, source, inputs, depthwise=0)
        matrix_width = kernel * kernel * channels if kernel else _size(shape)
        act = self._absorbed.get(step.name)
        is_popcount = step.op == "XnorPopcountMatMul"
        weights = "UINT1" if is_popcount else self._weight_type(step)
        known = None
        if self._ranges and not self._before:
            known = self._ranges.accumulators.get(step.name)
        if is_popcount:
            sums = f"UINT{max(2, matrix_width.bit_length())}"
        else:
            sums = types.accumulator(known or types.worst_sums(weights, inputs, matrix_width))
        attrs = {
            "MW": matrix_width,
            "MH": step.shape[-1],
            "numInputVectors": step.shape[:-1],
            "inputDataType": inputs,
            "weightDataType": weights,
            "accDataType": sums,
            "outputDataType": act.dtype if act else sums,
            "noActivation": int(act is None),
            "binaryXnorMode": int(is_popcount),
            **self._wanted.weights,
        }
        if self._before:
            backend = self._before[step.name].backend
        else:
            values = self._weight_values(step)
            backend = backends.of_matrix_unit(attrs, values, self._part, self._wanted)
        self._emit(step.name, "MVAU", backend, attrs, source, act or step)

    def _weight_type(self, step: Step) -> str:
        """±1 takes two bits: FINN's minimisation looks for a type with -1 and 1 in it and finds INT2."""
        low, high = self._weight_values(step)
        chosen = types.of_range((low, high))
        if chosen not in ("UINT1", "BIPOLAR"):
            return chosen
        return "INT2" if low <= 0 <= high else "BIPOLAR"  # finn/single_bits.py, widen_weights

    def _weight_values(self, step: Step) -> types.Range:
        """The smallest and the largest weight."""
        limit = weight_bound(step.attrs["weight_bits"])
        known = self._ranges.weights.get(step.name) if self._ranges else None
        return known or (-limit, limit)

    def _thresholding(self, step: Step) -> None:
        inputs = self._dtype[step.inputs[0]]
        values = self._ranges.thresholds.get(step.name) if self._ranges else None
        if values and self._before:
            values = types.clipped(values, self._before[step.name].dtype("inputDataType"))
        backend = backends.of_thresholding(self._wanted)
        attrs = {
            "NumChannels": step.shape[-1],
            "numSteps": step.attrs["levels"],
            "numInputVectors": step.shape[:-1],
            "inputDataType": inputs,
            "weightDataType": types.thresholds(inputs, values, is_rtl=backend == "rtl"),
            "outputDataType": step.dtype,
        }
        self._emit(step.name, "Thresholding", backend, attrs, self._source[step.inputs[0]], step)

    def _pool(self, step: Step) -> None:
        """pool.py: a sliding window, channel by channel, and the pool proper."""
        inputs = self._dtype[step.inputs[0]]
        source = self._window(step, self._source[step.inputs[0]], inputs, depthwise=1)
        attrs = {
            "Channels": step.shape[-1],
            "KernelSize": (step.attrs["kernel"],) * 2,
            "OutImgDims": step.shape[1:3],
            "Function": "MaxPool" if step.op == "MaxPoolNHWC" else "QuantAvgPool",
            "InputDataType": inputs,
            "OutputDataType": step.dtype or inputs,
        }
        self._emit(step.name, "Pool", "hls", attrs, source, step)

    def _elementwise(self, step: Step) -> None:
        left = self._dtype[step.inputs[0]]
        if step.op == "Add":
            right = self._dtype[step.inputs[1]]
            result = types.sum_of(left, right)
        else:
            # Constants per channel: ±1, or 0 and the largest value (finn/widths.py, _narrow_with_constant).
            low, high = bounds(left)
            right = types.of_constant(step.attrs["constant"])
            result = _signed_product(low, high) if step.op == "Mul" else f"UINT{width(left)}"
        attrs = {
            "out_shape": step.shape,
            "lhs_dtype": left,
            "rhs_dtype": right,
            "out_dtype": result,
            "rhs_style": "input" if step.op == "Add" else "const",
        }
        source = tuple(name for tensor in step.inputs for name in self._source[tensor])
        self._emit(step.name, f"Elementwise{step.op}", "hls", attrs, source, step)

    def _label_select(self, step: Step) -> None:
        tensor = step.inputs[0]
        product = next(s for s in self._steps if s.tensor == tensor)
        attrs = {
            "Labels": product.shape[-1],
            "K": 1,
            "inputDataType": self._dtype[tensor],
            "outputDataType": step.dtype,
        }
        self._emit(step.name, "LabelSelect", "hls", attrs, self._source[tensor], step)

    # ---- pieces --------------------------------------------------------------------------------

    def _window(
        self, step: Step, source: tuple[str, ...], dtype: str, depthwise: int
    ) -> tuple[str, ...]:
        """conv_inp_gen.py: padding, if any, and the sliding window; gives the node to read from."""
        _, height, width_, channels = step.attrs["input_shape"]
        pad, kernel, stride = step.attrs["pad"], step.attrs["kernel"], step.attrs["stride"]
        if pad:
            attrs = {
                "ImgDim": (height, width_),
                "Padding": (pad,) * 4,
                "NumChannels": channels,
                "inputDataType": dtype,
            }
            source = self._add(f"{step.name}.pad", "FMPadding", "rtl", attrs, source)
        attrs = {
            "ConvKernelDim": (kernel, kernel),
            "IFMChannels": channels,
            "IFMDim": (height + 2 * pad, width_ + 2 * pad),
            "OFMDim": step.shape[1:3],
            "Stride": (stride, stride),
            "Dilation": (1, 1),
            "inputDataType": dtype,
            "depthwise": depthwise,
        }
        return self._add(f"{step.name}.window", "ConvolutionInputGenerator", "rtl", attrs, source)

    def _emit(
        self,
        name: str,
        kind: str,
        backend: str,
        attrs: dict[str, Any],
        source: tuple[str, ...],
        result: Step,
    ) -> None:
        """The node that gives the tensor of `result`, and a fork behind it where several read that."""
        self._source[result.tensor] = self._add(name, kind, backend, attrs, source)
        names = ("outputDataType", "OutputDataType", "out_dtype")
        self._dtype[result.tensor] = next(attrs[key] for key in names if key in attrs)
        self._fork(result.tensor, result.shape)

    def _fork(self, tensor: str, shape: tuple[int, ...]) -> None:
        """duplicate_streams.py."""
        readers = self._readers[tensor]
        if readers < 2:
            return
        # Of one name before training and after it, whether channels of a pool were turned round or not.
        name = f"{tensor.removesuffix('.turned.magnitude')}.fork"
        self._nodes.append(
            fork(name, shape, self._dtype[tensor], readers, inputs=self._source[tensor])
        )
        self._source[tensor] = (name,)

    def _add(
        self, name: str, kind: str, backend: str, attrs: dict[str, Any], source: tuple[str, ...]
    ) -> tuple[str, ...]:
        self._nodes.append(HwNode(name, layer_of(name), kind, backend, attrs, source))
        return (name,)


def _signed_product(low: int, high: int) -> str:
    """Type of ±1 times a value of the range."""
    reach = max(high, -low)
    return f"INT{max(reach.bit_length(), (reach - 1).bit_length()) + 1}"


def _size(shape: tuple[int, ...]) -> int:
    size = 1
    for side in shape[1:]:
        size *= side
    return size
