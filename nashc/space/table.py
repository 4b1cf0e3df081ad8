"""The cost of every network of a search space as a table of parts, in settings/search_costs.json and settings/derive.json.

Parts are not modelled: some networks that have every alternative in them are lowered to hardware nodes, and their nodes
sorted by whose they are. So a part costs what it costs in a network, by the cost model that `nashc estimate` uses.
templates/support/budget/costs.py reads the table and says what its parts mean.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from nashc.cost.backends import Wanted
from nashc.cost.hardware import fork, result_of
from nashc.cost.models import MODELS
from nashc.cost.nodes import HwNode
from nashc.lower import lower
from nashc.schema import Spec
from nashc.space.alternatives import Alternative, Alternatives, alternatives, covering_networks
from nashc.space.network import IMAGE, Branch, Network, prefix_of
from nashc.space.pricing import FIGURES, MODEL, Pricing

Nodes = tuple[HwNode, ...]


@dataclass(frozen=True)
class Value:
    """What branches read, and what is there whoever reads it.

    made_by: its node; image: shape and data type if it is the input of the network instead.
    is_optional: a node that is only there for readers, the activation behind an add; before: that add.
    readers, before_readers: of the value and of that add, branches and the optional node left out.
    widened: the node that gives a single bit in two; wide_readers: the readers of that.
    """

    made_by: HwNode | None
    image: tuple[tuple[int, ...], str]
    is_optional: bool
    before: HwNode | None
    readers: int
    before_readers: int
    widened: HwNode | None
    wide_readers: int

    @property
    def is_single(self) -> bool:
        """Of single bits, which some readers need in two."""
        return (result_of(self.made_by) if self.made_by else self.image)[1] == "UINT1"

    @property
    def signature(self) -> Hashable:
        """What does not depend on the branches of a network."""
        nodes = (node and node.signature for node in (self.made_by, self.before))
        return (*nodes, self.is_optional, self.readers, self.before_readers, self.wide_readers)

    def nodes(self, plain: int, wide: int) -> Nodes:
        """With so many branches that read it as it is and in two bits."""
        wide += self.wide_readers
        plain += self.readers + (wide > 0)
        found: list[HwNode] = []
        if self.is_optional and plain:
            assert self.made_by and self.before
            found += [self.made_by, *_fork(result_of(self.before), self.before_readers + 1)]
        elif self.before:
            found += _fork(result_of(self.before), self.before_readers)
        found += _fork(result_of(self.made_by) if self.made_by else self.image, plain)
        if wide:
            assert self.widened
            found += [self.widened, *_fork(result_of(self.widened), wide)]
        return tuple(found)


def _fork(result: tuple[tuple[int, ...], str], readers: int) -> Nodes:
    return (fork("", *result, readers, ()),) if readers > 1 else ()


class SpaceTable:
    """All parts of a search space. Errors: SpecError where FINN could not build one of its networks."""

    def __init__(self, spec: Spec) -> None:
        """spec: with cells, a search and a target; a genotype is left out of account."""
        assert spec.cells and spec.target
        open_graph = lower(replace(spec, genotype=None))
        self.alternatives: Alternatives = alternatives(open_graph, spec.cells[0].settings.policy)
        image = open_graph.nodes[0]
        self._image = (image.shape, image.dtype)
        self._networks = []
        for genotype in covering_networks(self.alternatives, spec.cells[0].span):
            spans = dict.fromkeys(genotype, spec.cells[0].span)
            graph = lower(replace(spec, genotype=genotype, genotype_spans=spans))
            part = spec.target.board.part
            nodes = MODELS[MODEL].hardware(graph, part, None, Wanted.of(spec))
            self._networks.append(Network(nodes, genotype))
        self.branches = self._branches()
        self.values = self._values()
        self.fixed = self._fixed()
        self.pricing = Pricing(spec.target)

    # ---- whose a hardware node is ------------------------------------------------------------------

    def _branches(self) -> dict[tuple[str, int, Alternative], Branch]:
        found: dict[tuple[str, int, Alternative], Branch] = {}
        for network in self._networks:
            for cell, choices in network.genotype.items():
                for node, choice in enumerate(choices, 1):
                    key = (cell, node, Alternative(choice.op, choice.source))
                    branch = network.branches[cell, node]
                    same = found.setdefault(key, branch)
                    assert same.signature == branch.signature, (key, same, branch)
        return found

    def _values(self) -> dict[str, Value]:
        found: dict[str, Value] = {}
        states = {
            f"{prefix_of(cell)}.node{node}.act"
            for cell, nodes in self.alternatives.items()
            for node in nodes
        }
        for network in self._networks:
            for name in {branch.reads for branch in self.branches.values()}:
                if name not in network.by_name and name != IMAGE:
                    continue  # nobody reads it here
                value = self._value(network, name, name in states)
                if name not in found or found[name].widened is None:
                    found[name] = value  # one in which it is read in two bits, if there is any
                assert found[name].signature == value.signature, (found[name], value)
        return found

    def _value(self, network: Network, name: str, is_optional: bool) -> Value:
        made_by = network.by_name.get(name)
        owned = network.owned
        widened = next((n for n in network.readers[name] if n.name.endswith(".uint2")), None)
        plain = [n for n in network.readers[name] if n.name not in owned and n is not widened]
        wide = network.readers[widened.name] if widened else []
        before, others = None, 0
        if is_optional:
            assert made_by
            before = network.by_name[network.source(made_by.inputs[0])]
            others = sum(n is not made_by for n in network.readers[before.name])
        return Value(
            made_by=made_by,
            image=self._image,
            is_optional=is_optional,
            before=before,
            readers=len(plain),
            before_readers=others,
            widened=widened,
            wide_readers=sum(n.name not in owned for n in wide),
        )

    def _fixed(self) -> Nodes:
        """What is in all networks, whatever is chosen."""
        elsewhere = {v.made_by.name for v in self.values.values() if v.made_by and v.is_optional}
        elsewhere |= {v.widened.name for v in self.values.values() if v.widened}
        forked = set(self.values) | elsewhere
        forked |= {v.before.name for v in self.values.values() if v.before}
        found: list[Nodes] = []
        for network in self._networks:
            kept = (n for n in network.nodes if n.name not in network.owned | elsewhere)
            found.append(
                tuple(
                    n
                    for n in kept
                    if n.kind != "DuplicateStreams" or network.source(n.name) not in forked
                )
            )
        same = {(n.name, n.signature) for n in found[0]}
        assert all({(n.name, n.signature) for n in nodes} == same for nodes in found)
        return found[0]

    # ---- prices --------------------------------------------------------------------------------------

    def to_json(self) -> dict[str, Any]:
        """The content of settings/search_costs.json."""
        counts = self._most_readers()
        values = {
            name: [
                [value.nodes(plain, wide) for wide in range(counts[name][1] + 1)]
                for plain in range(counts[name][0] + 1)
            ]
            for name, value in sorted(self.values.items())
        }
        groups = [branch.nodes for branch in self.branches.values()]
        groups += [nodes for rows in values.values() for row in rows for nodes in row]
        paces = self.pricing.paces(self.fixed, groups)
        part = partial(self.pricing.part, paces=paces)
        return {
            "model": MODEL,
            "figures": FIGURES,
            "paces": paces,
            "fixed": part(self.fixed),
            "options": [
                {
                    "cell": cell,
                    "node": node,
                    "op": str(it.op),
                    "from": it.source,
                    "reads": self.branches[cell, node, it].reads,
                    "is_wide": self.branches[cell, node, it].is_wide,
                    **part(self.branches[cell, node, it].nodes),
                }
                for cell, nodes in self.alternatives.items()
                for node, its in nodes.items()
                for it in its
            ],
            "values": [
                {
                    "name": name,
                    "parts": trimmed([trimmed([part(nodes) for nodes in row]) for row in rows]),
                }
                for name, rows in values.items()
            ],
        }

    def _most_readers(self) -> Mapping[str, tuple[int, int]]:
        """Of each value, how many branches may read it as it is, and in two bits."""
        readers: dict[str, tuple[set[tuple[str, int]], set[tuple[str, int]]]] = {
            name: (set(), set()) for name in self.values
        }
        for (cell, node, _), branch in self.branches.items():
            readers[branch.reads][branch.is_wide].add((cell, node))
        return {name: (len(plain), len(wide)) for name, (plain, wide) in readers.items()}


def trimmed(rows: list[Any]) -> list[Any]:
    """Without the last rows while the one before says the same."""
    while len(rows) > 1 and rows[-1] == rows[-2]:
        rows = rows[:-1]
    return rows
