"""Few networks in which every part of a table of costs is seen with every choice of the places that it meets.

A part meets two or three places of dozens. So networks need not have every choice of all: one shows a choice of each part
at once, and as many do as the largest part has choices, or twice that.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from itertools import count, product

from nashc.diagnostics import Diagnostic, SpecError
from nashc.space.places import Place

MOST_NETWORKS = 1500
"""That are lowered for one table: some ten seconds for a small network."""

Meets = tuple[int, ...]
"""Some places, by index, rising."""
Choices = tuple[int, ...]
"""An alternative for each of some places."""


def choices(meets: Meets, counts: Sequence[int]) -> Iterator[Choices]:
    """counts: alternatives of all places."""
    return product(*(range(counts[place]) for place in meets))


def choices_to_see(
    places: Sequence[Place],
    meets: Iterable[Meets],
    genotypes: int | None = None,
    seen: Sequence[Choices] = (),
) -> list[Choices]:
    """Choices for all places with which every part meets every choice of its places. genotypes: to be seen with each.

    seen: that need not be seen again. Errors: NASH312 or NASH313 where these are more networks than can be lowered.
    """
    counts = [len(place.alternatives) for place in places]
    parts = _largest(meets)
    most = MOST_NETWORKS // (genotypes or 1)
    for part in parts:
        networks = math.prod(counts[place] for place in part) * (genotypes or 1)
        if networks > MOST_NETWORKS:
            raise SpecError([_too_many(places[part[0]], genotypes, f"{networks:,}")])
    found: list[Choices] = []
    for picks in _covering(counts, parts, seen):
        found.append(picks)
        if len(seen) + len(found) > most:
            raise SpecError([_too_many(places[0], genotypes, "")])
    return found


def _covering(
    counts: Sequence[int], parts: Sequence[Meets], seen: Iterable[Choices]
) -> Iterator[Choices]:
    """Greedily: the part with most choices left takes its next one, the others one that goes with what is taken."""
    left = {part: dict.fromkeys(choices(part, counts)) for part in parts}
    rows = iter(seen)
    for number in count():
        row = next(rows, None)
        if row is None:
            if not any(left.values()):
                return
            row = _next_row(counts, left, number)
            yield row
        for part, missing in left.items():
            missing.pop(tuple(row[place] for place in part), None)


def _next_row(
    counts: Sequence[int], left: dict[Meets, dict[Choices, None]], number: int
) -> Choices:
    """number: of the row; places that nothing is left of take one alternative after the other."""
    taken: dict[int, int] = {}
    for part, missing in sorted(left.items(), key=lambda it: -len(it[1])):
        for choice in missing:
            pairs = dict(zip(part, choice, strict=True))
            if all(taken.get(place, pick) == pick for place, pick in pairs.items()):
                taken |= pairs
                break
    return tuple(taken.get(place, number % of_place) for place, of_place in enumerate(counts))


def _largest(meets: Iterable[Meets]) -> list[Meets]:
    """Those that lie in no other, in the order of their places: the others are seen with them."""
    every = [(part, frozenset(part)) for part in sorted(set(meets))]
    return [part for part, own in every if not any(own < other for _, other in every)]


def _too_many(first: Place, genotypes: int | None, networks: str) -> Diagnostic:
    """networks: that one part alone would take; empty where all of them together take too many."""
    code, what = "NASH312", "bit widths"
    hint = "fewer alternatives, or one choice for a block or a group: group* = [w2a2, w4a4]"
    if first.is_of_channels:
        code, what = "NASH313", "numbers of channels"
        hint = "fewer alternatives, or fewer arguments with lists"
    how = "all" if genotypes is None else "with all ops of cells"
    where = "meet in one layer" if networks else "meet"
    text = f"too many {what} {where} to price them {how}: "
    text += f"{networks or f'more than {MOST_NETWORKS:,}'} networks"
    return Diagnostic(code, text, first.span, help=hint)
