"""Derive the architecture that stays within the hardware budget, from the probabilities that a search ended with.

A budget does not change what a search learns, so one search serves any number of budgets: change the spec, compile it again,
and run this program alone. settings/derive.json has the limits and what every op costs.
Writes genotype.json and found.nash (to paste into the spec), as search.py does without a budget.
"""

from __future__ import annotations

if __name__ == "__main__":
    from support.beginning import end_at_once

    end_at_once()

import argparse
import sys
from functools import partial
from pathlib import Path
from typing import Any

from support.budget.costs import SearchCosts
from support.budget.joint_costs import JointCosts
from support.derivation.findings import Found, warnings
from support.derivation.found import edges_of, places_of, provenance_of, scores_of, write_found
from support.derivation.jointly_within import derive_jointly_within
from support.derivation.places import counted
from support.derivation.within import Derived, derive_within
from support.files import read_json, read_settings
from support.progress import Progress
from support.stage import main

HERE = Path(__file__).resolve().parent


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--search",
        type=Path,
        default=HERE / "results" / "search" / "genotype.json",
        metavar="FILE",
        help="genotype.json of the search",
    )
    parser.add_argument("--out", type=Path, default=HERE / "results" / "derive", metavar="DIR")


@main("derive", arguments=add_arguments)
def run(args: argparse.Namespace, progress: Progress) -> dict[str, Any]:
    settings = read_settings(HERE, "derive")
    searched = read_json(args.search, "search.py writes it")["provenance"]
    derived = _derived(settings, searched, progress)
    edges, places = edges_of(searched), places_of(searched)
    scores = scores_of(searched)
    found = Found(searched["seed"], derived.cells, edges, scores, places, derived.chosen)
    budget = _about(derived, settings["limits"])
    about = {**searched, "policy": settings["policy"], "cost": derived.figures, "budget": budget}
    genotype, text = write_found(args.out, found, provenance_of(found, about))
    for line in (*warnings(found), *text.splitlines()):
        progress.log(line)
    ops = sum(map(len, found.cells.values()))
    what = " and ".join([f"{ops} ops"] * bool(ops) + counted(found.chosen))
    changed = len(budget["displaced"])
    return genotype | {
        "out": str(args.out),
        "summary": f"{changed} of {what} are others than without the budget: {args.out / 'found.nash'}",
    }


def _derived(settings: dict[str, Any], searched: dict[str, Any], progress: Progress) -> Derived:
    """By the chooser for what was searched: ops alone, or bit widths, with ops or without."""
    edges, policy, limits = edges_of(searched), settings["policy"], settings["limits"]
    if "places" in settings:
        tell = partial(progress.update, unit="paces")
        costs = JointCosts.of(settings)
        return derive_jointly_within(edges, policy, places_of(searched), costs, limits, tell)
    tell = partial(progress.update, unit="partial networks at most")
    return derive_within(edges, policy, SearchCosts.of(settings), limits, tell)


def _about(derived: Derived, limits: dict[str, int]) -> dict[str, Any]:
    """is_proven: no network within the limits is more probable. gap_nats: how much more one might be, as a logarithm."""
    answer = derived.answer
    nodes = [
        {
            "cell": cell,
            "node": kept.node,
            "without": f"{best.op} from {best.source}",
            "within": f"{kept.op} from {kept.source}",
        }
        for cell, best, kept in derived.displaced
    ]
    places = [
        {"place": place, "without": best, "within": kept}
        for place, best, kept in derived.displaced_places
    ]
    return {
        "limits": limits,
        "loss_nats": answer.loss,
        "gap_nats": max(0.0, answer.loss - answer.bound),
        "is_proven": answer.is_best,
        "displaced": [*nodes, *places],
    }


if __name__ == "__main__":
    sys.exit(run())
