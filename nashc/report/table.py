"""The figures on a terminal. Letters behind a layer name the holes in its figures, told below the table."""

from __future__ import annotations

from nashc.diagnostics.model import counted
from nashc.report.figures import RESOURCES, Figures, Layer


def lines(figures: Figures) -> list[str]:
    """All of it: the network, what is to be known about it, and every layer."""
    return [*network(figures), "", *about(figures), "", *layers(figures, holes_of_network=True)]


def network(figures: Figures) -> list[str]:
    """The network in one row, and under it its share of the board."""
    letter, found = _letters(figures)["latency"], figures.network
    table = [
        ["", "cycles", "fps", f"latency ms {letter}", *(word for _, word in RESOURCES)],
        [
            "network",
            f"{found['cycles']:,}",
            f"{found['fps']:,.0f}",
            f"{found['latency_ms']:.3f}",
            *(f"{found[key]:,}" for key, _ in RESOURCES),
        ],
    ]
    if figures.limits:
        parts = [_percent(figures.share[key], figures.limits[key]) for key, _ in RESOURCES]
        table.append([f"of {figures.board}", "", "", "", *parts])
    return aligned(table)


def about(figures: Figures) -> list[str]:
    """Whether it fits, what is slowest and why, what FINN builds wrong."""
    return [
        f"board       {figures.verdict}",
        f"slowest     {figures.bottleneck}: {figures.binds}",
        *(f"warning     {warning['layer']}: {warning['text']}" for warning in figures.warnings),
    ]


def layers(
    figures: Figures, most: int | None = None, *, holes_of_network: bool = False
) -> list[str]:
    """The layers, the slowest first, and the holes in their figures. most: how many layers."""
    letters = _letters(figures)
    slowest = sorted(figures.layers, key=lambda layer: -layer.cycles)
    shown = slowest[:most] if most else slowest
    table = [["layer", "cycles", *(word for _, word in RESOURCES), "", "folding"]]
    table += [_row(layer, letters) for layer in shown]
    rest = len(slowest) - len(shown)
    told = {mark for layer in shown for mark in layer.marks} | {"between"}
    told |= {"latency"} if holes_of_network else set()
    return [
        *aligned(table, left=("folding",)),
        *(
            [f"... and {counted(rest, 'more layer')}, all in report.html and report.json"]
            if rest
            else []
        ),
        "",
        *(f"{letter}  {figures.holes[key]}" for key, letter in letters.items() if key in told),
    ]


def _letters(figures: Figures) -> dict[str, str]:
    """A letter for each hole."""
    return {key: chr(ord("a") + i) for i, key in enumerate(figures.marked())}


def aligned(table: list[list[str]], left: tuple[str, ...] = ()) -> list[str]:
    """First column and those headed `left` to the left, figures to the right."""
    widths = [max(len(row[i]) for row in table) for i in range(len(table[0]))]
    to_left = [i == 0 or head in left for i, head in enumerate(table[0])]
    return [
        "  ".join(
            cell.ljust(width) if is_left else cell.rjust(width)
            for cell, width, is_left in zip(row, widths, to_left, strict=True)
        ).rstrip()
        for row in table
    ]


def _row(layer: Layer, letters: dict[str, str]) -> list[str]:
    counts = [layer.count(key) for key, _ in RESOURCES]
    marks = "".join(sorted(letters[mark] for mark in layer.marks))
    return [layer.name, f"{layer.cycles:,}", *counts, marks, layer.folding]


def _percent(share: float, limit: int) -> str:
    return f"{100 * share:.1f} %" if limit else "-"
