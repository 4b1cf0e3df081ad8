"""The integer graph that a compiled project's `lowering.py` builds, without its numbers.

It follows templates/support/integers/graph.py step by step: batch norms vanish into thresholds, max-pools wait until
their input is quantised, what no output needs is left out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from math import prod
from typing import Any

from nashc.cost.nodes import width
from nashc.cost.ranges import Ranges
from nashc.ir import Graph, Node
from nashc.vocab.datatypes import bounds

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Step:
    """One node of the integer graph; its output tensor has its name, except that of AbsDiff.

    op: Input, MatMul, XnorPopcountMatMul, MultiThreshold, Add, Mul, AbsDiff, MaxPoolNHWC, QuantAvgPool2d or TopK. shape: of the result, NHWC or NC.
    dtype: of the result where the integer graph fixes it, else empty.
    """

    name: str
    op: str
    inputs: tuple[str, ...]
    shape: Shape
    dtype: str = ""
    attrs: dict[str, Any] = field(default_factory=dict)

    @property
    def tensor(self) -> str:
        return f"{self.name}.magnitude" if self.op == "AbsDiff" else self.name


@dataclass(frozen=True)
class _Value:
    tensor: str
    shape: Shape
    is_quantised: bool
    pools: tuple[Node, ...] = ()


def integer_graph(graph: Graph, ranges: Ranges | None) -> tuple[Step, ...]:
    """The steps in order; the first is the image (op Input), the last TopK."""
    builder = _Builder(graph, ranges)
    for node in graph.nodes:
        _BUILD[node.op](builder, node)
    result = builder.values[graph.output.name]
    builder.steps.append(Step("classify", "TopK", (result.tensor,), (1, 1), "UINT32"))
    return _pruned(builder.steps)


def kinds(steps: tuple[Step, ...]) -> dict[str, str]:
    """Of each matrix product and activation that has a range of values: `INT4 144x16`, rows times columns, or `UINT4`."""
    found = {}
    for step in steps:
        if step.op == "MatMul":
            bits, kernel, shape = (
                step.attrs[it] for it in ("weight_bits", "kernel", "input_shape")
            )
            rows = kernel**2 * shape[-1] if kernel else prod(shape[1:])
            found[step.name] = f"{'BIPOLAR' if bits == 1 else f'INT{bits}'} {rows}x{step.shape[-1]}"
        elif step.op == "MultiThreshold":
            found[step.name] = "BINARY" if step.dtype == "UINT1" else step.dtype  # QONNX's name
    return found


def _pruned(steps: list[Step]) -> tuple[Step, ...]:
    wanted, kept = {steps[-1].name}, []
    for step in reversed(steps):
        if step.tensor in wanted or step.op == "Input":
            kept.append(step)
            wanted.update(step.inputs)
    return tuple(reversed(kept))


class _Builder:
    def __init__(self, graph: Graph, ranges: Ranges | None) -> None:
        self.graph = graph
        self.ranges = ranges
        self.steps: list[Step] = []
        self.values: dict[str, _Value] = {}
        self.bits: dict[str, int] = {}  # of activations, pooled or not
        self._names: set[str] = set()

    def source(self, node: Node, port: int = 0) -> _Value:
        return self.values[node.inputs[port]]

    def step(
        self, name: str, op: str, inputs: tuple[str, ...], shape: Shape, dtype: str, **attrs: Any
    ) -> str:
        made = Step(name, op, inputs, shape, dtype, attrs)
        self.steps.append(made)
        # Of unsigned activations; what else is read keeps the bits of its first input, or has none yet.
        given = width(dtype) if dtype else self.bits.get(inputs[0], 0)
        self.bits[made.tensor] = given if op in _KEEP_BITS else 0
        self._names.add(made.tensor)
        return made.tensor

    def as_two_bits(self, x: _Value) -> _Value:
        """The same {0, 1} in a wider type: FINN's matrix units take single bits on both sides or on none."""
        if self.bits[x.tensor] != 1:
            return x
        name = f"{x.tensor.removesuffix('.turned.magnitude')}.uint2"
        if name not in self._names:
            self.step(name, "MultiThreshold", (x.tensor,), x.shape, "UINT2", levels=3)
        return replace(x, tensor=name)

    def unused(self, name: str) -> str:
        """A pool that two activations share is done once for each."""
        candidates = (name, *(f"{name}.{n}" for n in range(1, len(self._names) + 1)))
        return next(candidate for candidate in candidates if candidate not in self._names)


_KEEP_BITS = ("Input", "MultiThreshold", "MaxPoolNHWC", "QuantAvgPool2d", "AbsDiff")


def _input(b: _Builder, node: Node) -> None:
    tensor = b.step(node.name, "Input", (), node.shape, node.dtype)
    b.values[node.name] = _Value(tensor, node.shape, is_quantised=True)


