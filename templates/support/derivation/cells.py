"""From the weights that a search ends with to one architecture: one predecessor and one op for each node.

Pure Python. Four policies, after NASH-v1 .. v4 (paper, section III-D). A max-pool is unsuitable where the edge changes the
number of channels: it would need a concatenation in hardware. An identity stands on such an edge only if the spec says what
it is there.
    v1  takes the best, then replaces an unsuitable max-pool by a 1x1 convolution
    v2  forbids unsuitable max-pools beforehand: takes the predecessor of the best op, on that edge the best suitable op
    v3  rejects an unsuitable best op and takes the next best op of any predecessor, until one is suitable
    v4  as v3, in a search whose op set has no max-pool
Never zero. Equal weights: the earlier predecessor, then the earlier op of the op set. An op that no weight update ever ran
is ranked by its alpha like any other, and marked where it is taken.

support/derivation/within.py derives under a hardware budget, from the same ranking.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from support.progress import StageError

ZERO = "zero"
MAX_POOL = "maxpool 3x3"
IDENTITY = "identity"
CONV_1X1 = "conv 1x1"


@dataclass(frozen=True)
class Edge:
    """An edge of a cell after the search.

    weights: softmax(alpha), in the order of ops; trained: how many weight updates ran each op.
    """

    source: int
    node: int
    ops: tuple[str, ...]
    weights: tuple[float, ...]
    changes_channels: bool
    trained: tuple[int, ...]


@dataclass(frozen=True)
class Choice:
    """What a node computes: `op` from node `source`; `weight` is what the search gave the op.

    is_trained: whether a weight update ever ran it.
    """

    node: int
    op: str
    source: int
    weight: float
    is_trained: bool = True


@dataclass(frozen=True)
class _Candidate:
    op: str
    edge: Edge
    weight: float
    trained: int

    @property
    def is_suitable(self) -> bool:
        return not (self.edge.changes_channels and self.op == MAX_POOL)

    def choice(self) -> Choice:
        return Choice(self.edge.node, self.op, self.edge.source, self.weight, self.trained > 0)


Ranked = list[tuple[Choice, float]]
"""What a node may keep with its score, best first."""


def derive(cells: dict[str, Sequence[Edge]], policy: str) -> dict[str, list[Choice]]:
    """Of each node the best. Errors: StageError as `ranking`."""
    return {
        name: [best for (best, _), *_ in nodes] for name, nodes in ranking(cells, policy).items()
    }


def ranking(cells: dict[str, Sequence[Edge]], policy: str) -> dict[str, list[Ranked]]:
    """By cell, what each node may keep.

    Errors: StageError when a node has nothing left to take, or the policy is none of the four.
    """
    if policy not in _POLICIES:
        known = ", ".join(_POLICIES)
        raise StageError(f"no policy is called {policy!r}", f"the policies are {known}")
    if policy == "v4":
        _refuse_max_pools(cells)
    return {name: _ranked(name, edges, policy) for name, edges in cells.items()}


def genotype_json(cells: dict[str, list[Choice]]) -> dict[str, list[dict[str, object]]]:
    """The "cells" of genotype.json."""
    return {
        name: [{"node": it.node, "op": it.op, "from": it.source} for it in choices]
        for name, choices in cells.items()
    }


def genotype_text(cells: dict[str, list[Choice]], comments: Sequence[str] = ()) -> str:
    """The genotype as it stands in a spec, the weight of each op as comments above its cell."""
    lines = [f"# {comment}".rstrip() for comment in comments]
    lines.append("genotype {")
    for name, choices in cells.items():
        weights = ", ".join(f"node {it.node} {it.weight:.4f}" for it in choices)
        flow = ", ".join(f"{it.op} from {it.source}" for it in choices)
        lines.append(f"  # weights: {weights}")
        untrained = ", ".join(f"node {it.node}" for it in choices if not it.is_trained)
        lines += [f"  # never trained in the search: {untrained}"] if untrained else []
        lines.append(f"  {name} = {flow}")
    return "\n".join([*lines, "}"]) + "\n"


def _ranked(name: str, edges: Sequence[Edge], policy: str) -> list[Ranked]:
    """For each node of a cell."""
    nodes = []
    for node in sorted({edge.node for edge in edges}):
        candidates = _best_first([edge for edge in edges if edge.node == node])
        ranked = _POLICIES[policy](candidates)
        if not ranked:
            raise StageError(
                f"{name}, node {node}: policy {policy} rejects every candidate "
                f"({', '.join(f'{it.op} from {it.edge.source}' for it in candidates) or 'only zero'})",
                "give the edges into this node an op that can change the channels, such as conv 1x1",
            )
        nodes.append(ranked)
    return nodes


def _best_first(edges: Sequence[Edge]) -> list[_Candidate]:
    candidates = [
        _Candidate(op, edge, weight, trained)
        for edge in sorted(edges, key=lambda edge: edge.source)
        for op, weight, trained in zip(edge.ops, edge.weights, edge.trained, strict=True)
        if op != ZERO
    ]
    return sorted(candidates, key=lambda candidate: -candidate.weight)  # stable: ties keep order


def _replace(candidates: list[_Candidate]) -> Ranked:
    found: dict[tuple[str, int], tuple[Choice, float]] = {}
    for it in candidates:
        choice = it.choice()
        if not it.is_suitable:
            trained = dict(zip(it.edge.ops, it.edge.trained, strict=True)).get(CONV_1X1, 0)
            choice = Choice(it.edge.node, CONV_1X1, it.edge.source, it.weight, trained > 0)
        found.setdefault((choice.op, choice.source), (choice, it.weight))
    return list(found.values())


def _exclude(candidates: list[_Candidate]) -> Ranked:
    """An edge has the score of its best op, suitable or not; on the edge the score falls as the weights of suitable ops do."""
    found: Ranked = []
    for edge in dict.fromkeys(it.edge for it in candidates):
        own = [it for it in candidates if it.edge == edge]
        suitable = [it for it in own if it.is_suitable]
        for it in suitable:
            share = it.weight / suitable[0].weight if suitable[0].weight else 1.0
            found.append((it.choice(), own[0].weight * share))
        if not found:
            return []  # the edge of the best op has none, and the policy stays on it
    return sorted(found, key=lambda it: -it[1])


def _reject(candidates: list[_Candidate]) -> Ranked:
    return [(it.choice(), it.weight) for it in candidates if it.is_suitable]


_POLICIES: dict[str, Callable[[list[_Candidate]], Ranked]] = {
    "v1": _replace,
    "v2": _exclude,
    "v3": _reject,
    "v4": _reject,
}


def _refuse_max_pools(cells: dict[str, Sequence[Edge]]) -> None:
    for name, edges in cells.items():
        if any(MAX_POOL in edge.ops for edge in edges):
            raise StageError(
                f"{name}: policy v4 searches without max-pools, but its edges have {MAX_POOL}",
                f"take {MAX_POOL} out of the edges of the cell, or choose policy v3",
            )
