"""What to think of a search's result: whether it collapsed, whether it decided at all, how far seeds agree. Pure Python.

DARTS and its kin may end with skip connections nearly everywhere: an identity learns nothing, so its gradient is the
strongest while the other ops are young (Zela et al., 2020; Chu et al., 2020).
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from support.derivation.cells import IDENTITY, Choice, Edge
from support.derivation.places import Place

# More of a cell's nodes than this keep an identity, of at least two: called a collapse. An independent choice among six
# ops would give one in six.
COLLAPSED_SHARE = 0.5
# The best op of an edge has this many times the probability that it would have by chance, or less: nothing was decided.
UNDECIDED_RATIO = 1.05
SCORES = ("validation_top1", "validation_loss")
"""Of the last epoch of a search."""


@dataclass(frozen=True)
class Found:
    """One finished search. scores: by SCORES. places: of searched bit widths and numbers of channels; chosen: by place."""

    seed: int
    cells: dict[str, list[Choice]]
    edges: dict[str, list[Edge]]
    scores: dict[str, float]
    places: Sequence[Place] = ()
    chosen: Mapping[str, str] = field(default_factory=dict)


def collapsed_cells(cells: dict[str, list[Choice]]) -> list[str]:
    """The cells of which most nodes keep an identity. One node is no pattern: cells of one node are counted together."""
    skips = {name: sum(it.op == IDENTITY for it in choices) for name, choices in cells.items()}
    alone = [name for name, choices in cells.items() if len(choices) == 1]
    is_pattern = sum(skips[name] for name in alone) > max(1, COLLAPSED_SHARE * len(alone))
    return [
        name
        for name, choices in cells.items()
        if skips[name] > COLLAPSED_SHARE * len(choices) and (len(choices) > 1 or is_pattern)
    ]


def undecided(found: Found) -> list[str]:
    """`group0 0-1`: what has a best alternative that is hardly likelier than any other."""
    return [
        it.name
        for it in _choices(found)
        if len(it.weights) > 1 and max(it.weights) * len(it.weights) <= UNDECIDED_RATIO
    ]


def mean_entropy(found: Found) -> tuple[float, float]:
    """Of softmax(alpha) over all choices, in nats, and what it is when nothing is decided."""
    weights = [it.weights for it in _choices(found)]
    entropies = [-sum(p * math.log(p) for p in of_one if p > 0) for of_one in weights]
    return statistics.fmean(entropies), statistics.fmean(math.log(len(it)) for it in weights)


def _choices(found: Found) -> list[Place]:
    """The edges, `group0 0-1`, and the places."""
    of_edges = [
        Place(f"{name} {edge.source}-{edge.node}", edge.ops, edge.weights, edge.trained)
        for name, cell in found.edges.items()
        for edge in cell
    ]
    return [*of_edges, *found.places]


def findings(found: Found) -> dict[str, Any]:
    """For the result of a search."""
    entropy, highest = mean_entropy(found)
    never = [
        f"{it.name} {word}"
        for it in _choices(found)
        for word, times in zip(it.alternatives, it.trained, strict=True)
        if times == 0
    ]
    return {
        "seed": found.seed,
        **found.scores,
        "entropy_nats": entropy,
        "entropy_nats_highest": highest,
        "collapsed_cells": collapsed_cells(found.cells),
        "undecided_edges": undecided(found),
        "never_trained": never,
    }


def warnings(found: Found) -> list[str]:
    """What a person should hear of it."""
    about, choices = findings(found), len(_choices(found))
    kinds = {place.kind for place in found.places} or {"edges"}
    what = "choices" if (found.places and found.edges) or len(kinds) > 1 else next(iter(kinds))
    said = []
    if about["collapsed_cells"]:
        cells = _some(about["collapsed_cells"])
        said.append(
            f"warning: skip-connection collapse: most nodes of {cells} keep an identity, which DARTS-like searches drift "
            "to; fewer epochs, a higher rate of the weights or another estimator may help"
        )
    open_ones = len(about["undecided_edges"])
    best = "alternative" if found.places else "op"
    if open_ones:
        said.append(
            f"warning: {open_ones} of {choices} {what} are undecided: their best {best} is at most "
            f"{UNDECIDED_RATIO - 1:.0%} likelier than chance; more epochs or a higher rate of the alphas may help"
        )
    if about["never_trained"]:
        said.append(
            f"warning: no weight update ever ran {len(about['never_trained'])} {best}s: {_some(about['never_trained'])}"
        )
    return said


def best_of(searches: Sequence[Found]) -> Found:
    """The highest validation accuracy, then the lowest loss, then the first seed."""
    return min(
        searches,
        key=lambda it: (-it.scores["validation_top1"], it.scores["validation_loss"], it.seed),
    )


def spread(searches: Sequence[Found]) -> dict[str, Any]:
    """How far the seeds agree. agreement: of all pairs of seeds, the share of nodes that keep the same op of the same node."""
    accuracies = [found.scores["validation_top1"] for found in searches]
    choices = [
        [
            *((it.op, it.source) for cell in found.cells.values() for it in cell),
            *((word, 0) for word in found.chosen.values()),
        ]
        for found in searches
    ]
    pairs = [(a, b) for i, a in enumerate(choices) for b in choices[i + 1 :]]
    same = [x == y for a, b in pairs for x, y in zip(a, b, strict=True)]
    return {
        "validation_top1_mean": statistics.fmean(accuracies),
        "validation_top1_std": statistics.stdev(accuracies) if len(accuracies) > 1 else 0.0,
        "agreement": statistics.fmean(same) if same else 1.0,
        "seeds": [findings(found) for found in searches],
    }


def seeds_words(agreed: dict[str, Any]) -> str:
    """agreed: what `spread` found."""
    return (
        f"{len(agreed['seeds'])} seeds: validation {agreed['validation_top1_mean']:.2%} +- "
        f"{agreed['validation_top1_std']:.2%}, {agreed['agreement']:.0%} of the choices agree"
    )


def _some(items: list[str]) -> str:
    return ", ".join(items[:3]) + (", ..." if len(items) > 3 else "")
