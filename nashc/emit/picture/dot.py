"""A graph as Graphviz text: every node, a cluster per group, the colours of the SVG."""

from __future__ import annotations

from collections.abc import Iterable

from nashc.emit.picture.boxes import extent, group, operation, paint, short
from nashc.ir import Graph, Node


def dot(graph: Graph) -> str:
    """Text for `dot -Tpdf`; nothing is folded here, names are those of the graph."""
    groups = dict.fromkeys(group(node.name) for node in graph.nodes)
    lines = [
        f"digraph {_quoted(graph.name)} {{",
        '  graph [fontname="Helvetica", rankdir="TB"];',
        '  node [fontname="Helvetica", fontsize="10", shape="box", style="rounded,filled"];',
        '  edge [arrowsize="0.6", color="#5d6778"];',
    ]
    for name in groups:
        nodes = [node for node in graph.nodes if group(node.name) == name]
        if not name:
            lines += [f"  {_node(node)}" for node in nodes]
            continue
        lines += [
            f"  subgraph {_quoted('cluster_' + name)} {{",
            f"    label={_quoted(name)};",
            '    bgcolor="#f6f7f9";',
            '    color="#dfe3e8";',
            *(f"    {_node(node)}" for node in nodes),
            "  }",
        ]
    return "\n".join([*lines, *_edges(graph), "}"]) + "\n"


def _node(node: Node) -> str:
    words = [short(node.name), operation(node)]
    if "weight_bits" in node.params:
        words[1] += f", w{node.params['weight_bits']}"
    if node.op == "avgpool":
        words[1] += f" a{node.params['bits']}"
    if node.op == "choice":
        words += node.params["ops"]
    if node.type is not None:
        words.append(f"{extent(node)} {node.dtype}")
    colours = paint(node.op)
    label = _quoted("\n".join(words))
    return (
        f'{_quoted(node.name)} [label={label}, fillcolor="{colours.fill}", color="{colours.line}"];'
    )


def _edges(graph: Graph) -> Iterable[str]:
    for node in graph.nodes:
        for name in node.inputs:
            yield f"  {_quoted(name)} -> {_quoted(node.name)};"


def _quoted(words: str) -> str:
    """A DOT string: a backslash would begin an escape, a newline is written as one."""
    text = words.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{text}"'
