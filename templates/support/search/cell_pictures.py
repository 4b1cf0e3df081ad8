"""The cells that a search found, as pictures: where each node's operation comes from, and how sure the search was of it."""

from __future__ import annotations

from typing import Any

from support.derivation.cells import Choice

NODE_POINTS = 18  # across
INCHES_A_NODE = 1.3
TEXT_INCHES = 0.65  # under the nodes

Point = tuple[float, float]


def draw_cells(kept: dict[str, list[Choice]], colours: dict[str, str]) -> Any:
    """A row for each cell. Nodes stand in the order of the backbone, whose own layers are the grey line between them; an arc ends in
    the node that keeps it, and is told under that node with the probability that softmax(alpha) gave it."""
    from matplotlib import pyplot

    last = max(choice.node for cell in kept.values() for choice in cell)
    heights = [max(_height(choice) for choice in cell) + 0.2 for cell in kept.values()]
    rows = [TEXT_INCHES + height for height in heights]  # of one inch for each unit
    figure, grid = pyplot.subplots(
        len(kept),
        1,
        figsize=(max(5.0, INCHES_A_NODE * (last + 1)), 0.6 + sum(rows) + 0.3 * len(kept)),
        squeeze=False,
        layout="constrained",
        height_ratios=rows,
    )
    for axes, height, (name, cell) in zip(grid[:, 0], heights, kept.items(), strict=True):
        axes.set_xlim(-0.5, last + 0.5)
        axes.set_ylim(-TEXT_INCHES, height)
        axes.axis("off")
        axes.set_title(name, fontsize=9, fontweight="bold", loc="left")
        for node in sorted({0, *(choice.node for choice in cell)}):
            _node(axes, node)
        for choice in cell:
            _choice(axes, choice, colours.get(choice.op, "black"))
    figure.suptitle(
        "what each node keeps, from where, and its probability;\ngrey: layers of the backbone",
        fontsize=9,
    )
    return figure


def _height(choice: Choice) -> float:
    """Of an arc over its nodes: long ones over short ones, yet no cell of many nodes into the sky."""
    return float(0.4 * (choice.node - choice.source) ** 0.7)


def _node(axes: Any, node: int) -> None:
    axes.plot([node], [0], "o", markersize=NODE_POINTS, markerfacecolor="white", color="black")
    axes.text(node, 0, str(node), ha="center", va="center", fontsize=9)
    if node:
        _line(axes, [(node - 1, 0), (node, 0)], "0.7", 1.0)


def _choice(axes: Any, choice: Choice, colour: str) -> None:
    source, node, top = choice.source, choice.node, _height(choice) * 4 / 3  # of a cubic's controls
    aside = 0.12 * (node - source)
    _line(axes, [(source, 0), (source + aside, top), (node - aside, top), (node, 0)], colour, 2.0)
    lines = [choice.op, f"{choice.weight:.3f}", *([] if choice.is_trained else ["never trained"])]
    axes.text(node, -0.2, "\n".join(lines), ha="center", va="top", fontsize=8, color=colour)


def _line(axes: Any, points: list[Point], colour: str, width: float) -> None:
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path

    kind = Path.LINETO if len(points) == 2 else Path.CURVE4
    path = Path(points, [Path.MOVETO, *[kind] * (len(points) - 1)])
    axes.add_patch(PathPatch(path, facecolor="none", edgecolor=colour, linewidth=width))
