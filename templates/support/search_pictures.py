"""A search as pictures, PNG and SVG: the probabilities of every edge, the found cells, what tells whether the search was stable,
and how far several seeds agree."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from support.cell_pictures import draw_cells
from support.curves import count_epochs
from support.derive import Choice, Edge
from support.files import atomic_path
from support.progress import Progress
from support.search_costs import FIGURES

History = list[dict[str, Any]]
"""One entry an epoch, as in search.jsonl."""


Kept = dict[str, list[Choice]]
"""What was derived from a search, by cell."""

COLUMNS = 5
COLUMNS_OF_LARGE_CELLS = 10  # a cell over a whole network has more than a hundred edges
LARGE = 20


def draw_search(
    history: History, edges: dict[str, list[Edge]], kept: Kept, folder: Path, progress: Progress
) -> None:
    """alphas.png, cells.png, stability.png and all as .svg; nothing but a word without matplotlib."""
    if not edges or not can_draw(progress):
        return
    ops = list(dict.fromkeys(op for cell in edges.values() for edge in cell for op in edge.ops))
    colours = {op: f"C{index}" for index, op in enumerate(ops)}
    save(_alphas(history, edges, kept, colours), folder / "alphas")
    save(draw_cells(kept, colours), folder / "cells")
    save(_stability(history, edges, colours), folder / "stability")


def draw_seeds(
    histories: dict[int, History], kept: dict[int, Kept], folder: Path, progress: Progress
) -> None:
    """seeds.png and .svg: how well each seed's networks did, and what each of them kept."""
    if any(kept.values()) and can_draw(progress):
        save(_seeds(histories, kept), folder / "seeds")


def can_draw(progress: Progress) -> bool:
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


def _seeds(histories: dict[int, History], kept: dict[int, Kept]) -> Any:
    from matplotlib import pyplot

    nodes = [(name, it.node) for name, cell in next(iter(kept.values())).items() for it in cell]
    chosen = {
        seed: [f"{it.op} from {it.source}" for cell in cells.values() for it in cell]
        for seed, cells in kept.items()
    }
    labels = [f"{name} node {node}" for name, node in nodes]
    column, beside = 1.5, 0.4 + 0.07 * max(map(len, labels))  # inches
    width = column * len(kept) + beside
    size = (5.5 + width, max(3.5, 1.2 + 0.26 * len(nodes)))
    figure, (accuracy, table) = pyplot.subplots(
        1, 2, figsize=size, layout="constrained", width_ratios=(5.0, width)
    )
    for seed, history in histories.items():
        epochs = [entry["epoch"] for entry in history]
        values = [100 * entry["validation_top1"] for entry in history]
        accuracy.plot(epochs, values, label=f"seed {seed}", marker=dot(epochs))
    accuracy.set_title("top-1 accuracy on the validation half, %", fontsize=9)
    accuracy.set_xlabel("epoch", fontsize=8)
    accuracy.tick_params(labelsize=8)
    count_epochs(accuracy)
    accuracy.grid(alpha=0.3)
    accuracy.legend(fontsize=7)
    table.set_title("kept; shaded: where the seeds do not agree", fontsize=9)
    table.axis("off")
    texts = [list(row) for row in zip(*chosen.values(), strict=True)]
    shades = [["white" if len(set(row)) == 1 else "0.9"] * len(row) for row in texts]
    drawn = table.table(
        texts,
        cellColours=shades,
        rowLabels=labels,
        colLabels=[f"seed {seed}" for seed in kept],
        loc="upper right",
        cellLoc="left",
        colWidths=[column / width] * len(kept),
    )
    drawn.auto_set_font_size(False)
    drawn.set_fontsize(8)
    return figure


