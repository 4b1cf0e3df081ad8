"""The cost of every choice of ops with bit widths or channels as a table of parts: settings/search_costs.json of such a search.

The parts of a search for ops (space/table.py), each seen with every choice of the places that it meets.
templates/support/budget/joint_costs.py reads the table and says what its parts mean.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from nashc.lower import lower
from nashc.schema import Choice, Spec
from nashc.space.alternatives import Alternative, alternatives, covering_networks
from nashc.space.covering import Choices, Meets, choices, choices_to_see
from nashc.space.network import Branch, is_of_branch
from nashc.space.parts import Layers, Nodes, Seen, ToJson, listed_groups
from nashc.space.places import listed, meeting_places, searched_places, with_picks
from nashc.space.pricing import FIGURES, MODEL, Pricing
from nashc.space.table import SpaceTable, Value, trimmed

Key = tuple[str, int, Alternative]
"""A branch: cell, node, and what the node takes."""
Genotype = Mapping[str, tuple[Choice, ...]]


class JointTable:
    """All parts of the space. Errors: NASH312 where too many places meet; SpecError where FINN could not build a network."""

    def __init__(self, spec: Spec) -> None:
        """spec: with cells to search, lists to choose from and a target."""
        assert spec.cells and spec.target
        self.spec = spec
        graph = lower(spec)
        self.places = searched_places(spec, graph)
        self.counts = [len(place.alternatives) for place in self.places]
        found = alternatives(graph, spec.cells[0].settings.policy)
        genotypes = list(covering_networks(found, spec.cells[0].span))
        self.keys = [
            (cell, node, it)
            for cell, nodes in found.items()
            for node, its in nodes.items()
            for it in its
        ]
        self._find_meetings(genotypes)
        for picks, table in self._tables(len(genotypes)):
            self._see(picks, table)
        self._check_wide()
        self.pricing = Pricing(spec.target)

    def _tables(self, genotypes: int) -> list[tuple[Choices, SpaceTable]]:
        """By choice of widths, until every part is seen with all of its places."""
        tables: list[tuple[Choices, SpaceTable]] = []
        self.values: dict[str, Seen[Value]] = {}
        self._single: set[str] = set()
        while True:
            seen = [picks for picks, _ in tables]
            more = choices_to_see(self.places, self._meets(), genotypes, seen)
            if not more:
                return tables
            tables += [
                (picks, SpaceTable(with_picks(self.spec, self.places, picks))) for picks in more
            ]
            self.names = {key: tables[0][1].branches[key].reads for key in self.keys}
            self._prepare([table for _, table in tables])  # may meet more than was known

    def _meets(self) -> Iterator[Meets]:
        """The places that must be seen with all their choices together, as far as is known."""
        for parts in (self.layers.seen, self.branches):
            for seen in parts.values():
                yield seen.meets
        for seen_value in self.values.values():
            yield seen_value.meets
        for key in self.keys:
            if self.values and self.names[key] in self._single:
                # What needs a single bit in two is the weights of those who read it.
                both = {*self.values[self.names[key]].meets, *self.branches[key].meets}
                yield tuple(sorted(both))

    # ---- which places a part meets -----------------------------------------------------------------

    def _find_meetings(self, genotypes: Iterable[Genotype]) -> None:
        """The places, by index, of layers without their readers in branches, of branches, and of what these read."""
        layers: dict[str, set[int]] = {}
        of_branch: dict[Key, set[int]] = {key: set() for key in self.keys}
        self.of_source: dict[Key, set[int]] = {key: set() for key in self.keys}
        # Of channels, places know the layers of the open network: a branch meets its own by the quantiser in front of its add.
        largest = self.spec.with_channels({})
        for genotype in genotypes:
            spans = dict.fromkeys(genotype, self.spec.cells[0].span)
            graph = lower(replace(largest, genotype=genotype, genotype_spans=spans))
            owned = {
                (cell, node, Alternative(it.op, it.source)): {
                    layer.name for layer in graph.nodes if is_of_branch(layer.name, cell, node)
                }
                for cell, kept in genotype.items()
                for node, it in enumerate(kept, 1)
            }
            without = frozenset().union(*owned.values())
            meets = meeting_places(graph, self.places)
            of_fixed = meeting_places(graph, self.places, without)
            for name, its in of_fixed.items():
                if name not in without:
                    layers.setdefault(name, set()).update(its)
            for key, own in owned.items():
                read = {name for it in own for name in graph.node(it).inputs} - own
                of_branch[key].update(*(meets[name] for name in own))
                self.of_source[key].update(*(of_fixed[name] for name in read))
        self.layers = Layers(layers, graph.output.name)
        self.branches: dict[Key, Seen[Branch]] = {
            key: Seen(tuple(sorted(its))) for key, its in of_branch.items()
        }

    # ---- what is seen ------------------------------------------------------------------------------

    def _prepare(self, tables: Iterable[SpaceTable]) -> None:
        """What is read, with the places that it meets whatever the widths are."""
        meets: dict[str, set[int]] = {}
        for key in self.keys:
            meets.setdefault(self.names[key], set()).update(self.of_source[key])
        for table in tables:
            names = self._names(table)
            for name, value in table.values.items():
                if value.is_single:
                    self._single.add(names[name])
                for node in (value.made_by, value.before, value.widened):
                    meets[names[name]].update(self.layers.meets_of(node) if node else ())
        self.values = {name: Seen(tuple(sorted(its))) for name, its in meets.items()}

    def _names(self, table: SpaceTable) -> dict[str, str]:
        """FINN names a stream after the node that gives it, which may be another one with other widths."""
        return {table.branches[key].reads: self.names[key] for key in self.keys}

    def _see(self, picks: Choices, table: SpaceTable) -> None:
        """Sort the parts of one choice of widths by the places that they meet."""
        for key, seen in self.branches.items():
            branch = replace(table.branches[key], reads=self.names[key])
            seen.see(picks, branch, branch.signature)
        names = self._names(table)
        for name, value in table.values.items():
            # One in which it is read in two bits, if there is any.
            self.values[names[name]].see(
                picks, value, value.signature, is_better=value.widened is not None
            )
        self.layers.see(picks, table.fixed)

    def _check_wide(self) -> None:
        """What is read in two bits was seen in two bits: a price without these would pass for one."""
        for key, branch in self.branches.items():
            value = self.values[self.names[key]]
            both = tuple(sorted({*branch.meets, *value.meets}))
            for choice in choices(both, self.counts):
                picks = dict(zip(both, choice, strict=True))
                is_wide = branch.by_choice[tuple(picks[it] for it in branch.meets)].is_wide
                seen = value.by_choice[tuple(picks[it] for it in value.meets)]
                assert seen.widened or not is_wide, (key, picks)

    # ---- prices --------------------------------------------------------------------------------------

    def to_json(self) -> dict[str, Any]:
        """The content of settings/search_costs.json."""
        groups, values = self.layers.groups(self.counts), self._values_as_read()
        every = [nodes for by_choice in groups.values() for nodes in by_choice]
        every += [branch.nodes for it in self.branches.values() for branch in it.by_choice.values()]
        every += [nodes for its in values.values() for rows in its for row in rows for nodes in row]
        paces = self.pricing.paces(groups.get((), [()])[0], every)
        part = partial(self.pricing.part, paces=paces)
        return {
            "model": MODEL,
            "figures": FIGURES,
            "paces": paces,
            "places": listed(self.places),
            "parts": listed_groups(groups, part),
            "options": [self._option(key, seen, part) for key, seen in self.branches.items()],
            "values": [
                {
                    "name": name,
                    "places": list(self.values[name].meets),
                    "choices": [
                        trimmed([trimmed([part(nodes) for nodes in row]) for row in rows])
                        for rows in by_choice
                    ],
                }
                for name, by_choice in values.items()
            ],
        }

    def _option(self, key: Key, seen: Seen[Branch], part: ToJson) -> dict[str, Any]:
        cell, node, it = key
        return {
            "cell": cell,
            "node": node,
            "op": str(it.op),
            "from": it.source,
            "reads": self.names[key],
            "places": list(seen.meets),
            "choices": [
                {"is_wide": branch.is_wide, **part(branch.nodes)}
                for choice in choices(seen.meets, self.counts)
                for branch in (seen.by_choice[choice],)
            ],
        }

    def _values_as_read(self) -> dict[str, list[list[list[Nodes]]]]:
        """The nodes of each value: with each choice of its places, read so often as it is, and so often in two bits."""
        most = self._most_readers()
        return {
            name: [
                [
                    [value.nodes(plain, wide) for wide in range(most[name, choice][1] + 1)]
                    for plain in range(most[name, choice][0] + 1)
                ]
                for choice in choices(seen.meets, self.counts)
                for value in (seen.by_choice[choice],)
            ]
            for name, seen in sorted(self.values.items())
        }

    def _most_readers(self) -> dict[tuple[str, Choices], tuple[int, int]]:
        """Of each value, how many branches may read it as it is, and in two bits, with each choice of its places."""
        readers: dict[str, set[tuple[str, int]]] = {name: set() for name in self.values}
        for cell, node, it in self.keys:
            readers[self.names[cell, node, it]].add((cell, node))
        return {
            (name, choice): (len(readers[name]), len(readers[name]) if value.widened else 0)
            for name, seen in self.values.items()
            for choice, value in seen.by_choice.items()
        }
