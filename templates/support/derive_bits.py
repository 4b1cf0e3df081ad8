"""From the alphas of searched bit widths to one width for each place, and to lines of a spec. Pure Python.

Each place takes its most probable alternative; of equal ones the first. Within a budget: support/derive_bits_within.py.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Place:
    """Layers that share a choice, after the search. weights: softmax(alpha); trained: weight updates with each width."""

    name: str
    alternatives: tuple[str, ...]
    weights: tuple[float, ...]
    trained: tuple[int, ...]


def most_probable(places: Sequence[Place]) -> dict[str, str]:
    """The width of each place without a budget."""
    best = (max(range(len(it.weights)), key=it.weights.__getitem__) for it in places)
    return {it.name: it.alternatives[pick] for it, pick in zip(places, best, strict=True)}


def bits_text(
    network: str,
    lists: Sequence[Mapping[str, Any]],
    places: Sequence[Place],
    chosen: Mapping[str, str],
    comments: Sequence[str] = (),
) -> str:
    """The block of a spec that puts one width where a list stood. lists: "bits" of settings/search.json.

    The line of a list gets the width that most of its places chose; the other places have lines of their own.
    """
    probability = {it.name: it.weights[it.alternatives.index(chosen[it.name])] for it in places}
    lines = [f"# {comment}".rstrip() for comment in comments]
    lines += [f"network {network} {{", "  bits {"]
    for of_list in lists:
        names = [place["name"] for place in of_list["places"]]
        said = ", ".join(f"{name} {chosen[name]} {probability[name]:.4f}" for name in names)
        most = Counter(chosen[name] for name in names).most_common(1)[0][0]
        lines += [f"    # probabilities: {said}", f"    {of_list['path']} = {most}"]
        for place in of_list["places"]:
            width = chosen[place["name"]]
            if width != most:
                lines += [f"    {path} = {_half(width, kinds)}" for path, kinds in place["lines"]]
    return "\n".join([*lines, "  }", "}"]) + "\n"


def _half(width: str, kinds: str) -> str:
    """`w2a4` of weights ("w"), of activations ("a") or of both ("wa")."""
    if kinds == "wa":
        return width
    weights, mark, acts = width.partition("a")
    return weights if kinds == "w" else mark + acts
