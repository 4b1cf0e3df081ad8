"""Derive the architecture that stays within the hardware budget, from the probabilities that a search ended with.

A budget does not change what a search learns, so one search serves any number of budgets: change the spec, compile it again,
and run this program alone. settings/derive.json has the limits and what every op costs.
Writes genotype.json and found.nash (to paste into the spec), as search.py does without a budget.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from support.derive_within import Derived, derive_within
from support.files import read_json
from support.found import edges_of, provenance_of, scores_of, write_found
from support.progress import Progress, main
from support.search_costs import SearchCosts, cost_of
from support.search_findings import Found, warnings

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
    settings = read_json(HERE / "settings" / "derive.json")
    searched = read_json(args.search, "search.py writes it")["provenance"]
    costs, limits = SearchCosts.of(settings), settings["limits"]

    def tell(done: int, most: int) -> None:
        progress.update(done, most, unit="partial networks at most")

    derived = derive_within(edges_of(searched), settings["policy"], costs, limits, tell)
    found = Found(searched["seed"], derived.cells, edges_of(searched), scores_of(searched))
    budget = _about(derived, limits)
    about = {
        **searched,
        "policy": settings["policy"],
        "cost": cost_of(costs, derived.cells),
        "budget": budget,
    }
    genotype, text = write_found(args.out, found, provenance_of(found, about))
    for line in (*warnings(found), *text.splitlines()):
        progress.log(line)
    nodes = sum(len(choices) for choices in derived.cells.values())
    return genotype | {
        "out": str(args.out),
        "summary": f"{len(derived.displaced)} of {nodes} ops are others than without the budget: "
        f"{args.out / 'found.nash'}",
    }


def _about(derived: Derived, limits: dict[str, int]) -> dict[str, Any]:
    """is_proven: no network within the limits is more probable. gap_nats: how much more one might be, as a logarithm."""
    answer = derived.answer
    return {
        "limits": limits,
        "loss_nats": answer.loss,
        "gap_nats": max(0.0, answer.loss - answer.bound),
        "is_proven": answer.is_best,
        "displaced": [
            {
                "cell": cell,
                "node": kept.node,
                "without": f"{best.op} from {best.source}",
                "within": f"{kept.op} from {kept.source}",
            }
            for cell, best, kept in derived.displaced
        ],
    }


if __name__ == "__main__":
    sys.exit(run())
