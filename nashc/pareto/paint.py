"""How points look: a colour for each network, an outline for each choice of bit widths."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from nashc.pareto.rows import Row
from nashc.pareto.shapes import OUTLINES, Place

PAPER, INK, MUTED, GRID, FRAME, LIMIT, FRONT = (
    *("#ffffff", "#1f2733", "#5d6778", "#e6e9ee", "#b4bbc6", "#c0392b", "#8a94a3"),
)
# Told apart by most eyes, also where red and green are one colour (after Okabe and Ito).
COLOURS = (
    *("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00"),
    *("#56b4e9", "#6b4c9a", "#8c6d31", "#4d4d4d", "#b2c200"),
)
RADIUS, SMALL = 5.0, 2.4


@dataclass(frozen=True)
class Paint:
    """How points look: colours by network, outlines by bit widths; the same whichever of them are drawn."""

    colours: dict[str, str]
    outlines: dict[str, tuple[Place, ...]]

    @staticmethod
    def of(rows: Sequence[Row]) -> Paint:
        networks = dict.fromkeys(row.point.network for row in rows)
        bits = dict.fromkeys(row.point.bits for row in rows)
        return Paint(
            {name: _colour(i) for i, name in enumerate(networks)},
            {name: OUTLINES[i % len(OUTLINES)] for i, name in enumerate(bits)},
        )

    def colour(self, row: Row) -> str:
        return self.colours[row.point.network]

    def outline(self, row: Row) -> tuple[Place, ...]:
        return self.outlines[row.point.bits]


def _colour(index: int) -> str:
    """The second ten networks have the colours of the first in dark, the third in light."""
    turn, place = divmod(index, len(COLOURS))
    towards, share = ((0, 0.0), (0, 0.5), (255, 0.5))[turn % 3]
    parts = (int(COLOURS[place][i : i + 2], 16) for i in (1, 3, 5))
    return "#" + "".join(f"{round(part + share * (towards - part)):02x}" for part in parts)
