"""The cells of a search as pictures, PNG and SVG: the probabilities of every edge, and what was found."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from support.derivation.cells import Choice, Edge
from support.files import atomic_path
from support.progress import Progress
from support.search.cell_pictures import draw_cells
from support.training.curves import count_epochs

History = list[dict[str, Any]]
"""One entry an epoch, as in search.jsonl."""


Kept = dict[str, list[Choice]]
"""What was derived from a search, by cell."""

COLUMNS = 5
COLUMNS_OF_LARGE_CELLS = 10  # a cell over a whole network has more than a hundred edges
LARGE = 20


def draw_search(history: History, edges: dict[str, list[Edge]], kept: Kept, folder: Path) -> None:
    """alphas.png, cells.png and both as .svg."""
    ops = list(dict.fromkeys(op for cell in edges.values() for edge in cell for op in edge.ops))
    colours = {op: f"C{index}" for index, op in enumerate(ops)}
    save(_alphas(history, edges, kept, colours), folder / "alphas")
    save(draw_cells(kept, colours), folder / "cells")


def can_draw(progress: Progress) -> bool:
    """Whether matplotlib is there; else it is said that there will be no pictures."""
    try:
        import matplotlib  # a picture is a courtesy: the search does not need it
    except ImportError:
        progress.log("no pictures: matplotlib is not installed")
        return False
    matplotlib.use("Agg")
    matplotlib.rcParams["svg.hashsalt"] = "nashc"  # the same names in every run
    return True


def draw_shares(
    axes: Any,
    epochs: list[int],
    alternatives: Sequence[str],
    alphas: Sequence[Sequence[float]],
    colours: Mapping[str, str],
) -> dict[str, Any]:
    """softmax(alpha) over the epochs, and as a dotted line what chance would give. The line of each alternative."""
    lines: dict[str, Any] = {}
    shares = zip(*map(softmax, alphas), strict=True)
    for name, share in zip(alternatives, shares, strict=True):
        [lines[name]] = axes.plot(epochs, share, color=colours[name], marker=dot(epochs))
    axes.axhline(1 / len(alternatives), color="0.6", linewidth=0.8, linestyle=":")
    return lines


def _alphas(
    history: History, edges: dict[str, list[Edge]], kept: Kept, colours: dict[str, str]
) -> Any:
    """One small picture an edge: softmax(alpha) over the epochs. Edges that were kept have a frame in the op's colour."""
    from matplotlib import pyplot

    most = max(len(cell) for cell in edges.values())
    columns = min(most, COLUMNS_OF_LARGE_CELLS if most > LARGE else COLUMNS)
    rows = [
        (name, cell[first : first + columns])
        for name, cell in edges.items()
        for first in range(0, len(cell), columns)
    ]
    figure, grid = pyplot.subplots(
        len(rows),
        columns,
        figsize=(max(5.0, 0.6 + 2.3 * columns), 1.2 + 1.7 * len(rows)),
        sharex=True,
        sharey=True,
        squeeze=False,
        layout="constrained",
    )
    epochs = [entry["epoch"] for entry in history]
    lines: dict[str, Any] = {}
    for axes_of_row, (name, row) in zip(grid, rows, strict=True):
        for axes in axes_of_row[len(row) :]:
            axes.set_visible(False)
        is_first = row[0] is edges[name][0]
        axes_of_row[0].set_ylabel(name if is_first else "", fontsize=9, fontweight="bold")
        for axes, edge in zip(axes_of_row, row, strict=False):
            key = f"{edge.source}-{edge.node}"
            alphas = [entry["cells"][name][key]["alpha"] for entry in history]
            lines |= draw_shares(axes, epochs, edge.ops, alphas, colours)
            ops = [it.op for it in kept[name] if (it.source, it.node) == (edge.source, edge.node)]
            title = f"{edge.source} to {edge.node}" + "".join(f": {op}" for op in ops)
            axes.set_title(title, fontsize=8, fontweight="bold" if ops else "normal")
            for spine in axes.spines.values() if ops else ():
                spine.set(edgecolor=colours.get(ops[0], "black"), linewidth=2)
            axes.tick_params(labelsize=7, labelbottom=True)
            count_epochs(axes)
    figure.suptitle(
        "probability of each operation over the epochs, by edge; dotted: by chance, framed: kept",
        fontsize=9,
    )
    handles = list(lines.values())
    figure.legend(handles, list(lines), loc="outside lower center", ncols=6, fontsize=8)
    return figure


def softmax(alpha: Sequence[float]) -> list[float]:
    highest = max(alpha)
    powers = [math.exp(value - highest) for value in alpha]
    return [power / sum(powers) for power in powers]


def dot(epochs: list[int]) -> str:
    """A single epoch is no line."""
    return "o" if len(epochs) == 1 else ""


def save(figure: Any, stem: Path) -> None:
    from matplotlib import pyplot

    for suffix, options in ((".png", {"dpi": 120}), (".svg", {"metadata": {"Date": None}})):
        with atomic_path(stem.with_suffix(suffix)) as temporary:
            figure.savefig(temporary, format=suffix[1:], **options)
    pyplot.close(figure)
