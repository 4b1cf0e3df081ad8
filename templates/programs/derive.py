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

from support.derive_bits_within import DerivedBits, derive_bits_within
from support.derive_both_within import derive_both_within
from support.derive_places import counted
from support.derive_within import Derived, derive_within
from support.files import read_json
from support.found import edges_of, places_of, provenance_of, scores_of, write_found
from support.progress import Progress
from support.search_bit_costs import BitCosts
from support.search_costs import SearchCosts, cost_of
from support.search_findings import Found, warnings
from support.search_joint_costs import JointCosts
from support.stage import main
from support.within_budget import Answer

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
    if "places" in settings and "options" in settings:
        return _both(args, settings, searched, progress)
    if "places" in settings:
        return _bits(args, settings, searched, progress)
    costs, limits = SearchCosts.of(settings), settings["limits"]

    def tell(done: int, most: int) -> None:
        progress.update(done, most, unit="partial networks at most")

    derived = derive_within(edges_of(searched), settings["policy"], costs, limits, tell)
    found = Found(searched["seed"], derived.cells, edges_of(searched), scores_of(searched))
    budget = _about(derived.answer, limits, _nodes(derived))
    about = {
        **searched,
        "policy": settings["policy"],
        "cost": cost_of(costs, derived.cells),
        "budget": budget,
    }
    nodes = sum(len(choices) for choices in derived.cells.values())
    return _written(args.out, found, about, f"{nodes} ops", progress)


def _bits(
    args: argparse.Namespace,
    settings: dict[str, Any],
    searched: dict[str, Any],
    progress: Progress,
) -> dict[str, Any]:
    """The same of a search for bit widths or numbers of channels."""
    costs, limits, places = BitCosts.of(settings), settings["limits"], places_of(searched)
    derived = derive_bits_within(places, costs, limits)
    scores = scores_of(searched)
    found = Found(searched["seed"], {}, edges_of(searched), scores, places, derived.bits)
    budget = _about(derived.answer, limits, _places(derived))
    about = {**searched, "cost": costs.of_widths(derived.bits), "budget": budget}
    return _written(args.out, found, about, " and ".join(counted(derived.bits)), progress)


def _both(
    args: argparse.Namespace,
    settings: dict[str, Any],
    searched: dict[str, Any],
    progress: Progress,
) -> dict[str, Any]:
    """The same of a search for ops and bit widths."""
    costs, limits, places = JointCosts.of(settings), settings["limits"], places_of(searched)
    edges, policy = edges_of(searched), settings["policy"]

    def tell(done: int, most: int) -> None:
        progress.update(done, most, unit="paces")

    derived = derive_both_within(edges, policy, places, costs, limits, tell)
    cells, bits = derived.ops.cells, derived.widths.bits
    found = Found(searched["seed"], cells, edges, scores_of(searched), places, bits)
    displaced = [*_nodes(derived.ops), *_places(derived.widths)]
    about = {
        **searched,
        "policy": policy,
        "cost": costs.of_network(derived.picks),
        "budget": _about(derived.ops.answer, limits, displaced),
    }
    nodes = sum(len(choices) for choices in cells.values())
    what = " and ".join([f"{nodes} ops", *counted(bits)])
    return _written(args.out, found, about, what, progress)


def _written(
    out: Path, found: Found, about: dict[str, Any], what: str, progress: Progress
) -> dict[str, Any]:
    genotype, text = write_found(out, found, provenance_of(found, about))
    for line in (*warnings(found), *text.splitlines()):
        progress.log(line)
    changed = len(about["budget"]["displaced"])
    return genotype | {
        "out": str(out),
        "summary": f"{changed} of {what} are others than without the budget: {out / 'found.nash'}",
    }


def _about(
    answer: Answer, limits: dict[str, int], displaced: list[dict[str, Any]]
) -> dict[str, Any]:
    """is_proven: no network within the limits is more probable. gap_nats: how much more one might be, as a logarithm."""
    return {
        "limits": limits,
        "loss_nats": answer.loss,
        "gap_nats": max(0.0, answer.loss - answer.bound),
        "is_proven": answer.is_best,
        "displaced": displaced,
    }


def _places(derived: DerivedBits) -> list[dict[str, Any]]:
    return [
        {"place": place, "without": best, "within": kept} for place, best, kept in derived.displaced
    ]


def _nodes(derived: Derived) -> list[dict[str, Any]]:
    return [
        {
            "cell": cell,
            "node": kept.node,
            "without": f"{best.op} from {best.source}",
            "within": f"{kept.op} from {kept.source}",
        }
        for cell, best, kept in derived.displaced
    ]


if __name__ == "__main__":
    sys.exit(run())
