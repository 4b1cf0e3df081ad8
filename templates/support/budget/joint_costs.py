"""What every choice of bit widths costs in hardware, alone or together with ops. Pure Python.

The numbers are exact, as those of support/budget/costs.py: what `nashc estimate` says of the network with these choices. Costs
are sums over parts, and a part depends on few places of bit widths: a layer on those of its weights, of what it reads and
of what it gives.

    parts     what no op changes, by the widths of the places that it meets
    options   the branch that an op from an earlier node makes, and whether it reads in two bits, by its places
    values    what reading a node takes, by the number of its readers and by its places

Choices are written as picks: the index of an alternative for each place, and after these for each node of each cell.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Generic, TypeVar

from support.budget.costs import FIGURES, Part, Value, read, total, value_of
from support.progress import StageError

T = TypeVar("T")


@dataclass(frozen=True)
class ByPlaces(Generic[T]):
    """Something for each choice of the widths of some places. places: indices, rising; the last one counts fastest."""

    places: tuple[int, ...]
    counts: tuple[int, ...]
    by_choice: tuple[T, ...]

    def at(self, picks: Sequence[int]) -> T:
        """picks: of all places."""
        index = 0
        for place, count in zip(self.places, self.counts, strict=True):
            index = index * count + picks[place]
        return self.by_choice[index]


@dataclass(frozen=True)
class JointOption:
    """What a node may keep. parts: whether it reads the value in two bits where that has one, and the branch."""

    op: str
    source: int
    reads: str
    parts: ByPlaces[tuple[bool, Part]]


@dataclass(frozen=True)
class JointCosts:
    """paces: cycles, rising. places: name and alternatives of each. options: by cell and node."""

    paces: tuple[int, ...]
    places: tuple[tuple[str, tuple[str, ...]], ...]
    parts: tuple[ByPlaces[Part], ...]
    options: dict[tuple[str, int], tuple[JointOption, ...]]
    values: dict[str, ByPlaces[Value]]

    @staticmethod
    def of(data: Mapping[str, Any]) -> JointCosts:
        """From the content of settings/search_costs.json (for search.py) or settings/derive.json (for derive.py)."""
        places = tuple((it["name"], tuple(it["alternatives"])) for it in data["places"])

        def counts(it: Mapping[str, Any]) -> tuple[int, ...]:
            found = tuple(len(places[index][1]) for index in it["places"])
            assert len(it["choices"]) == math.prod(found), it["places"]
            return found

        def by_places(it: Mapping[str, Any], read: Callable[[Any], T]) -> ByPlaces[T]:
            return ByPlaces(tuple(it["places"]), counts(it), tuple(map(read, it["choices"])))

        parts = tuple(by_places(it, Part.of) for it in data["parts"])
        options: dict[tuple[str, int], tuple[JointOption, ...]] = {}
        for it in data["options"]:
            branch = by_places(it, lambda choice: (bool(choice["is_wide"]), Part.of(choice)))
            option = JointOption(it["op"], it["from"], it["reads"], branch)
            key = it["cell"], it["node"]
            options[key] = (*options.get(key, ()), option)
        values = {it["name"]: by_places(it, value_of) for it in data["values"]}
        return JointCosts(tuple(data["paces"]), places, parts, options, values)

    @cached_property
    def counts(self) -> tuple[int, ...]:
        """How many alternatives each place has, and after these each node."""
        of_places = (len(alternatives) for _, alternatives in self.places)
        return (*of_places, *map(len, self.options.values()))

    def of_network(self, picks: Sequence[int]) -> dict[str, int]:
        """The figures of the network that takes these."""
        chosen = [part.at(picks) for part in self.parts]
        readers: dict[str, list[int]] = {name: [0, 0] for name in self.values}
        nodes = picks[len(self.places) :]
        for options, pick in zip(self.options.values(), nodes, strict=True):
            is_wide, part = options[pick].parts.at(picks)
            chosen.append(part)
            readers[options[pick].reads][is_wide] += 1
        chosen += [
            read(of_value.at(picks), *readers[name]) for name, of_value in self.values.items()
        ]
        pace = self.pace(max(part.slowest for part in chosen))
        return dict(zip(FIGURES, total([part.cost[pace] for part in chosen]), strict=True))

    def picks(self, cells: Mapping[str, Sequence[Any]], bits: Mapping[str, str]) -> tuple[int, ...]:
        """Of a network by its names. cells: choices of support/derivation/cells.py. Errors: StageError where the costs do not know it."""
        kept = {(cell, it.node): (it.op, it.source) for cell, its in cells.items() for it in its}
        try:
            of_places = [widths.index(bits[name]) for name, widths in self.places]
            of_nodes = [
                [(it.op, it.source) for it in options].index(kept[key])
                for key, options in self.options.items()
            ]
        except (KeyError, ValueError) as error:
            raise StageError(
                "the costs in settings/ do not have all that the network keeps",
                "compile the spec again: they belong to another search space",
            ) from error
        return (*of_places, *of_nodes)

    def pace(self, slowest: int) -> int:
        """The index of the pace at which FINN folds all parts when one of them needs so many cycles."""
        return next(index for index, pace in enumerate(self.paces) if slowest <= pace)
