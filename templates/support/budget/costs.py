"""What every network of the search space costs in hardware, read from settings/ and added up. Pure Python.

The numbers are exact, not fitted: a network's cost is what `nashc estimate` says of it. Costs are sums over parts:

    fixed     what no choice changes: the backbone, and the adds of the cells
    options   the branch that an op from an earlier node makes, its share of the join included
    values    what reading a node takes: its activation, when there is a reader at all, and the forks of its stream

Figures are cycles, lut, bram18, uram and dsp; of the cycles, the largest of all parts counts instead of the sum.
FINN folds all parts for one pace, the cycles of a frame: the target's, unless some part cannot keep it. Then all are folded
for the slowest one's pace, and every part has its cost at each pace that may come about.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from support.progress import StageError

FIGURES = ("cycles", "lut", "bram18", "uram", "dsp")
Vector = tuple[int, ...]
"""One number for each of FIGURES."""


@dataclass(frozen=True)
class Part:
    """slowest: the fewest cycles that it can do; cost: at each pace."""

    slowest: int
    cost: tuple[Vector, ...]

    @staticmethod
    def of(data: Mapping[str, Any]) -> Part:
        return Part(data["slowest"], tuple(map(tuple, data["cost"])))


@dataclass(frozen=True)
class Option:
    """What a node may keep. reads: the value that it takes; is_wide: in two bits where the value has one."""

    op: str
    source: int
    reads: str
    is_wide: bool
    part: Part


class Kept(Protocol):
    """A choice of support/derivation/cells.py."""

    @property
    def node(self) -> int: ...
    @property
    def op(self) -> str: ...
    @property
    def source(self) -> int: ...


Value = tuple[tuple[Part, ...], ...]
"""What a value costs by its readers: [as it is][in two bits]; more readers than there are rows cost as many as the last."""


@dataclass(frozen=True)
class SearchCosts:
    """paces: cycles, rising. options: by cell, node, and (op, source)."""

    paces: tuple[int, ...]
    fixed: Part
    options: dict[str, dict[int, dict[tuple[str, int], Option]]]
    values: dict[str, Value]

    @staticmethod
    def of(data: Mapping[str, Any]) -> SearchCosts:
        """From the content of settings/search_costs.json (for search.py) or settings/derive.json (for derive.py)."""
        options: dict[str, dict[int, dict[tuple[str, int], Option]]] = {}
        for it in data["options"]:
            of_node = options.setdefault(it["cell"], {}).setdefault(it["node"], {})
            option = Option(it["op"], it["from"], it["reads"], it["is_wide"], Part.of(it))
            of_node[option.op, option.source] = option
        values = {it["name"]: value_of(it["parts"]) for it in data["values"]}
        return SearchCosts(tuple(data["paces"]), Part.of(data["fixed"]), options, values)

    def option(self, cell: str, node: int, op: str, source: int) -> Option:
        """Errors: StageError where the costs do not know it."""
        try:
            return self.options[cell][node][op, source]
        except KeyError as error:
            raise StageError(
                f"the costs in settings/ have no {op} from {source} into node {node} of {cell}",
                "compile the spec again: they belong to another search space",
            ) from error

    def of_network(self, options: Iterable[Option]) -> dict[str, int]:
        """The figures of the network that keeps these, one for each node of each cell."""
        parts = [self.fixed]
        readers: dict[str, list[int]] = {name: [0, 0] for name in self.values}
        for option in options:
            parts.append(option.part)
            readers[option.reads][option.is_wide] += 1
        parts += [self.value(name, *counts) for name, counts in readers.items()]
        pace = self.pace(max(part.slowest for part in parts))
        return dict(zip(FIGURES, total([part.cost[pace] for part in parts]), strict=True))

    def value(self, name: str, readers: int, wide_readers: int) -> Part:
        return read(self.values[name], readers, wide_readers)

    def pace(self, slowest: int) -> int:
        """The index of the pace at which FINN folds all parts when one of them needs so many cycles."""
        return next(index for index, pace in enumerate(self.paces) if slowest <= pace)


def value_of(data: Sequence[Sequence[Mapping[str, Any]]]) -> Value:
    """From JSON."""
    return tuple(tuple(map(Part.of, row)) for row in data)


def read(value: Value, readers: int, wide_readers: int) -> Part:
    """What a value costs by its readers, as it is and in two bits; more of them than there are rows cost as many as the last."""
    row = value[min(readers, len(value) - 1)]
    return row[min(wide_readers, len(row) - 1)]


def total(costs: Sequence[Vector]) -> Vector:
    """The figures of all parts together."""
    columns = list(zip(*costs, strict=True))
    return (max(columns[0]), *map(sum, columns[1:]))


def cost_of(costs: SearchCosts, cells: Mapping[str, Sequence[Kept]]) -> dict[str, int]:
    """The figures of a derived network."""
    return costs.of_network(
        costs.option(cell, it.node, it.op, it.source) for cell, its in cells.items() for it in its
    )
