"""One network of the space as hardware nodes, and which of them belong to the branches of its cells."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from functools import cached_property

from nashc.cost.nodes import HwNode
from nashc.schema import Choice

IMAGE = "image"
# Layers of a cell's node that are not its branch: the sum, the backbone's side of it, what later nodes read.
_NOT_OF_BRANCH = ("add", "add.join0", "act")


@dataclass(frozen=True)
class Branch:
    """What one node of a cell adds. reads: the node whose result it takes; is_wide: in two bits where that has one."""

    nodes: tuple[HwNode, ...]
    reads: str
    is_wide: bool

    @property
    def signature(self) -> Hashable:
        return (tuple(node.signature for node in self.nodes), self.reads, self.is_wide)


@dataclass(frozen=True)
class Network:
    """The hardware nodes of one network, in order, and what its cells hold."""

    nodes: tuple[HwNode, ...]
    genotype: Mapping[str, tuple[Choice, ...]]

    @cached_property
    def by_name(self) -> dict[str, HwNode]:
        return {node.name: node for node in self.nodes}

    def source(self, name: str) -> str:
        """The node that gives a stream, whatever forks it went through."""
        node = self.by_name.get(name)
        if node is None or node.kind != "DuplicateStreams":
            return name
        return self.source(node.inputs[0]) if node.inputs else IMAGE

    @cached_property
    def readers(self) -> dict[str, list[HwNode]]:
        """By node, those that read its result, once for each stream; forks are looked through."""
        found: dict[str, list[HwNode]] = {}
        for node in self.nodes:
            if node.kind != "DuplicateStreams":
                for name in node.inputs or (IMAGE,):
                    found.setdefault(self.source(name), []).append(node)
        return found

    @cached_property
    def branches(self) -> dict[tuple[str, int], Branch]:
        """By cell and node."""
        return {
            (cell, node): self._branch(cell, node)
            for cell, choices in self.genotype.items()
            for node in range(1, len(choices) + 1)
        }

    @cached_property
    def owned(self) -> frozenset[str]:
        """Names of the nodes that belong to branches."""
        return frozenset(node.name for branch in self.branches.values() for node in branch.nodes)

    def _branch(self, cell: str, node: int) -> Branch:
        nodes = tuple(it for it in self.nodes if is_of_branch(it.layer, cell, node))
        own = {it.name for it in nodes}
        [source] = {
            self.source(name) for it in nodes for name in it.inputs or (IMAGE,) if name not in own
        }
        is_wide = source.endswith(".uint2")
        if is_wide:
            [single] = self.by_name[source].inputs or (IMAGE,)
            source = self.source(single)
        return Branch(nodes, source, is_wide)


def is_of_branch(layer: str, cell: str, node: int) -> bool:
    """Whether a layer is there for what a node of a cell takes."""
    prefix = f"{prefix_of(cell)}.node{node}."
    return layer.startswith(prefix) and layer.removeprefix(prefix) not in _NOT_OF_BRANCH


def prefix_of(cell: str) -> str:
    """Where the layers of a cell lie (passes/attach_cells.py)."""
    return "nas" if cell == "network" else f"{cell}.nas"
