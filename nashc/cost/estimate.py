"""The figures of a whole network: throughput, FINN's latency, resources, the slowest node, share of the board."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any

from nashc.cost.cost import RESOURCES
from nashc.cost.fold import Folding, one
from nashc.cost.models import Model
from nashc.cost.nodes import HwNode
from nashc.vocab.boards import Board


@dataclass(frozen=True)
class NodeCost:
    """One node in its folding; cycles of one frame, and resources, of which `unknown` have no count and stand as 0."""

    node: HwNode
    folding: Folding
    cycles: int
    lut: int
    bram18: int
    uram: int
    dsp: int
    unknown: frozenset[str] = frozenset()

    def resource(self, name: str) -> int | None:
        """None where the model has no count."""
        if name in self.unknown:
            return None
        count: int = getattr(self, name)
        return count


@dataclass(frozen=True)
class Estimate:
    """model: its name. critical_path: cycles of the nodes on the longest path, added up, which is FINN's latency.

    latency_cycles: the model's own; latency_means: what it means by that.
    """

    model: str
    nodes: tuple[NodeCost, ...]
    critical_path: int
    clock_ns: float
    latency_cycles: int
    latency_means: str

    @property
    def slowest(self) -> NodeCost:
        return max(self.nodes, key=lambda row: row.cycles)

    @property
    def cycles(self) -> int:
        """Clock cycles between two frames."""
        return self.slowest.cycles

    @property
    def fps(self) -> float:
        return 1e9 / self.clock_ns / self.cycles

    @property
    def latency_ms(self) -> float:
        return self.latency_cycles * self.clock_ns / 1e6

    def total(self, resource: str) -> int:
        """What is known of it, added up."""
        return sum(getattr(row, resource) for row in self.nodes)

    @property
    def not_counted(self) -> dict[str, list[str]]:
        """By resource, the op types of the network that need it and have no count."""
        missing = {
            name: sorted({row.node.op_type for row in self.nodes if name in row.unknown})
            for name in RESOURCES
        }
        return {name: kinds for name, kinds in missing.items() if kinds}

    def shares(self, board: Board) -> dict[str, float] | None:
        """Part of the board that each resource takes, 1 is all of it; None where FINN does not know the board.

        What is needed though the board has none of it takes infinitely much.
        """
        if board.resources is None:
            return None
        shares = {}
        for name in RESOURCES:
            used, there = self.total(name), getattr(board.resources, name)
            shares[name] = used / there if there else (float("inf") if used else 0.0)
        return shares


def estimate(
    nodes: tuple[HwNode, ...],
    foldings: Mapping[str, Folding],
    model: Model,
    part: str,
    clock_ns: float,
) -> Estimate:
    """Cost of every node in its folding, and of all together."""
    rows: list[NodeCost] = []
    reached: dict[str, int] = {}
    known: dict[Hashable, dict[str, int]] = {}
    for node in nodes:
        folding = foldings[node.name]
        key = (node.signature, folding)
        counts = known.get(key)
        if counts is None:
            counts = known[key] = model.cost(node, one(folding), part).row(0)
        row = NodeCost(node, folding, **counts, unknown=model.unknown(node, part))
        rows.append(row)
        before = max((reached[name] for name in node.inputs), default=0)
        reached[node.name] = before + row.cycles
    critical_path = max(reached.values())
    if model.between:
        interval = max(row.cycles for row in rows)
        rows = _with_between(rows, model.between(nodes, foldings, interval, part))
    latency = model.latency(nodes, foldings) if model.latency else critical_path
    return Estimate(model.name, tuple(rows), critical_path, clock_ns, latency, model.latency_means)


def _with_between(
    rows: list[NodeCost], between: list[tuple[HwNode, dict[str, int]]]
) -> list[NodeCost]:
    """FIFOs and converters before the nodes that read from them."""
    before: dict[str, list[NodeCost]] = {}
    for node, counts in between:
        reader = node.name.rsplit(".", 1)[0]
        row = NodeCost(node, Folding(), unknown=frozenset(), **counts)
        before.setdefault(reader, []).append(row)
    return [each for row in rows for each in (*before.get(row.node.name, ()), row)]


def nodes_json(found: Estimate) -> list[dict[str, Any]]:
    """Each node with its folding under FINN's names."""
    return [
        {
            "name": row.node.name,
            "layer": row.node.layer,
            "op": row.node.op_type,
            "cycles": row.cycles,
            **{name: row.resource(name) for name in RESOURCES},
            "folding": row.folding.attributes(row.node) | _depth(row.node),
        }
        for row in found.nodes
    ]


def _depth(node: HwNode) -> dict[str, int]:
    return {"depth": node["depth"]} if node.kind == "StreamingFIFO" else {}