def _stability(history: History, edges: dict[str, list[Edge]], colours: dict[str, str]) -> Any:
    """Accuracy and loss of both halves of the data, entropy of each cell, how often each op ran, and the expected cost if there is one."""
    from matplotlib import pyplot

    has_cost = "expected_cost" in history[0]
    rows = [["accuracy", "loss"], ["entropy", "draws"], *([["cost", "cost"]] if has_cost else [])]
    size = (9.0, 3.25 * len(rows))
    figure, panels = pyplot.subplot_mosaic(rows, figsize=size, layout="constrained")
    accuracy, loss, entropy, draws = (
        panels[name] for name in ("accuracy", "loss", "entropy", "draws")
    )
    epochs = [entry["epoch"] for entry in history]
    for axes, key, factor, title in (
        (accuracy, "top1", 100, "top-1 accuracy of sampled networks, %"),
        (loss, "loss", 1, "loss"),
    ):
        for prefix, label in (("", "training half"), ("validation_", "validation half")):
            values = [factor * entry[prefix + key] for entry in history]
            axes.plot(epochs, values, label=label, marker=dot(epochs))
        axes.set_title(title, fontsize=9)
    for name, cell in edges.items():
        of_cell = [
            _mean(it["entropy_nats"] for it in entry["cells"][name].values()) for entry in history
        ]
        highest = _mean(math.log(len(edge.ops)) for edge in cell)
        entropy.plot(epochs, [100 * it / highest for it in of_cell], label=name, marker=dot(epochs))
    entropy.set_title("entropy of the edges, % of undecided", fontsize=9)
    for op, colour in colours.items():
        shares = [100 * _drawn(entry, edges, op) for entry in history]
        draws.plot(epochs, shares, label=op, color=colour, marker=dot(epochs))
    draws.set_title("draws of each op where it can be chosen, %", fontsize=9)
    entropy.set_ylim(0, 105)
    if has_cost:
        _expected(panels["cost"], epochs, history)
    for axes in panels.values():
        axes.set_xlabel("epoch", fontsize=8)
        count_epochs(axes)
        axes.tick_params(labelsize=8)
        axes.grid(alpha=0.3)
        axes.legend(
            fontsize=7,
            ncols=min(5, len(axes.lines)),
            loc="upper center",
            bbox_to_anchor=(0.5, -0.16),
        )
    return figure


def _expected(axes: Any, epochs: list[int], history: History) -> None:
    """Each figure as a share of what it was after the first epoch; the legend has the numbers."""
    for figure in FIGURES:
        costs = [entry["expected_cost"][figure] for entry in history]
        if costs[0]:
            label = f"{figure}: {costs[0]:,.1f} to {costs[-1]:,.1f}"
            axes.plot(
                epochs, [100 * it / costs[0] for it in costs], label=label, marker=dot(epochs)
            )
    title = "expected cost of what the nodes would keep, % of that after the first epoch"
    axes.set_title(title, fontsize=9)


def _drawn(entry: dict[str, Any], edges: dict[str, list[Edge]], op: str) -> float:
    ran = drawn = 0
    for name, cell in edges.items():
        for edge in cell:
            if op in edge.ops:
                counts = entry["cells"][name][f"{edge.source}-{edge.node}"]["sampled"]
                ran, drawn = ran + counts[edge.ops.index(op)], drawn + sum(counts)
    return ran / max(1, drawn)


def softmax(alpha: Sequence[float]) -> list[float]:
    highest = max(alpha)
    powers = [math.exp(value - highest) for value in alpha]
    return [power / sum(powers) for power in powers]


def _mean(values: Any) -> float:
    listed = list(values)
    return sum(listed) / len(listed)


def dot(epochs: list[int]) -> str:
    """A single epoch is no line."""
    return "o" if len(epochs) == 1 else ""


def save(figure: Any, stem: Path) -> None:
    from matplotlib import pyplot

    for suffix, options in ((".png", {"dpi": 120}), (".svg", {"metadata": {"Date": None}})):
        with atomic_path(stem.with_suffix(suffix)) as temporary:
            figure.savefig(temporary, format=suffix[1:], **options)
    pyplot.close(figure)
