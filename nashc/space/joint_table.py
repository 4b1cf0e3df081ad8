"""The cost of every choice of ops and bit widths as a table of parts: settings/search_costs.json of a search for both.

The parts of a search for ops (space/table.py), each for every choice of the widths of the places that it meets. Places get
colours as in space/place_table.py, and for each choice of a width by colour the parts of the ops are taken from real networks.
templates/support/search_joint_costs.py reads the table and says what its parts mean.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import product
from typing import Any, Generic, TypeVar

from nashc.cost.nodes import HwNode
from nashc.diagnostics import Diagnostic, SpecError
from nashc.lower import lower
from nashc.schema import Choice, Spec
from nashc.space.alternatives import Alternative, alternatives, covering_networks
from nashc.space.network import Branch, is_of_branch
from nashc.space.place_table import MOST_NETWORKS, coloured
from nashc.space.places import listed, meeting_places, searched_places, with_picks
from nashc.space.pricing import FIGURES, MODEL, Pricing
from nashc.space.table import SpaceTable, Value, trimmed

Nodes = tuple[HwNode, ...]
Choices = tuple[int, ...]
"""An alternative for each of some places."""
Key = tuple[str, int, Alternative]
"""A branch: cell, node, and what the node takes."""
Genotype = Mapping[str, tuple[Choice, ...]]
T = TypeVar("T")


@dataclass
class _Seen(Generic[T]):
    """What was seen of something with each choice of the places that it meets."""

    meets: tuple[int, ...]
    by_choice: dict[Choices, T] = field(default_factory=dict)
    _signatures: dict[Choices, Hashable] = field(default_factory=dict)

    def see(self, picks: Choices, it: T, signature: Hashable, is_better: bool = False) -> None:
        choice = tuple(picks[place] for place in self.meets)
        known = self._signatures.setdefault(choice, signature)
        assert known == signature, f"it depends on more than {self.meets}: {it}"
        if is_better or choice not in self.by_choice:
            self.by_choice[choice] = it


class JointTable:
    """All parts of the space. Errors: NASH312 where too many places meet; SpecError where FINN could not build a network."""

    def __init__(self, spec: Spec) -> None:
        """spec: with cells to search, lists of widths and a target."""
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
        tables = [(picks, self._table(picks)) for picks in self._networks(len(genotypes))]
        self.names = {key: tables[0][1].branches[key].reads for key in self.keys}
        self._prepare([table for _, table in tables])
        for picks, table in tables:
            self._see(picks, table)
        self.pricing = Pricing(spec.target)

    # ---- which places a part meets -----------------------------------------------------------------

    def _find_meetings(self, genotypes: Iterable[Genotype]) -> None:
        """The places, by index, of layers without their readers in branches, of branches, and of what these read."""
        self.layers: dict[str, set[int]] = {}
        of_branch: dict[Key, set[int]] = {key: set() for key in self.keys}
        self.of_source: dict[Key, set[int]] = {key: set() for key in self.keys}
        for genotype in genotypes:
            spans = dict.fromkeys(genotype, self.spec.cells[0].span)
            graph = lower(replace(self.spec, genotype=genotype, genotype_spans=spans))
            self.output = graph.output.name
            owned = {
                (cell, node, Alternative(it.op, it.source)): {
                    layer.name for layer in graph.nodes if is_of_branch(layer.name, cell, node)
                }
                for cell, choices in genotype.items()
                for node, it in enumerate(choices, 1)
            }
            without = frozenset().union(*owned.values())
            meets = meeting_places(graph, self.places)
            of_fixed = meeting_places(graph, self.places, without)
            for name in of_fixed.keys() - without:
                self.layers.setdefault(name, set()).update(of_fixed[name])
            for key, layers in owned.items():
                read = {name for it in layers for name in graph.node(it).inputs} - layers
                of_branch[key].update(*(meets[name] for name in layers))
                self.of_source[key].update(*(of_fixed[name] for name in read))
        self.branches: dict[Key, _Seen[Branch]] = {
            key: _Seen(tuple(sorted(its))) for key, its in of_branch.items()
        }

    def _networks(self, genotypes: int) -> Iterator[Choices]:
        """Choices for all places, in which every part meets every choice of the places it depends on."""
        meets = [tuple(its) for its in self.layers.values()]
        meets += [it.meets for it in self.branches.values()]
        colours = coloured(meets, len(self.places))
        most = [
            max(count for count, own in zip(self.counts, colours, strict=True) if own == colour)
            for colour in range(max(colours) + 1)
        ]
        count = math.prod(most) * genotypes
        if count > MOST_NETWORKS:
            text = f"too many bit widths meet in one layer to price them with all ops of cells: {count:,} networks"
            hint = "fewer alternatives, or one choice for a block or a group: group* = [w2a2, w4a4]"
            raise SpecError([Diagnostic("NASH312", text, self.places[0].span, help=hint)])
        for picks in product(*map(range, most)):
            yield tuple(
                picks[colour] % of_place
                for colour, of_place in zip(colours, self.counts, strict=True)
            )

    # ---- what is seen ------------------------------------------------------------------------------

    def _table(self, picks: Choices) -> SpaceTable:
        return SpaceTable(with_picks(self.spec, self.places, picks))

    def _prepare(self, tables: Iterable[SpaceTable]) -> None:
        """What is read and what no op changes, with the places that they meet whatever the widths are."""
        meets: dict[str, set[int]] = {}
        for key in self.keys:
            meets.setdefault(self.names[key], set()).update(self.of_source[key])
        for table in tables:
            names = self._names(table)
            for name, value in table.values.items():
                for node in (value.made_by, value.before, value.widened):
                    meets[names[name]] |= self.layers[self._home(node.layer)] if node else set()
        self.values: dict[str, _Seen[Value]] = {
            name: _Seen(tuple(sorted(its))) for name, its in meets.items()
        }
        self.fixed: dict[str, _Seen[Nodes]] = {
            name: _Seen(tuple(sorted(its))) for name, its in self.layers.items()
        }

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
        layers: dict[str, list[HwNode]] = {}
        for node in table.fixed:
            layers.setdefault(self._home(node.layer), []).append(node)
        for layer, of_layer in self.fixed.items():
            nodes = tuple(layers.get(layer, ()))
            of_layer.see(picks, nodes, tuple(node.signature for node in nodes))

    def _home(self, layer: str) -> str:
        """The layer whose hardware this is, as in space/place_table.py."""
        while layer not in self.layers and "." in layer:
            layer = layer.rpartition(".")[0]
        return layer if layer in self.layers else self.output

    # ---- prices --------------------------------------------------------------------------------------

    def to_json(self) -> dict[str, Any]:
        """The content of settings/search_costs.json."""
        groups = self._groups()
        most = self._most_readers()
        values = {
            name: [
                [
                    [value.nodes(plain, wide) for wide in range(most[name, choice][1] + 1)]
                    for plain in range(most[name, choice][0] + 1)
                ]
                for choice in self._choices(seen.meets)
                for value in (seen.by_choice[choice],)
            ]
            for name, seen in sorted(self.values.items())
        }
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
            "parts": [
                {"places": list(meets), "choices": [part(nodes) for nodes in by_choice]}
                for meets, by_choice in groups.items()
            ],
            "options": [
                {
                    "cell": cell,
                    "node": node,
                    "op": str(it.op),
                    "from": it.source,
                    "reads": self.names[cell, node, it],
                    "places": list(seen.meets),
                    "choices": [
                        {"is_wide": branch.is_wide, **part(branch.nodes)}
                        for branch in map(seen.by_choice.__getitem__, self._choices(seen.meets))
                    ],
                }
                for (cell, node, it), seen in self.branches.items()
            ],
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

    def _choices(self, meets: tuple[int, ...]) -> Iterator[Choices]:
        return product(*(range(self.counts[place]) for place in meets))

    def _groups(self) -> dict[tuple[int, ...], list[Nodes]]:
        """What no op changes, layers that meet the same places together."""
        layers: dict[tuple[int, ...], list[_Seen[Nodes]]] = {}
        for seen in self.fixed.values():
            layers.setdefault(seen.meets, []).append(seen)
        return {
            meets: [
                tuple(node for seen in its for node in seen.by_choice[choice])
                for choice in self._choices(meets)
            ]
            for meets, its in sorted(layers.items())
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
