"""The best bit widths and channels within a hardware budget, alone or with ops, from the probabilities that a search ends with. Pure Python.

What support/derivation/within.py loses for ops is added up with what places lose by the same rule, in nats: the network is taken
that stays within the budget and for which the product of all that it keeps is the largest. Where the most probable of all
fit, that is what is derived without a budget.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from support.budget.answers import Tell
from support.budget.joint_costs import JointCosts
from support.budget.joint_within import best_jointly_within
from support.derivation.cells import Choice, Edge, ranking
from support.derivation.places import Place, most_probable
from support.derivation.within import Derived, loss_of, nothing_within
from support.progress import StageError

Node = tuple[str, int]
"""Its cell and number."""
Scores = Mapping[tuple[str, int], tuple[Choice, float]]
"""What a node may keep, the best first, by op and source."""


def derive_jointly_within(
    cells: dict[str, Sequence[Edge]],
    policy: str,
    places: Sequence[Place],
    costs: JointCosts,
    limits: Mapping[str, int],
    tell: Tell | None = None,
) -> Derived:
    """cells: none where places were searched alone; then the policy is not asked for. limits: most of each figure of
    support/budget/costs.py. tell: of `best_jointly_within`.

    Errors: StageError as `ranking`, where the costs are of other choices, and if nothing fits.
    """
    ranked = {
        (name, node[0][0].node): {(it.op, it.source): (it, score) for it, score in node}
        for name, nodes in (ranking(cells, policy) if cells else {}).items()
        for node in nodes
    }
    losses = [*_of_places(places, costs), *_of_nodes(ranked, costs)]
    answer = best_jointly_within(costs, losses, limits, tell)
    if answer is None:
        raise nothing_within(limits)
    found: dict[str, list[Choice]] = {name: [] for name in cells}
    displaced = []
    picks = answer.picks[len(places) :]
    for (node, options), pick in zip(costs.options.items(), picks, strict=True):
        kept, _ = ranked[node][options[pick].op, options[pick].source]
        best, _ = next(iter(ranked[node].values()))
        found[node[0]].append(kept)
        if (kept.op, kept.source) != (best.op, best.source):
            displaced.append((node[0], best, kept))
    chosen = {
        it.name: it.alternatives[pick] for it, pick in zip(places, answer.picks, strict=False)
    }
    free = most_probable(places)
    displaced_places = [(name, free[name], it) for name, it in chosen.items() if it != free[name]]
    figures = costs.of_network(answer.picks)
    return Derived(found, figures, answer, displaced, chosen, displaced_places)


def _of_places(places: Sequence[Place], costs: JointCosts) -> list[list[float]]:
    """What each alternative loses."""
    if tuple((it.name, it.alternatives) for it in places) != costs.places:
        raise StageError(
            "settings/derive.json prices other bit widths or channels than the search chose from",
            "search again: the lists of the spec changed since",
        )
    return [[loss_of(max(it.weights), weight) for weight in it.weights] for it in places]


def _of_nodes(ranked: Mapping[Node, Scores], costs: JointCosts) -> list[list[float]]:
    """What each option loses; infinite where the policy does not keep it."""
    losses = []
    for node, options in costs.options.items():
        scores = {key: score for key, (_, score) in ranked.get(node, {}).items()}
        best = max(scores.values(), default=0.0)
        keys = [(it.op, it.source) for it in options]
        losses.append([loss_of(best, scores[it]) if it in scores else math.inf for it in keys])
    if set(ranked) != set(costs.options) or any(min(it) > 0 for it in losses):
        raise StageError(
            "settings/derive.json prices other cells than the search chose from",
            "search again: the cells of the spec changed since",
        )
    return losses
