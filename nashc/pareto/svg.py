"""A picture as SVG: the same bytes on every machine. Marks of points carry the number of their row."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from nashc.emit.picture.svg import FONT, tenths
from nashc.pareto.shapes import HALO, Box, Line, Mark, Picture, Place, Shape, Text


def svg(picture: Picture, names: Iterable[str] = ()) -> str:
    """names: what a reader who points at the mark of a row is told; by row."""
    told = list(names)
    size = f"{tenths(picture.width)} {tenths(picture.height)}"
    width, height = size.split()
    attributes = f'width="{width}" height="{height}" viewBox="0 0 {size}" role="img"'
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {attributes} font-family="{FONT}">',
        f"<title>{escape(picture.title, quote=False)}</title>",
        '<rect width="100%" height="100%" fill="#ffffff"/>',
        *(_shape(shape, told) for shape in picture.shapes),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _shape(shape: Shape, told: list[str]) -> str:
    match shape:
        case Line():
            dash = (
                f' stroke-dasharray="{tenths(shape.dash[0])} {tenths(shape.dash[1])}"'
                if shape.dash
                else ""
            )
            return (
                f'<polyline points="{_points(shape.points)}" fill="none" stroke="{shape.colour}" '
                f'stroke-width="{tenths(shape.width)}"{dash}{_opacity(shape.opacity)}/>'
            )
        case Box():
            return (
                f'<rect x="{tenths(shape.x)}" y="{tenths(shape.y)}" width="{tenths(shape.width)}" '
                f'height="{tenths(shape.height)}" fill="{shape.fill}" stroke="{shape.stroke}"/>'
            )
        case Text():
            turn = (
                f' transform="rotate(-90 {tenths(shape.x)} {tenths(shape.y)})"'
                if shape.is_upright
                else ""
            )
            anchor = f' text-anchor="{shape.anchor}"' if shape.anchor != "start" else ""
            weight = ' font-weight="bold"' if shape.is_bold else ""
            halo = (
                f' stroke="{shape.halo}" stroke-width="{tenths(HALO)}" stroke-linejoin="round" paint-order="stroke"'
                if shape.halo
                else ""
            )
            return (
                f'<text x="{tenths(shape.x)}" y="{tenths(shape.y)}" font-size="{tenths(shape.size)}" '
                f'fill="{shape.colour}"{halo}{anchor}{weight}{turn}>{escape(shape.words, quote=False)}</text>'
            )
        case Mark():
            return _mark(shape, told)


def _mark(mark: Mark, told: list[str]) -> str:
    paint = f'fill="{mark.fill}" stroke="{mark.stroke}" stroke-width="{tenths(mark.width)}"'
    paint += _opacity(mark.opacity)
    if mark.row is not None:
        paint += f' class="point" data-row="{mark.row}"'
    title = ""
    if mark.row is not None and told:
        title = f"<title>{escape(told[mark.row], quote=False)}</title>"
    if not mark.outline:
        tag, shape = (
            "circle",
            f'cx="{tenths(mark.x)}" cy="{tenths(mark.y)}" r="{tenths(mark.radius)}"',
        )
    else:
        tag, shape = "polygon", f'points="{_points(mark.corners)}"'
    return f"<{tag} {shape} {paint}>{title}</{tag}>" if title else f"<{tag} {shape} {paint}/>"


def _points(points: tuple[Place, ...]) -> str:
    return " ".join(f"{tenths(x)},{tenths(y)}" for x, y in points)


def _opacity(opacity: float) -> str:
    return f' opacity="{opacity:g}"' if opacity != 1 else ""
