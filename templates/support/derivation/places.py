"""From the alphas of searched bit widths and numbers of channels to one for each place, and to lines of a spec. Pure Python.

Each place takes its most probable alternative; of equal ones the first. Within a budget: support/derivation/jointly_within.py.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Place:
    """Layers that share a choice, after the search. weights: softmax(alpha); trained: weight updates with each alternative.

    name: of bit widths a path, `group0.block1`; of numbers of channels an argument of the backbone, `tiny(width)`.
    """

    name: str
    alternatives: tuple[str, ...]
    weights: tuple[float, ...]
    trained: tuple[int, ...]

    @property
    def kind(self) -> str:
        return kind_of(self.name)


BITS, CHANNELS = "bit widths", "numbers of channels"


def kind_of(place: str) -> str:
    """No path has brackets."""
    return CHANNELS if place.endswith(")") else BITS


def counted(places: Iterable[str]) -> list[str]:
    """`["3 bit widths", "1 number of channels"]`, without what there is none of."""
    kinds = Counter(map(kind_of, places))
    one = {BITS: "1 bit width", CHANNELS: "1 number of channels"}
    return [
        one[kind] if kinds[kind] == 1 else f"{kinds[kind]} {kind}"
        for kind in (BITS, CHANNELS)
        if kinds[kind]
    ]


def most_probable(places: Sequence[Place]) -> dict[str, str]:
    """What each place keeps without a budget."""
    best = (max(range(len(it.weights)), key=it.weights.__getitem__) for it in places)
    return {it.name: it.alternatives[pick] for it, pick in zip(places, best, strict=True)}


def places_text(
    network: str,
    bits: Sequence[Mapping[str, Any]],
    backbone: Mapping[str, Any] | None,
    places: Sequence[Place],
    chosen: Mapping[str, str],
    comments: Sequence[str] = (),
) -> str:
    """The block of a spec that puts one alternative where a list stood. bits, backbone: of settings/search.json.

    The line of a list of bit widths gets the width that most of its places chose; the other places have lines of their own.
    """
    probability = {it.name: it.weights[it.alternatives.index(chosen[it.name])] for it in places}

    def told(names: Iterable[str]) -> str:
        return ", ".join(f"{name} {chosen[name]} {probability[name]:.4f}" for name in names)

    lines = [f"# {comment}".rstrip() for comment in comments]
    lines += [f"network {network} {{"]
    if backbone:
        arguments = backbone["arguments"]
        said = ", ".join(
            f"{it['name']} = {it.get('text') or chosen[it['place']]}" for it in arguments
        )
        lines += [
            f"  # probabilities: {told(it['place'] for it in arguments if 'place' in it)}",
            f"  backbone = {backbone['backbone']}({said})",
        ]
    lines += ["  bits {"] if bits else []
    for of_list in bits:
        names = [place["name"] for place in of_list["places"]]
        most = Counter(chosen[name] for name in names).most_common(1)[0][0]
        lines += [f"    # probabilities: {told(names)}", f"    {of_list['path']} = {most}"]
        for place in of_list["places"]:
            width = chosen[place["name"]]
            if width != most:
                lines += [f"    {path} = {_half(width, kinds)}" for path, kinds in place["lines"]]
    lines += ["  }"] if bits else []
    return "\n".join([*lines, "}"]) + "\n"


def _half(width: str, kinds: str) -> str:
    """`w2a4` of weights ("w"), of activations ("a") or of both ("wa")."""
    if kinds == "wa":
        return width
    weights, mark, acts = width.partition("a")
    return weights if kinds == "w" else mark + acts
