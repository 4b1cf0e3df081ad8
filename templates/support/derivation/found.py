"""What a search leaves of an architecture: genotype.json for programs, found.nash for people and nashc. Pure Python.

Both are made from the choices and their provenance alone, so that the search and the derivation within a budget, which begins
with the search's genotype.json, write the same.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from support.budget.costs import FIGURES
from support.derivation.cells import Edge, genotype_json, genotype_text
from support.derivation.findings import SCORES, Found, findings, seeds_words, warnings
from support.derivation.places import BITS, CHANNELS, Place, kind_of, places_text
from support.files import write_json, write_text

DISPLACED = 3
"""So many nodes and places are told in found.nash that the budget made keep something else."""


def provenance_of(found: Found, about: Mapping[str, Any]) -> dict[str, Any]:
    """about: how the search was done, or what is said of it already."""
    return {
        **about,
        "seed": found.seed,
        "findings": findings(found),
        "weights": {name: [asdict(edge) for edge in cell] for name, cell in found.edges.items()},
        **({"places": [asdict(place) for place in found.places]} if found.places else {}),
    }


def edges_of(provenance: Mapping[str, Any]) -> dict[str, list[Edge]]:
    """The edges as the search ended with them."""
    return {
        name: [
            Edge(
                it["source"],
                it["node"],
                tuple(it["ops"]),
                tuple(it["weights"]),
                it["changes_channels"],
                tuple(it["trained"]),
            )
            for it in cell
        ]
        for name, cell in provenance["weights"].items()
    }


def places_of(provenance: Mapping[str, Any]) -> list[Place]:
    """Those of searched bit widths and numbers of channels, as the search ended with them."""
    return [
        Place(it["name"], tuple(it["alternatives"]), tuple(it["weights"]), tuple(it["trained"]))
        for it in provenance.get("places", ())
    ]


def scores_of(provenance: Mapping[str, Any]) -> dict[str, float]:
    return {name: provenance["findings"][name] for name in SCORES}


def write_found(
    out: Path, found: Found, provenance: Mapping[str, Any]
) -> tuple[dict[str, Any], str]:
    """genotype.json and found.nash in `out`; the content of both."""
    genotype = {"cells": genotype_json(found.cells), "provenance": dict(provenance)}
    remarks = _remarks(found, provenance)
    blocks = [genotype_text(found.cells, remarks)] if found.cells else []
    if found.chosen:
        for name, kind in (("bits", BITS), ("channels", CHANNELS)):
            own = {place: word for place, word in found.chosen.items() if kind_of(place) == kind}
            genotype |= {name: own} if own else {}
        lists = provenance["bit_lists"], provenance.get("backbone")
        remaining = () if blocks else remarks
        about = provenance["network"], *lists, found.places, found.chosen, remaining
        blocks.append(places_text(*about))
    text = "\n".join(blocks)
    write_json(out / "genotype.json", genotype)
    write_text(out / "found.nash", text)
    return genotype, text


def _remarks(found: Found, about: Mapping[str, Any]) -> list[str]:
    estimator = " ".join(str(value) for value in about["estimator"].values())
    policy = f"policy {about['policy']}, " if found.cells else ""
    spread, budget, cost = about.get("spread"), about.get("budget"), about.get("cost")
    return [
        f"Found by nashc for {about['network']}: {policy}estimator {estimator},",
        f"{about['epochs']} epoch{'' if about['epochs'] == 1 else 's'} on {about['data']}, batch {about['batch']}, seed {found.seed}.",
        *([f"The best of {seeds_words(spread)}."] if spread else []),
        *(_cost_remarks(cost, budget["limits"] if budget else {}) if cost else []),
        *(budget_remarks(budget) if budget else []),
        *warnings(found),
    ]


def _cost_remarks(cost: Mapping[str, int], limits: Mapping[str, int]) -> list[str]:
    """What the network costs, beside what it may."""
    allowed = {name: f" (of {limit:,})" for name, limit in limits.items()}
    return ["Costs " + ", ".join(f"{cost[it]:,} {it}{allowed.get(it, '')}" for it in FIGURES) + "."]


def _where(displaced: Mapping[str, Any]) -> str:
    """The node of a cell, or the place of bit widths."""
    return displaced.get("place") or f"{displaced['cell']} node {displaced['node']}"


def budget_remarks(budget: Mapping[str, Any]) -> list[str]:
    """What the budget changed, and how good the network is among those within it."""
    displaced: Sequence[Mapping[str, Any]] = budget["displaced"]
    if not displaced:
        return ["Without the budget it would be the same network."]
    told = [f"{_where(it)} {it['without']}" for it in displaced[:DISPLACED]]
    more = f" and {len(displaced) - DISPLACED} more" if len(displaced) > DISPLACED else ""
    said = [f"Without the budget it would keep: {', '.join(told)}{more}."]
    if budget["is_proven"]:
        return [*said, "Of all networks within the budget the most probable one, proven."]
    factor = math.exp(min(budget["gap_nats"], 700.0))  # the largest float is e^709
    return [
        *said,
        f"The most probable network found within the budget; none is more than {factor:.3g} times as probable.",
    ]
