"""The folding question of a network: FINN's nodes and legal foldings as tables, and the answer as a folding file.

Rules of FINN+ 1.6.1 that the tables keep: factors divide; a parallel window takes all channels; the weight stream of
a processing element is at most `weight_width_max` bits, or one weight (set_folding.py), and every stream of an HLS node at most 8191
(hlsbackend.py); a pool and the window in front of it work alike (set_folding.py); weights in URAM only on Versal, elsewhere
they would have to be loaded at run time (matrixvectoractivation.py); an RTL matrix unit is folded at least twice
along its width, or it loses data under back pressure. A memory of the weights that the spec asks for is no choice.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from nashc.cost.cost import RESOURCES, Cost
from nashc.cost.fold import RAM_STYLES, Folding, Foldings
from nashc.cost.models import Model
from nashc.cost.nodes import HwNode
from nashc.cost.options import Limits, options
from nashc.cost.parts import dsp_block
from nashc.fold.converters import links
from nashc.fold.goals import Question
from nashc.fold.proof import Further
from nashc.fold.tables import Floats, Ints, Problem, Table

_DISTRIBUTED = RAM_STYLES.index("distributed")
LEAST_SIMD_FOLD = 2
"""MW / SIMD of an RTL matrix unit; its queue overflows at 1 (seen in RTL simulation)."""
_EFFORT, _EFFORT_WITH_CONVERTERS = 2000, 30
"""Nodes of a search tree; with converters the parts of a branch and bound."""


@dataclass(frozen=True)
class _Unit:
    """Nodes that are folded alike: one, or a pool with its window. rows: by node, its folding of each row."""

    nodes: tuple[HwNode, ...]
    rows: tuple[Foldings, ...]


@dataclass(frozen=True, eq=False)
class Hardware:
    """A network's nodes under a cost model, with the limits that the target sets.

    weight_width_max: FINN's mvau_wwidth_max in bits. with_converters: width converters count too, which ties
    neighbours together.
    """

    nodes: tuple[HwNode, ...]
    model: Model
    part: str
    weight_width_max: int
    with_converters: bool = False

    @cached_property
    def problem(self) -> Problem:
        """A table for each unit, in the order of the nodes."""
        number = {node.name: index for index, unit in enumerate(self._units) for node in unit.nodes}
        tables, after = [], []
        for index, unit in enumerate(self._units):
            costs = [
                self.model.cost(node, rows, self.part)
                for node, rows in zip(unit.nodes, unit.rows, strict=True)
            ]
            tables.append(_table(unit, costs))
            read = {number[name] for node in unit.nodes for name in node.inputs}
            after.append(tuple(sorted(read - {index})))
        rows = {
            node.name: of_node
            for unit in self._units
            for node, of_node in zip(unit.nodes, unit.rows, strict=True)
        }
        between = links(self.nodes, rows, number) if self.with_converters else ()
        return Problem(tuple(tables), RESOURCES, between, tuple(after))

    def question(
        self,
        budget: Mapping[str, float],
        prefer: Mapping[str, float],
        further: Further | None = None,
    ) -> Question:
        """budget: by resource, what is not named is free. prefer: weight of each resource's unit among even shares."""
        limits = np.array([budget.get(name, np.inf) for name in RESOURCES], float)
        weights = np.array([prefer.get(name, 0.0) for name in RESOURCES], float)
        effort = _EFFORT_WITH_CONVERTERS if self.with_converters else _EFFORT
        return Question(
            self.problem, limits, (weights,), is_even=True, effort=effort, further=further
        )

    def foldings(self, choice: Ints) -> dict[str, Folding]:
        """The folding of each node, in the order of the nodes."""
        found = {
            node.name: rows[int(row)]
            for unit, row in zip(self._units, choice, strict=True)
            for node, rows in zip(unit.nodes, unit.rows, strict=True)
        }
        return {node.name: found[node.name] for node in self.nodes}

    @cached_property
    def _units(self) -> tuple[_Unit, ...]:
        limits = self._limits()
        legal = {node.name: self._narrow(node, options(node, limits)) for node in self.nodes}
        by_name = {node.name: node for node in self.nodes}
        windows = {
            node.inputs[0]: node
            for node in self.nodes
            if node.kind == "Pool" and by_name[node.inputs[0]].kind == "ConvolutionInputGenerator"
        }
        units = []
        for node in self.nodes:
            if node.name in windows:
                continue  # comes with its pool
            if node.kind == "Pool" and node.inputs[0] in windows:
                window = by_name[node.inputs[0]]
                of_window, of_pool = _alike(legal[window.name], legal[node.name])
                units.append(_Unit((window, node), (of_window, of_pool)))
            else:
                units.append(_Unit((node,), (legal[node.name],)))
        return tuple(units)

    def _limits(self) -> Limits:
        is_versal = dsp_block(self.part) == "DSP58"
        return Limits(
            least_simd_fold=LEAST_SIMD_FOLD,
            ram_styles=("block", "distributed", *(("ultra",) if is_versal else ())),
            window_ram_styles=("distributed", "block", "ultra"),
            res_types=("lut", "dsp"),
        )

    def _narrow(self, node: HwNode, found: Foldings) -> Foldings:
        """Without too wide weights, and without memory in LUTs that the model counts for nothing.

        finn-plus-1.6 has 0 LUT for every MVAU_rtl: weights in distributed memory would seem free.
        """
        if node.kind != "MVAU":
            return found
        bits = node.width("weightDataType")
        found = found.take(found.simd * bits <= max(bits, self.weight_width_max))
        if node.dtype("ram_style") == "distributed":
            return found  # that is what the spec wants
        seems_free = self.model.cost(node, found, self.part).lut == 0
        return found.take(~(seems_free & (found.ram_style == _DISTRIBUTED)))


def _alike(windows: Foldings, pools: Foldings) -> tuple[Foldings, Foldings]:
    """All pairs of a window's and a pool's folding with as many lanes."""
    of_window, of_pool = np.nonzero(windows.simd[:, None] == pools.pe[None, :])
    return windows.take(of_window), pools.take(of_pool)


def _table(unit: _Unit, costs: list[Cost]) -> Table:
    """One table for nodes in a row: the slowest sets the pace, latencies and resources add up."""
    cycles = np.stack([cost.cycles for cost in costs]).astype(float)
    use: Floats = sum(
        (np.stack([getattr(cost, r) for r in RESOURCES], axis=1).astype(float) for cost in costs),
        np.zeros((cycles.shape[1], len(RESOURCES))),
    )
    lanes = np.max([rows.pe * rows.simd for rows in unit.rows], axis=0).astype(float)
    return Table(unit.nodes[-1].name, cycles.max(axis=0), use, cycles.sum(axis=0), lanes)
