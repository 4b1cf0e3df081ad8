"""What each node of each cell may keep when the search ends, and a few networks in which everything occurs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from nashc.ir import Graph
from nashc.schema import Choice
from nashc.text import Span
from nashc.vocab.cellops import CONV_1X1, LEGAL_OPS, MAXPOOL, ZERO, CellOp

_OPS = {str(op): op for op in LEGAL_OPS}


@dataclass(frozen=True)
class Alternative:
    """One op from one earlier node."""

    op: CellOp
    source: int


Alternatives = Mapping[str, Mapping[int, tuple[Alternative, ...]]]
"""By cell and node."""


def alternatives(open_graph: Graph, policy: str) -> Alternatives:
    """What the derivation may take (templates/support/derivation/cells.py): no zero, no max-pool that changes the channels.

    open_graph: with choices, so what FINN could not build is not among their ops any more. v1 puts a 1x1 conv for such a pool.
    """
    found: dict[str, dict[int, list[Alternative]]] = {}
    for node in open_graph.nodes:
        if node.op != "choice":
            continue
        p = node.params
        changes_channels = open_graph.node(node.inputs[0]).shape[-1] != p["out"]
        ops = dict.fromkeys(_OPS[name] for name in p["ops"] if _OPS[name] != ZERO)
        if changes_channels and MAXPOOL in ops:
            del ops[MAXPOOL]
            ops |= {CONV_1X1: None} if policy == "v1" else {}
        of_node = found.setdefault(p["cell"], {}).setdefault(p["target"], [])
        of_node += [Alternative(op, p["source"]) for op in ops]
    return {
        cell: {
            target: tuple(sorted(listed, key=lambda it: it.source))
            for target, listed in sorted(nodes.items())
        }
        for cell, nodes in found.items()
    }


def covering_networks(found: Alternatives, span: Span) -> Iterator[dict[str, tuple[Choice, ...]]]:
    """Genotypes in which every alternative of every node occurs.

    In each of them all nodes of a cell that can take one op from one node.
    """
    sources = range(
        max(it.source for nodes in found.values() for its in nodes.values() for it in its) + 1
    )
    ops = dict.fromkeys(it.op for nodes in found.values() for its in nodes.values() for it in its)
    for source in sources:
        for op in ops:
            wanted = Alternative(op, source)
            if any(wanted in its for nodes in found.values() for its in nodes.values()):
                yield {cell: _all_take(wanted, nodes, span) for cell, nodes in found.items()}


def _all_take(
    wanted: Alternative, nodes: Mapping[int, tuple[Alternative, ...]], span: Span
) -> tuple[Choice, ...]:
    taken = (wanted if wanted in its else its[0] for its in nodes.values())
    return tuple(Choice(it.op, it.source, span) for it in taken)
