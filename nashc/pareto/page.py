"""One HTML page with the picture, what stands behind each point when it is pointed at, and the table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import ClassVar

from nashc.emit.render import render
from nashc.pareto.rows import COSTS, Row
from nashc.pareto.shapes import Picture
from nashc.pareto.svg import svg
from nashc.report.figures import RESOURCES


@dataclass(frozen=True)
class Entry:
    """A row of the table; facts: (name, value) of what is shown at its mark."""

    number: str
    label: str
    state: str
    cells: tuple[str, ...]
    facts: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Page:
    """Every text is escaped here: the template prints it as it is."""

    TEMPLATE: ClassVar[str] = "report/pareto.html.j2"
    title: str
    note: str
    picture: str
    columns: tuple[str, ...]
    entries: tuple[Entry, ...]
    problems: tuple[str, ...]


def page(picture: Picture, rows: Sequence[Row], note: str) -> str:
    """The same bytes for the same points."""
    measure = rows[0].measure
    up = ["accuracy", "spread", "seeds"] if measure.stage else []
    costs = [label for _, label in RESOURCES]
    return render(
        Page(
            title=escape(picture.title),
            note=escape(note),
            picture=svg(picture),
            columns=(*up, *costs, "fps", "latency, ms", "weights", "MACs", "front"),
            entries=tuple(_entry(i, row) for i, row in enumerate(rows) if row.is_drawn),
            problems=tuple(
                escape(f"{row.point.label}: {each.code} {each.message}")
                for row in rows
                for each in row.problems
            ),
        )
    )


def _entry(index: int, row: Row) -> Entry:
    figures = row.figures
    cells: list[str] = []
    if row.accuracy is not None:
        spread = "" if row.spread is None else f"\u00b1 {100 * row.spread:.2f} %"
        cells = [row.measure.text(row.accuracy), spread, str(len(row.values))]
    cells += [f"{figures[key]:,.0f}" for key, _ in RESOURCES]
    cells += [f"{figures['fps']:,.0f}", f"{figures['latency_ms']:,.3f}"]
    cells += [f"{figures[key]:,}" for key in ("weights", "macs")]
    labels = dict(COSTS)
    cells.append(" ".join(labels[key] for key in row.fronts))
    facts = tuple((escape(name), escape(value)) for name, value in _facts(row))
    return Entry(str(index), escape(row.point.label), row.state, tuple(map(escape, cells)), facts)


def _facts(row: Row) -> list[tuple[str, str]]:
    assert row.cost
    figures, board = row.figures, row.cost.target.board
    facts = []
    if row.accuracy is not None:
        spread = "" if row.spread is None else f" \u00b1 {100 * row.spread:.2f} %"
        count = f" ({len(row.values)} seeds)" if len(row.values) > 1 else ""
        facts.append(("accuracy", f"{row.measure.text(row.accuracy)}{spread}{count}"))
    for key, label in RESOURCES:
        share = (row.cost.found.shares(board) or {}).get(key)
        part = f", {100 * share:.1f} % of {board.name}" if share and share != float("inf") else ""
        facts.append((label, f"{figures[key]:,.0f}{part}"))
    facts.append(("fps", f"{figures['fps']:,.0f}"))
    facts.append(("latency", f"{figures['latency_ms']:,.3f} ms"))
    facts.append(("weights", f"{figures['weights']:,}"))
    facts.append(("MACs", f"{figures['macs']:,}"))
    if row.point.bits:
        facts.append(("bits", row.point.bits))
    if row.fronts:
        facts.append(("front", " and ".join(dict(COSTS)[key] for key in row.fronts)))
    facts.append(("spec", f"{row.point.spec.name} {row.point.trials[0].digest[:12]}"))
    return facts
