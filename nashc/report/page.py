"""One HTML page with everything in it: figures, layers, and the network drawn in the colours of its cost."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import ClassVar

from nashc.emit.picture.heat import Heat, scale
from nashc.emit.picture.svg import svg
from nashc.emit.render import render
from nashc.ir import Graph
from nashc.report.figures import RESOURCES, Figures, Layer

COSTS = (("cycles", "cycles"), ("lut", "LUT"), ("bram18", "BRAM18"))


@dataclass(frozen=True)
class Tile:
    """A figure at the head of the page, with its unit or share under it."""

    label: str
    value: str
    note: str


@dataclass(frozen=True)
class Bar:
    """percent: width of the bar, at most 100; state: ok, tight or over."""

    label: str
    text: str
    percent: str
    state: str


@dataclass(frozen=True)
class Drawing:
    """The network in the colours of one cost. key: of the costs; picture: SVG."""

    key: str
    label: str
    picture: str


@dataclass(frozen=True)
class Row:
    """cells: figures; shade: background of the cycles by their part of the slowest layer's."""

    name: str
    nodes: str
    cycles: str
    shade: str
    cells: tuple[str, ...]
    marks: str
    folding: str


@dataclass(frozen=True)
class Page:
    """Every text is escaped here: the template prints it as it is."""

    TEMPLATE: ClassVar[str] = "report/report.html.j2"
    title: str
    subtitle: str
    verdict: str
    state: str
    tiles: tuple[Tile, ...]
    bars: tuple[Bar, ...]
    bottleneck: str
    binds: str
    warnings: tuple[str, ...]
    drawings: tuple[Drawing, ...]
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    holes: tuple[str, ...]


def page(figures: Figures, graph: Graph | None, title: str, subtitle: str = "") -> str:
    """The page of one estimate; the same bytes for the same figures. graph: None if the network is not known any more."""
    letters = {key: chr(ord("a") + i) for i, key in enumerate(figures.marked())}
    slowest = max(layer.cycles for layer in figures.layers)
    return render(
        Page(
            title=escape(title),
            subtitle=escape(subtitle or f"estimated by {figures.tool}"),
            verdict=escape(figures.verdict),
            state=_state(figures),
            tiles=_tiles(figures, letters),
            bars=tuple(_bar(key, label, figures) for key, label in RESOURCES if figures.limits),
            bottleneck=escape(figures.bottleneck),
            binds=escape(figures.binds),
            warnings=tuple(escape(f"{w['layer']}: {w['text']}") for w in figures.warnings),
            drawings=tuple(
                Drawing(key, label, svg(graph, _heat(figures, key, label)))
                for key, label in COSTS
                if graph
            ),
            columns=tuple(label for _, label in RESOURCES),
            rows=tuple(
                _row(layer, slowest, letters)
                for layer in sorted(figures.layers, key=lambda layer: -layer.cycles)
            ),
            holes=tuple(
                f"<b>{letter}</b> {escape(figures.holes[key])}" for key, letter in letters.items()
            ),
        )
    )


def _state(figures: Figures) -> str:
    if figures.fits is None:
        return "tight"
    return "over" if figures.over else "tight" if "on paper" in figures.verdict else "ok"


def _tiles(figures: Figures, letters: dict[str, str]) -> tuple[Tile, ...]:
    network = figures.network
    clock = f"at {1e3 / figures.clock_ns:g} MHz"
    return (
        Tile("frames a second", f"{network['fps']:,.0f}", clock),
        Tile("cycles a frame", f"{network['cycles']:,}", "of the slowest layer"),
        Tile(
            f"latency, ms <sup>{letters['latency']}</sup>",
            f"{network['latency_ms']:.3f}",
            f"see {letters['latency']} below",
        ),
        *(
            Tile(label, f"{network[key]:,}", "at least" if key in figures.at_least else "")
            for key, label in RESOURCES
        ),
    )


def _bar(key: str, label: str, figures: Figures) -> Bar:
    share, limit = figures.share[key], figures.limits[key]
    least = "at least " if key in figures.at_least else ""
    count = f"{least}{figures.network[key]:,} of {limit:,}"
    state = "over" if share > 1 else "tight" if share > 0.8 else "ok"
    text = f"{100 * share:.1f} %, {count}" if limit else count
    return Bar(label, text, f"{min(100.0, 100 * share):.1f}", state)


def _heat(figures: Figures, key: str, label: str) -> Heat:
    costs = {layer.name: _cost(layer, key) for layer in figures.layers}
    known = {name: cost for name, cost in costs.items() if cost is not None}
    notes = {layer.name: layer.folding for layer in figures.layers if layer.folding}
    unknown = {
        layer.name: f"{label} not known" for layer in figures.layers if costs[layer.name] is None
    }
    return Heat(label, known, {**notes, **unknown})


def _cost(layer: Layer, key: str) -> int | None:
    return layer.cycles if key == "cycles" else layer.counts[key]


def _row(layer: Layer, slowest: int, letters: dict[str, str]) -> Row:
    return Row(
        escape(layer.name),
        escape(", ".join(layer.nodes)),
        f"{layer.cycles:,}",
        scale(layer.cycles / slowest if slowest else 0),
        tuple(layer.count(key) for key, _ in RESOURCES),
        "".join(sorted(letters[mark] for mark in layer.marks)),
        escape(layer.folding),
    )
