"""The folding question as plain numbers: a table of choices per layer, links between layers, a graph.

Nothing here knows what PE or SIMD are. A table is one hardware layer, or several that must be folded
alike; a row of it is one legal folding. What a choice costs is added up over the layers and the links;
what a choice takes in time is the slowest layer (throughput) or a path (latency).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Floats: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.int64]
Bools: TypeAlias = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Table:
    """The legal foldings of one layer.

    cycles: [n], clock cycles between two frames. latency: [n], what it adds to a path, in cycles.
    use: [n, resources], whole numbers held as floats (exact below 2 ** 53).
    lanes: [n], how much works at once: of rows that are alike in all that counts the narrowest is taken, because a
    cost model may count nothing for it.
    """

    name: str
    cycles: Floats
    use: Floats
    latency: Floats
    lanes: Floats

    def __post_init__(self) -> None:
        columns = (self.cycles, self.use, self.latency, self.lanes)
        assert {len(column) for column in columns} == {len(self)} != {0}, self.name

    def __len__(self) -> int:
        return len(self.cycles)


@dataclass(frozen=True, eq=False)
class Link:
    """What two layers cost together, for example a width converter between them.

    first, second: numbers of the tables. first_port, second_port: the class (a stream width) of each row.
    cost: [classes of first, classes of second, resources].
    """

    first: int
    second: int
    first_port: Ints
    second_port: Ints
    cost: Floats


@dataclass(frozen=True, eq=False)
class Problem:
    """All tables in topological order; `after[t]`: the numbers of the tables that table t reads."""

    tables: tuple[Table, ...]
    resources: tuple[str, ...]
    links: tuple[Link, ...] = ()
    after: tuple[tuple[int, ...], ...] = field(default=())

    def __post_init__(self) -> None:
        assert all(earlier < t for t, found in enumerate(self.after) for earlier in found)

    @cached_property
    def intervals(self) -> Floats:
        """Every cycle count that a layer can have, ascending: the interval of a network is one of them."""
        return np.unique(np.concatenate([table.cycles for table in self.tables]))

    @cached_property
    def shortest_interval(self) -> float:
        """The slowest layer when all are as fast as they can be."""
        return max(float(table.cycles.min()) for table in self.tables)

    @cached_property
    def ports(self) -> tuple[tuple[Ints, ...], ...]:
        """For each table the classes of its rows, [n], at each end of a link that it is."""
        found: list[list[Ints]] = [[] for _ in self.tables]
        for link in self.links:
            found[link.first].append(link.first_port)
            found[link.second].append(link.second_port)
        return tuple(map(tuple, found))

    def restricted(self, rows: list[Ints]) -> Problem:
        """The same question with only these rows of each table."""
        tables = (
            Table(
                table.name,
                table.cycles[kept],
                table.use[kept],
                table.latency[kept],
                table.lanes[kept],
            )
            for table, kept in zip(self.tables, rows, strict=True)
        )
        links = (
            replace(
                link,
                first_port=link.first_port[rows[link.first]],
                second_port=link.second_port[rows[link.second]],
            )
            for link in self.links
        )
        return replace(self, tables=tuple(tables), links=tuple(links))

    def total(self, choice: Ints) -> Floats:
        """[resources] that a choice of rows uses, links included."""
        used = sum(
            (table.use[row] for table, row in zip(self.tables, choice, strict=True)),
            np.zeros(len(self.resources)),
        )
        for link in self.links:
            first, second = choice[link.first], choice[link.second]
            used = used + link.cost[link.first_port[first], link.second_port[second]]
        return np.asarray(used, dtype=np.float64)

    def interval(self, choice: Ints) -> float:
        """Cycles between two frames: those of the slowest layer."""
        return max(float(t.cycles[row]) for t, row in zip(self.tables, choice, strict=True))

    def latency(self, choice: Ints) -> float:
        """The longest path, in cycles."""
        ends: list[float] = []
        for number, (table, row) in enumerate(zip(self.tables, choice, strict=True)):
            start = max((ends[t] for t in self._before(number)), default=0.0)
            ends.append(start + float(table.latency[row]))
        return max(ends)

    def _before(self, number: int) -> tuple[int, ...]:
        return self.after[number] if self.after else ()
