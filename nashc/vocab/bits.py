"""Bit widths as a spec writes them: `w2a2`, `w8`, `a4`."""

from __future__ import annotations

import re
from dataclasses import dataclass

LOWEST, HIGHEST = 1, 8
_WRITTEN = re.compile(r"(?:w(\d+))?(?:a(\d+))?$")


@dataclass(frozen=True)
class Bits:
    """Bits of weights and of activations; None where the spec leaves one open."""

    weight: int | None = None
    act: int | None = None

    def over(self, other: Bits) -> Bits:
        """These bits, with the open ones taken from another."""
        return Bits(
            other.weight if self.weight is None else self.weight,
            other.act if self.act is None else self.act,
        )

    def __str__(self) -> str:
        weight = "" if self.weight is None else f"w{self.weight}"
        return weight + ("" if self.act is None else f"a{self.act}")


def read_bits(word: str) -> Bits | None:
    """`w2a2` as Bits, None when the word is not written like bit widths; ranges are not checked."""
    match = _WRITTEN.match(word)
    if not match or not word:
        return None
    weight, act = match.groups()
    return Bits(int(weight) if weight else None, int(act) if act else None)


def out_of_range(bits: Bits) -> bool:
    """Whether a given width lies outside 1..8 (paper, section III-B)."""
    given = [width for width in (bits.weight, bits.act) if width is not None]
    return any(not LOWEST <= width <= HIGHEST for width in given)
