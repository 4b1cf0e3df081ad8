"""A graph as one SVG: no scripts, no fonts from elsewhere, the same bytes for the same graph."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape  # xml.sax's loads a web client: 30 ms

from nashc.emit.picture.boxes import (
    boxes,
    candidates,
    details,
    extent,
    operation,
    paint,
    short,
)
from nashc.emit.picture.heat import Heat, scale
from nashc.emit.picture.layout import (
    LETTER,
    LINE,
    MARGIN,
    PAD,
    PILL,
    PILLS_PER_ROW,
    Band,
    Layout,
    Place,
    Wire,
    layout,
)
from nashc.ir import Graph

FONT = "Helvetica, Arial, 'DejaVu Sans', sans-serif"
INK, MUTED, BAND, BAND_LINE = "#1f2733", "#5d6778", "#f6f7f9", "#dfe3e8"
WIRES = {"spine": "#3d4757", "shortcut": "#3f86c6", "nas": "#d0568f"}
WIRE_WORDS = {"spine": "backbone", "shortcut": "shortcut", "nas": "cell"}
HEADING, LEGEND_ROW = 62, 24


def svg(graph: Graph, heat: Heat | None = None) -> str:
    """The picture of a graph with at least one node, typed or not.

    heat: colours the boxes by what they cost, and writes the cost where the shape stands otherwise.
    """
    shown = boxes(graph)
    sheet = layout(shown)
    width = max(sheet.width, 480.0, len(graph.name) * 12 + 2 * MARGIN)
    ops = dict.fromkeys(_legend_ops(sheet))
    kinds = [kind for kind in WIRES if any(wire.kind == kind for wire in sheet.wires)]
    if heat:
        legend, legend_height = _scale(heat), LEGEND_ROW + 12.0
    else:
        legend, legend_height = _legend(list(ops), kinds, width)
    top = HEADING + legend_height
    shift = (width - sheet.width) / 2
    size = f"{tenths(width)} {tenths(top + sheet.height)}"
    attributes = (
        f'width="{tenths(width)}" height="{tenths(top + sheet.height)}" viewBox="0 0 {size}" role="img" '
        f'font-family="{FONT}" font-size="11" fill="{INK}"'
    )
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {attributes}>',
        f"<title>{_text(graph.name)}</title>",
        '<rect width="100%" height="100%" fill="#ffffff"/>',
        f'<text x="{MARGIN}" y="34" font-size="18" font-weight="bold">{_text(graph.name)}</text>',
        f'<text x="{MARGIN}" y="52" fill="{MUTED}">{_text(_summary(graph))}</text>',
        *legend,
        f'<g transform="translate({tenths(shift)} {tenths(top)})">',
        *(line for band in sheet.bands for line in _band(band, sheet)),
        *(line for kind in ("nas", "shortcut", "spine") for line in _wires(kind, sheet)),
        *(line for place in sheet.places for line in _place(place, heat)),
        "</g>",
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _summary(graph: Graph) -> str:
    first, last = extent(graph.nodes[0]), extent(graph.output)
    ends = f", {first} to {last}" if first and last else ""
    return f"{len(graph.nodes)} nodes{ends}"


def _legend_ops(sheet: Layout) -> Iterable[str]:
    for place in sheet.places:
        yield place.box.layer.op
        yield from (op.split(" ", 1)[0] for op in candidates(place.box))


def _legend(ops: list[str], kinds: list[str], width: float) -> tuple[list[str], float]:
    """Lines of the legend, which wraps at the width of the picture, and its height."""
    lines: list[str] = []
    x, y = float(MARGIN), float(HEADING) + 8
    for word, kind in [(op, "") for op in ops] + [(WIRE_WORDS[kind], kind) for kind in kinds]:
        step = 24 + len(word) * LETTER + 16
        if x + step > width - MARGIN and x > MARGIN:
            x, y = float(MARGIN), y + LEGEND_ROW
        if kind:
            colour = f'stroke="{WIRES[kind]}" stroke-width="2"'
            lines.append(f'<path d="M{tenths(x)} {tenths(y + 6)}h18" fill="none" {colour}/>')
        else:
            colours = _colours(word)
            lines.append(
                f'<rect x="{tenths(x)}" y="{tenths(y)}" width="18" height="12" rx="3" {colours}/>'
            )
        lines.append(f'<text x="{tenths(x + 24)}" y="{tenths(y + 10)}">{_text(word)}</text>')
        x += step
    return lines, y + LEGEND_ROW + 12 - HEADING


def _band(band: Band, sheet: Layout) -> Iterable[str]:
    inset = MARGIN / 2
    yield (
        f'<rect x="{tenths(inset)}" y="{tenths(band.y)}" width="{tenths(sheet.width - 2 * inset)}" '
        f'height="{tenths(band.height)}" rx="10" fill="{BAND}" stroke="{BAND_LINE}"/>'
    )
    yield (
        f'<text x="{tenths(inset + 12)}" y="{tenths(band.y + 22)}" font-size="13" font-weight="bold" '
        f'fill="{MUTED}">{_text(band.name)}</text>'
    )


def _wires(kind: str, sheet: Layout) -> Iterable[str]:
    colour = WIRES[kind]
    width = "2" if kind == "spine" else "1.4"
    for wire in sheet.wires:
        if wire.kind == kind:
            x, y = wire.points[-1]
            yield f'<path d="{_path(wire)}" fill="none" stroke="{colour}" stroke-width="{width}"/>'
            yield f'<path d="M{tenths(x - 4)} {tenths(y - 7)}h8L{tenths(x)} {tenths(y)}Z" fill="{colour}"/>'


def _path(wire: Wire) -> str:
    (x, y), *rest = wire.points
    parts = [f"M{tenths(x)} {tenths(y)}"]
    for to_x, to_y in rest:
        if to_x == x:
            parts.append(f"V{tenths(to_y)}")
        else:
            middle = (y + to_y) / 2
            parts.append(
                f"C{tenths(x)} {tenths(middle)} {tenths(to_x)} {tenths(middle)} {tenths(to_x)} {tenths(to_y)}"
            )
        x, y = to_x, to_y
    return "".join(parts)


def _place(place: Place, heat: Heat | None) -> Iterable[str]:
    """The box of a layer; what a reader may point at names every node in it."""
    box = place.box
    title, fill, corner = ", ".join(node.name for node in box.nodes), "", extent(box.nodes[-1])
    if heat:
        cost = heat.of(box)
        title = "\n".join(filter(None, [title, corner, heat.note(box)]))
        fill, corner = heat.colour(box), "" if cost is None else f"{cost:,}"
    left, right = place.x + PAD, place.x + place.width - PAD
    y = place.y + PAD + 11
    yield "<g>"
    yield f"<title>{_text(title)}</title>"
    yield (
        f'<rect x="{tenths(place.x)}" y="{tenths(place.y)}" width="{tenths(place.width)}" '
        f'height="{tenths(place.height)}" rx="7" {_colours(box.layer.op, fill)}/>'
    )
    yield f'<text x="{tenths(left)}" y="{tenths(y)}" font-weight="bold">{_text(short(box.name))}</text>'
    y += LINE
    yield f'<text x="{tenths(left)}" y="{tenths(y)}">{_text(operation(box.layer))}</text>'
    ink = f'font-weight="bold" fill="{INK}"' if heat else f'fill="{MUTED}"'
    yield f'<text x="{tenths(right)}" y="{tenths(y)}" text-anchor="end" {ink}>{_text(corner)}</text>'
    if words := details(box):
        y += LINE
        tone = INK if heat else MUTED
        yield f'<text x="{tenths(left)}" y="{tenths(y)}" fill="{tone}">{_text(words)}</text>'
    yield from _pills(place, y + 7)
    yield "</g>"


def _pills(place: Place, top: float) -> Iterable[str]:
    """The candidates of a choice, each in the colour of its op."""
    width = (place.width - 2 * PAD - 4) / PILLS_PER_ROW
    for index, op in enumerate(candidates(place.box)):
        row, column = divmod(index, PILLS_PER_ROW)
        x, y = place.x + PAD + column * (width + 4), top + row * PILL
        yield (
            f'<rect x="{tenths(x)}" y="{tenths(y)}" width="{tenths(width)}" height="{PILL - 3}" rx="8" '
            f"{_colours(op)}/>"
        )
        yield (
            f'<text x="{tenths(x + width / 2)}" y="{tenths(y + 11.5)}" text-anchor="middle" '
            f'font-size="10">{_text(op)}</text>'
        )


def _scale(heat: Heat) -> list[str]:
    """The legend of costs: from none to the dearest layer."""
    x, y, steps, width = float(MARGIN), float(HEADING) + 8, 20, 9
    lines = [f'<text x="{tenths(x)}" y="{tenths(y + 10)}">{_text(heat.label)}: 0</text>']
    x += LETTER * (len(heat.label) + 3) + 8
    lines += [
        f'<rect x="{tenths(x + i * width)}" y="{tenths(y)}" width="{width}" height="12" fill="{scale(i / (steps - 1))}"/>'
        for i in range(steps)
    ]
    end = tenths(x + steps * width + 8)
    return [*lines, f'<text x="{end}" y="{tenths(y + 10)}">{heat.most:,}</text>']


def _colours(op: str, fill: str = "") -> str:
    colours = paint(op)
    return f'fill="{escape(fill or colours.fill)}" stroke="{escape(colours.line)}"'


def _text(words: str) -> str:
    return escape(words, quote=False)


def tenths(value: float) -> str:
    """A coordinate: enough for the eye, and no digits that differ between machines."""
    return f"{value + 0.0:.1f}".removesuffix(".0")  # + 0.0 takes the sign from a zero
