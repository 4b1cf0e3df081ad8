"""A search as pictures, PNG and SVG: the probabilities of every edge, and what tells whether the search was stable."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from support.derive import Edge
from support.files import atomic_path
from support.progress import Progress

History = list[dict[str, Any]]
"""One entry an epoch, as in search.jsonl."""


def draw_search(
    history: History, edges: dict[str, list[Edge]], folder: Path, progress: Progress
) -> None:
    """alphas.png, stability.png and both as .svg; nothing but a word without matplotlib."""
    try:
        import matplotlib  # a picture is a courtesy: the search does not need it
    except ImportError:
        progress.log("no pictures: matplotlib is not installed")
        return
    matplotlib.use("Agg")
    matplotlib.rcParams["svg.hashsalt"] = "nashc"  # the same names in every run
    ops = list(dict.fromkeys(op for cell in edges.values() for edge in cell for op in edge.ops))
    colours = {op: f"C{index}" for index, op in enumerate(ops)}
    _save(_alphas(history, edges, colours), folder / "alphas")
    _save(_stability(history, edges, colours), folder / "stability")


def _alphas(history: History, edges: dict[str, list[Edge]], colours: dict[str, str]) -> Any:
    """One small picture an edge: softmax(alpha) over the epochs."""
    from matplotlib import pyplot

    columns = max(len(cell) for cell in edges.values())
    size = (max(5.0, 2.4 * columns), 1.0 + 2.0 * len(edges))
    figure, grid = pyplot.subplots(
        len(edges),
        columns,
        figsize=size,
        sharex=True,
        sharey=True,
        squeeze=False,
        layout="constrained",
    )
    for axes in grid.flat:
        axes.set_visible(False)
    epochs = [entry["epoch"] for entry in history]
    lines: dict[str, Any] = {}
    for row, (name, cell) in zip(grid, edges.items(), strict=True):
        for axes, edge in zip(row, cell, strict=False):
            key = f"{edge.source}-{edge.node}"
            shares = [_softmax(entry["cells"][name][key]["alpha"]) for entry in history]
            for op, share in zip(edge.ops, zip(*shares, strict=True), strict=True):
                [lines[op]] = axes.plot(epochs, share, color=colours[op], marker=_dot(epochs))
            axes.set_title(f"{name}  {edge.source} to {edge.node}", fontsize=8)
            axes.tick_params(labelsize=7)
            axes.set_visible(True)
    figure.suptitle("probability of each operation over the epochs", fontsize=9)
    handles = list(lines.values())
    figure.legend(handles, list(lines), loc="outside lower center", ncols=6, fontsize=8)
    return figure


def _stability(history: History, edges: dict[str, list[Edge]], colours: dict[str, str]) -> Any:
    """Accuracy and loss of both halves of the data, entropy of each cell, and how often each op ran."""
    from matplotlib import pyplot

    figure, ((accuracy, loss), (entropy, draws)) = pyplot.subplots(
        2, 2, figsize=(9.0, 6.5), layout="constrained"
    )
    epochs = [entry["epoch"] for entry in history]
    for axes, key, factor, title in (
        (accuracy, "top1", 100, "top-1 accuracy of sampled networks, %"),
        (loss, "loss", 1, "loss"),
    ):
        for prefix, label in (("", "training half"), ("validation_", "validation half")):
            values = [factor * entry[prefix + key] for entry in history]
            axes.plot(epochs, values, label=label, marker=_dot(epochs))
        axes.set_title(title, fontsize=9)
    for name, cell in edges.items():
        of_cell = [
            _mean(it["entropy_nats"] for it in entry["cells"][name].values()) for entry in history
        ]
        highest = _mean(math.log(len(edge.ops)) for edge in cell)
        entropy.plot(
            epochs, [100 * it / highest for it in of_cell], label=name, marker=_dot(epochs)
        )
    entropy.set_title("entropy of the edges, % of undecided", fontsize=9)
    for op, colour in colours.items():
        shares = [100 * _drawn(entry, edges, op) for entry in history]
        draws.plot(epochs, shares, label=op, color=colour, marker=_dot(epochs))
    draws.set_title("draws of each op where it can be chosen, %", fontsize=9)
    for axes in (accuracy, loss, entropy, draws):
        axes.set_xlabel("epoch", fontsize=8)
        axes.tick_params(labelsize=8)
        axes.grid(alpha=0.3)
        axes.legend(fontsize=7)
    return figure


def _drawn(entry: dict[str, Any], edges: dict[str, list[Edge]], op: str) -> float:
    ran = drawn = 0
    for name, cell in edges.items():
        for edge in cell:
            if op in edge.ops:
                counts = entry["cells"][name][f"{edge.source}-{edge.node}"]["sampled"]
                ran, drawn = ran + counts[edge.ops.index(op)], drawn + sum(counts)
    return ran / max(1, drawn)


def _softmax(alpha: Sequence[float]) -> list[float]:
    highest = max(alpha)
    powers = [math.exp(value - highest) for value in alpha]
    return [power / sum(powers) for power in powers]


def _mean(values: Any) -> float:
    listed = list(values)
    return sum(listed) / len(listed)


def _dot(epochs: list[int]) -> str:
    """A single epoch is no line."""
    return "o" if len(epochs) == 1 else ""


def _save(figure: Any, stem: Path) -> None:
    from matplotlib import pyplot

    for suffix, options in ((".png", {"dpi": 120}), (".svg", {"metadata": {"Date": None}})):
        with atomic_path(stem.with_suffix(suffix)) as temporary:
            figure.savefig(temporary, format=suffix[1:], **options)
    pyplot.close(figure)
