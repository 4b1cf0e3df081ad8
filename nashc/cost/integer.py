"""The integer graph that a compiled project's `lowering.py` builds, without its numbers.

It follows templates/support/integer_graph.py step by step: batch norms vanish into thresholds, max-pools wait until
their input is quantised, what no output needs is left out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from nashc.cost.nodes import width
from nashc.cost.ranges import Ranges
from nashc.ir import Graph, Node
from nashc.vocab.datatypes import bounds

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Step:
    """One node of the integer graph; its output tensor has its name, except that of AbsDiff.

    op: MatMul, MultiThreshold, Add, Mul, AbsDiff, MaxPoolNHWC, QuantAvgPool2d or TopK. shape: of the result, NHWC or NC.
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
        self._names: set[str] = set()

    def source(self, node: Node, port: int = 0) -> _Value:
        return self.values[node.inputs[port]]

    def step(
        self, name: str, op: str, inputs: tuple[str, ...], shape: Shape, dtype: str, **attrs: Any
    ) -> str:
        made = Step(name, op, inputs, shape, dtype, attrs)
        self.steps.append(made)
        self._names.add(made.tensor)
        return made.tensor

    def unused(self, name: str) -> str:
        """A pool that two activations share is done once for each."""
        candidates = (name, *(f"{name}.{n}" for n in range(1, len(self._names) + 1)))
        return next(candidate for candidate in candidates if candidate not in self._names)


def _input(b: _Builder, node: Node) -> None:
    tensor = b.step(node.name, "Input", (), node.shape, node.dtype)
    b.values[node.name] = _Value(tensor, node.shape, is_quantised=True)


def _conv(b: _Builder, node: Node) -> None:
    x, p = b.source(node), node.params
    tensor = b.step(
        node.name,
        "MatMul",
        (x.tensor,),
        node.shape,
        "",
        input_shape=x.shape,
        kernel=p["kernel"],
        stride=p["stride"],
        pad=p["pad"],
        weight_bits=p["weight_bits"],
    )
    b.values[node.name] = _Value(tensor, node.shape, is_quantised=False)


def _linear(b: _Builder, node: Node) -> None:
    x = b.source(node)
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
    # Signed activations are narrow: one level less (support/quantisers.py, JoinAct).
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
    inputs = tuple(b.values[name].tensor for name in node.inputs)
    tensor = b.step(node.name, "Add", inputs, node.shape, "")
    b.values[node.name] = _Value(tensor, node.shape, is_quantised=True)


def _avgpool(b: _Builder, node: Node) -> None:
    """Over the whole image; a 1x1 image whose bits are all kept needs nothing."""
    x = b.source(node)
    side, bits = x.shape[1], node.params["bits"]
    given = width(b.graph.node(node.inputs[0]).dtype)
    shift = max(0, ((2**given - 1) * side * side).bit_length() - bits)
    if side == 1 and shift == 0:
        b.values[node.name] = x
        return
    shape = (1, 1, 1, x.shape[-1])
    tensor = b.step(
        node.name,
        "QuantAvgPool2d",
        (x.tensor,),
        shape,
        f"UINT{bits}",
        input_shape=x.shape,
        kernel=side,
        stride=side,
        pad=0,
    )
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