def _conv(b: _Builder, node: Node) -> None:
    x, p = b.source(node), node.params
    weight_bits = p["weight_bits"]
    if weight_bits > 1:
        x = b.as_two_bits(x)
    window = {"kernel": p["kernel"], "stride": p["stride"], "pad": p["pad"]}
    if x.shape[1:3] == node.shape[1:3] == (1, 1):
        window = {"kernel": 1, "stride": 1, "pad": 0}  # all but one pixel of the window is padding
    # Only two single bits make a popcount: `as_two_bits` has seen to the rest.
    op = "XnorPopcountMatMul" if b.bits[x.tensor] == 1 else "MatMul"
    more = {**window, "input_shape": x.shape, "weight_bits": weight_bits}
    tensor = b.step(node.name, op, (x.tensor,), node.shape, "", **more)
    b.values[node.name] = _Value(tensor, node.shape, is_quantised=False)


def _linear(b: _Builder, node: Node) -> None:
    x = b.as_two_bits(b.source(node))
    tensor = b.step(
        node.name,
        "MatMul",
        (x.tensor,),
        node.shape,
        "",
        input_shape=x.shape,
        kernel=0,
        stride=1,
        pad=0,
        weight_bits=node.params["weight_bits"],
    )
    b.values[node.name] = _Value(tensor, node.shape, is_quantised=False)


def _batchnorm(b: _Builder, node: Node) -> None:
    x = b.source(node)
    if b.ranges and node.name in b.ranges.signs:
        constant = b.ranges.signs[node.name]
        tensor = b.step(node.name, "Mul", (x.tensor,), x.shape, "", constant=constant)
        x = replace(x, tensor=tensor)
    b.values[node.name] = x


def _act(b: _Builder, node: Node) -> None:
    x = b.source(node)
    before = x.pools[0].inputs[0] if x.pools else ""
    shape = b.values[before].shape if before else x.shape
    low, high = bounds(node.dtype)
    # Signed activations are narrow: one level less (support/layers/quantisers.py, JoinAct).
    levels = high - low - (1 if low < 0 else 0)
    tensor = b.step(node.name, "MultiThreshold", (x.tensor,), shape, node.dtype, levels=levels)
    for pool in x.pools:
        tensor = _pool(b, b.unused(pool.name), tensor, b.graph.node(pool.inputs[0]).shape, pool)
    if x.pools and b.ranges and tensor in b.ranges.turned:
        constant = b.ranges.turned[tensor]
        name = f"{tensor}.turned"
        tensor = b.step(name, "AbsDiff", (tensor,), node.shape, "", constant=constant)
    b.values[node.name] = _Value(tensor, node.shape, is_quantised=True)


def _maxpool(b: _Builder, node: Node) -> None:
    x = b.source(node)
    if x.is_quantised:
        tensor = _pool(b, node.name, x.tensor, x.shape, node)
        b.values[node.name] = replace(x, tensor=tensor, shape=node.shape)
    else:
        b.values[node.name] = replace(x, shape=node.shape, pools=(*x.pools, node))


def _pool(b: _Builder, name: str, tensor: str, shape: Shape, pool: Node) -> str:
    p = pool.params
    if shape[1:3] == pool.shape[1:3] == (1, 1):
        return tensor
    return b.step(
        name,
        "MaxPoolNHWC",
        (tensor,),
        pool.shape,
        "",
        input_shape=shape,
        kernel=p["window"],
        stride=p["stride"],
        pad=p["pad"],
    )


def _add(b: _Builder, node: Node) -> None:
    """FINN adds two at a time."""
    total, *rest = (b.values[name].tensor for name in node.inputs)
    for index, tensor in enumerate(rest, 1):
        name = node.name if index == len(rest) else f"{node.name}.partial{index}"
        total = b.step(name, "Add", (total, tensor), node.shape, "")
    b.values[node.name] = _Value(total, node.shape, is_quantised=True)


def _avgpool(b: _Builder, node: Node) -> None:
    """Over the whole image, as a sum cut off; as thresholds where that cannot give it."""
    x = b.source(node)
    side, kept = x.shape[1], node.params["bits"]
    top = bounds(b.graph.node(node.inputs[0]).dtype)[1]
    highest = top * side * side
    cut = (highest - 1).bit_length() - kept
    shape = (1, 1, 1, x.shape[-1])
    window = {"input_shape": x.shape, "kernel": side, "stride": side, "pad": 0}
    if side == 1 and cut <= 0 and top > 1:
        b.values[node.name] = x
        return
    if side > 1 and kept > 1 and highest & (highest - 1):
        tensor = b.step(node.name, "QuantAvgPool2d", (x.tensor,), shape, f"UINT{kept}", **window)
        b.values[node.name] = _Value(tensor, shape, is_quantised=True)
        return
    total = x.tensor
    if side > 1:
        name, dtype = f"{node.name}.partial0", f"UINT{highest.bit_length()}"
        total = b.step(name, "QuantAvgPool2d", (total,), shape, dtype, **window)
    levels = 2**kept - 1
    tensor = b.step(node.name, "MultiThreshold", (total,), shape, f"UINT{kept}", levels=levels)
    b.values[node.name] = _Value(tensor, shape, is_quantised=True)


_BUILD: dict[str, Callable[[_Builder, Node], None]] = {
    "input": _input,
    "conv": _conv,
    "linear": _linear,
    "batchnorm": _batchnorm,
    "act": _act,
    "maxpool": _maxpool,
    "add": _add,
    "avgpool": _avgpool,
}
