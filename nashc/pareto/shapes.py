"""What a picture is made of: few shapes in pixels, y downwards. SVG and PNG are two ways to put them down."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

Place = tuple[float, float]
HALO = 4.0
"""Pixels of a halo, half of them outside of the letters."""


@dataclass(frozen=True)
class Line:
    points: tuple[Place, ...]
    colour: str
    width: float = 1.0
    dash: tuple[float, float] | None = None
    opacity: float = 1.0


@dataclass(frozen=True)
class Mark:
    """A marker of a point. outline: around the middle, empty for a circle. row: of the point, to be asked for by hand."""

    x: float
    y: float
    radius: float
    outline: tuple[Place, ...]
    fill: str
    stroke: str
    width: float = 1.0
    opacity: float = 1.0
    row: int | None = None

    @property
    def corners(self) -> tuple[Place, ...]:
        return tuple((self.x + self.radius * x, self.y + self.radius * y) for x, y in self.outline)


@dataclass(frozen=True)
class Text:
    """y: of the baseline. is_upright: read from below. halo: the colour around the letters, where they stand over lines."""

    x: float
    y: float
    words: str
    size: float = 12.0
    colour: str = "#1f2733"
    anchor: Literal["start", "middle", "end"] = "start"
    is_bold: bool = False
    is_upright: bool = False
    halo: str = ""


@dataclass(frozen=True)
class Box:
    x: float
    y: float
    width: float
    height: float
    fill: str
    stroke: str


Shape = Line | Mark | Text | Box


@dataclass(frozen=True)
class Picture:
    width: float
    height: float
    title: str
    shapes: tuple[Shape, ...]


def _polygon(corners: int, turn: float = 0.0, radius: float = 1.0) -> tuple[Place, ...]:
    """A regular one, the first corner at the top."""
    angles = [2 * math.pi * (i + turn) / corners for i in range(corners)]
    return tuple((radius * math.sin(a), -radius * math.cos(a)) for a in angles)


def _star() -> tuple[Place, ...]:
    outer, inner = _polygon(5, radius=1.3), _polygon(5, 0.5, 0.55)
    return tuple(place for pair in zip(outer, inner, strict=True) for place in pair)


def _cross() -> tuple[Place, ...]:
    a, b = 0.38, 1.1
    return (
        *((-a, -b), (a, -b), (a, -a), (b, -a), (b, a), (a, a)),
        *((a, b), (-a, b), (-a, a), (-b, a), (-b, -a), (-a, -a)),
    )


# Outlines of equal weight to the eye, the plainest first.
OUTLINES: tuple[tuple[Place, ...], ...] = (
    (),
    _polygon(4, 0.5, 1.25),
    _polygon(3, radius=1.35),
    _polygon(4, radius=1.3),
    _polygon(3, 1.5, 1.35),
    _cross(),
    _star(),
    _polygon(6, radius=1.1),
)
