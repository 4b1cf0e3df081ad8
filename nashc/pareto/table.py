"""The points as text: CSV for spreadsheets, JSON for programs, a table for the terminal."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Sequence
from typing import Any

from nashc import __version__
from nashc.diagnostics.model import counted
from nashc.driver.estimate import BEFORE_TRAINING
from nashc.pareto.rows import COSTS, FIGURES, Row
from nashc.pareto.sweep import Point
from nashc.report.figures import RESOURCES
from nashc.report.table import aligned


def points_json(rows: Sequence[Row], model: str) -> dict[str, Any]:
    """model: of the costs. What the accuracies are is said in `accuracy_is`."""
    measure = rows[0].measure
    return {
        "nashc": __version__,
        "accuracy_is": measure.words,
        "accuracy": measure.name if measure.stage else None,
        "upwards": measure.figure,
        "model": model,
        "types": BEFORE_TRAINING,
        "points": [row.to_json() for row in rows],
    }


def points_csv(rows: Sequence[Row]) -> str:
    """One line for each point; a column for each swept parameter, empty where a network has none.

    A parameter with the name of another column, such as bits, is swept_bits there.
    """
    swept = list(dict.fromkeys(name for row in rows for name in row.point.settings))
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    fronts = [f"on_front_{key}" for key, _ in COSTS]
    head = ["bits", "state", "seeds", "accuracy", "spread", *FIGURES, "board", "fits", *fronts]
    head += ["spec_digest", "problem"]
    parameters = [f"swept_{name}" if name in ("network", *head) else name for name in swept]
    writer.writerow(["network", *parameters, *head])
    for row in rows:
        about = row.to_json()
        drawn = about["on_front"] or {}
        cells = [
            row.point.network,
            *(row.point.settings.get(name, "") for name in swept),
            row.point.bits,
            row.state,
            len(row.values),
            *(about[name] for name in ("accuracy", "spread", *FIGURES, "board", "fits")),
            *(drawn.get(key) for key, _ in COSTS),
            about["spec_digest"],
            "; ".join(f"{each.code} {each.message}" for each in row.problems),
        ]
        writer.writerow([_cell(cell) for cell in cells])
    return file.getvalue()


def lines(rows: Sequence[Row]) -> list[str]:
    """A row for each point with a figure; below, what failed and why. A blank line before each part."""
    measure = rows[0].measure
    heads = ["accuracy", "spread", "seeds"] if measure.stage else []
    costs = [label for _, label in RESOURCES]
    table = [["", *heads, *costs, "fps", "latency ms", "front"]]
    for row in rows:
        if not row.is_drawn:
            continue
        cells = [measure.text(row.accuracy)] if row.accuracy is not None else []
        if measure.stage:
            spread = "" if row.spread is None else f"\u00b1 {100 * row.spread:.2f} %"
            cells += [spread, str(len(row.values))]
        counts = [f"{row.figures[key]:,.0f}" for key, _ in RESOURCES]
        speed = [f"{row.figures['fps']:,.0f}", f"{row.figures['latency_ms']:,.3f}"]
        labels = dict(COSTS)
        table.append(
            [row.point.label, *cells, *counts, *speed, " ".join(labels[key] for key in row.fronts)]
        )
    drawn = aligned(table, left=("front",)) if len(table) > 1 else []
    failed = [
        f"failed: {row.point.label}: {each.code} {each.message}"
        for row in rows
        for each in row.problems
    ]
    idle = idle_lines(row.point for row in rows)
    waiting = sum(row.waiting for row in rows)
    not_run = [f"not run: {counted(waiting, 'training')}"] if waiting else []
    return [line for part in (drawn, failed, idle, not_run) if part for line in ("", *part)]


def idle_lines(points: Iterable[Point]) -> list[str]:
    """Of values that were swept and make no points of their own."""
    return list(
        dict.fromkeys(
            f"{name} changes nothing in {point.network}: its values are one point"
            for point in points
            for name in point.idle
        )
    )


def as_text(found: dict[str, Any]) -> str:
    return json.dumps(found, indent=2, sort_keys=True) + "\n"


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)
