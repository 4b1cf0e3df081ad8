"""Graph and Node: frozen values; a rewrite makes a new Graph."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from nashc.text import Span
from nashc.vocab.tensor import TensorType

if TYPE_CHECKING:
    import networkx as nx


@dataclass(frozen=True)
class Node:
    """One operation and the value it gives, under one name: the path of the layer in the spec.

    inputs: names of the values it takes, in order; the truth from which edges are derived.
    params: plain values (int, float, bool, str, tuples of these), checked by the op's own model.
    """

    name: str
    op: str
    inputs: tuple[str, ...]
    params: Mapping[str, Any]
    type: TensorType | None = None
    span: Span | None = field(default=None, compare=False)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the value, NHWC; the graph must have been typed."""
        assert self.type, f"{self.name} has no type yet"
        return self.type.shape

    @property
    def dtype(self) -> str:
        """QONNX data type of the value; the graph must have been typed."""
        assert self.type, f"{self.name} has no type yet"
        return self.type.dtype

    def with_inputs(self, inputs: Iterable[str]) -> Node:
        """The same node fed by other values."""
        return replace(self, inputs=tuple(inputs))


@dataclass(frozen=True)
class Graph:
    """A network: nodes in topological order, the last of which is the output."""

    name: str
    nodes: tuple[Node, ...]

    @cached_property
    def by_name(self) -> dict[str, Node]:
        return {node.name: node for node in self.nodes}

    @cached_property
    def consumers(self) -> dict[str, tuple[Node, ...]]:
        """For each value the nodes that read it, in order; once per reading input."""
        readers: dict[str, list[Node]] = {node.name: [] for node in self.nodes}
        for node in self.nodes:
            for name in node.inputs:
                readers[name].append(node)
        return {name: tuple(nodes) for name, nodes in readers.items()}

    @cached_property
    def digraph(self) -> nx.MultiDiGraph:
        """Edges from producer to consumer, keyed by input port: `add(x, x)` keeps both.

        For analyses; networkx is loaded here, because it takes longer than all of `nashc check`.
        """
        import networkx as nx

        graph = nx.MultiDiGraph(name=self.name)
        graph.add_nodes_from(node.name for node in self.nodes)
        for node in self.nodes:
            graph.add_edges_from((name, node.name, port) for port, name in enumerate(node.inputs))
        return graph

    def node(self, name: str) -> Node:
        return self.by_name[name]

    @property
    def output(self) -> Node:
        return self.nodes[-1]

    def sorted(self) -> Graph:
        """The same nodes in the one topological order that follows their present order."""
        import networkx as nx

        index = {node.name: i for i, node in enumerate(self.nodes)}
        order = nx.lexicographical_topological_sort(self.digraph, key=index.__getitem__)
        return Graph(self.name, tuple(self.by_name[name] for name in order))

    def pruned(self) -> Graph:
        """Without nodes that the output does not need."""
        needed = {self.output.name}
        for node in reversed(self.nodes):
            if node.name in needed:
                needed.update(node.inputs)
        return Graph(self.name, tuple(node for node in self.nodes if node.name in needed))
