"""What a sweep leaves behind: points.csv, points.json and the picture as SVG, PNG and HTML."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from nashc.diagnostics.model import counted
from nashc.pareto import png
from nashc.pareto.chart import chart
from nashc.pareto.page import page
from nashc.pareto.rows import Row
from nashc.pareto.svg import svg
from nashc.pareto.table import as_text, points_csv, points_json
from nashc.writing import remove_file, write_file

PICTURES = ("pareto.svg", "pareto.html", "pareto.png")
NO_PNG = "no pareto.png: matplotlib is not installed (pip install 'nashc[plot]')"
NO_LETTERS = "pareto.png has boxes in place of {}, which matplotlib's font lacks; pareto.svg and pareto.html have them"
NOTHING = "nothing is drawn: no point is finished"


def write_files(rows: Sequence[Row], model: str, folder: Path) -> tuple[list[Path], list[str]]:
    """The files written, and what is to be said of those that are not. Errors: NASH401."""
    contents: dict[str, str | bytes] = {
        "points.csv": points_csv(rows),
        "points.json": as_text(points_json(rows, model)),
    }
    remarks = []
    if any(row.is_drawn for row in rows):
        note = _note(rows)
        picture = chart(rows, _title(rows), note)
        contents["pareto.svg"] = svg(picture, [row.point.label for row in rows])
        contents["pareto.html"] = page(picture, rows, note)
        if png.can_draw():
            contents["pareto.png"] = png.png(picture)
            letters = png.missing_letters(picture)
            remarks += [NO_LETTERS.format(letters)] if letters else []
        else:
            remarks.append(NO_PNG)
    else:
        remarks.append(NOTHING)
    for name, content in contents.items():
        write_file(folder / name, content)
    for name in PICTURES:
        if name not in contents:  # one that is there shows other points
            remove_file(folder / name)
    return [folder / name for name in contents], remarks


def _title(rows: Sequence[Row]) -> str:
    what = {"accuracy": "Accuracy", "fps": "Throughput", "latency_ms": "Latency"}
    return f"{what[rows[0].measure.figure]} against hardware"


def _note(rows: Sequence[Row]) -> str:
    """What the picture shows, and what is missing in it."""
    drawn = sum(row.is_drawn for row in rows)
    words = [
        rows[0].measure.words,
        f"{drawn} of {counted(len(rows), 'point')}" if drawn < len(rows) else "",
    ]
    seeds = {len(row.values) for row in rows if row.is_drawn and row.values}
    if seeds and max(seeds) > 1:
        low, high = min(seeds), max(seeds)
        words.append(f"mean of {high if low == high else f'{low} to {high}'} seeds")
    return "; ".join(filter(None, words))
