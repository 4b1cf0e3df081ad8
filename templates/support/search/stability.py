"""What tells whether a search was stable, and how far several seeds agree, as pictures: PNG and SVG."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support.budget.costs import FIGURES
from support.derivation.findings import Found
from support.search.pictures import History, dot, save
from support.training.curves import count_epochs, take_turns


@dataclass(frozen=True)
class _Choice:
    """An edge or a place. path: where an entry of the history tells of it."""

    alternatives: tuple[str, ...]
    path: tuple[str, ...]

    def told(self, entry: Mapping[str, Any]) -> Mapping[str, Any]:
        for key in self.path:
            entry = entry[key]
        return entry


_Groups = dict[str, list[_Choice]]
"""By cell, and by what places choose."""


def draw_stability(history: History, found: Found, folder: Path) -> None:
    """stability.png and .svg: accuracy, loss, entropy, draws, and the expected cost if there is one."""
    save(_stability(history, _groups(found)), folder / "stability")


def draw_seeds(histories: Mapping[int, History], searches: Sequence[Found], folder: Path) -> None:
    """seeds.png and .svg: how well each seed's networks did, and what each of them kept."""
    save(_seeds(histories, {it.seed: _kept(it) for it in searches}), folder / "seeds")


def _groups(found: Found) -> _Groups:
    groups: _Groups = {}
    for name, cell in found.edges.items():
        paths = (("cells", name, f"{edge.source}-{edge.node}") for edge in cell)
        groups[name] = [_Choice(it.ops, path) for it, path in zip(cell, paths, strict=True)]
    for place in found.places:
        choice = _Choice(place.alternatives, ("places", place.name))
        groups.setdefault(place.kind, []).append(choice)
    return groups


def _kept(found: Found) -> dict[str, str]:
    """What each node and each place has."""
    nodes = {
        f"{name} node {it.node}": f"{it.op} from {it.source}"
        for name, cell in found.cells.items()
        for it in cell
    }
    return nodes | dict(found.chosen)


def _seeds(histories: Mapping[int, History], kept: Mapping[int, Mapping[str, str]]) -> Any:
    """kept: by seed and by what was chosen there."""
    from matplotlib import pyplot

    labels = list(next(iter(kept.values())))
    column, beside = 1.5, 0.4 + 0.07 * max(map(len, labels))  # inches
    width = column * len(kept) + beside
    size = (5.5 + width, max(3.5, 1.2 + 0.26 * len(labels)))
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
    texts = [[of_seed[label] for of_seed in kept.values()] for label in labels]
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


def _stability(history: History, groups: _Groups) -> Any:
    """Accuracy and loss of both halves of the data, entropy of each group, and how often each alternative was drawn."""
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
    for name, choices in groups.items():
        means = [_mean(it.told(entry)["entropy_nats"] for it in choices) for entry in history]
        highest = _mean(math.log(len(it.alternatives)) for it in choices)
        shares = [100 * it / highest if highest else 0.0 for it in means]  # one op is no choice
        entropy.plot(epochs, shares, label=name, marker=dot(epochs))
    entropy.set_title("entropy of what is chosen, % of undecided", fontsize=9)
    every = [choice for choices in groups.values() for choice in choices]
    for word in dict.fromkeys(word for it in every for word in it.alternatives):
        shares = [100 * _drawn(entry, every, word) for entry in history]
        draws.plot(epochs, shares, label=word, marker=dot(epochs))
    draws.set_title("draws of each alternative where it can be chosen, %", fontsize=9)
    entropy.set_ylim(0, 105)
    if has_cost:
        _expected(panels["cost"], epochs, history)
    for axes in panels.values():
        axes.set_xlabel("epoch", fontsize=8)
        count_epochs(axes)
        axes.tick_params(labelsize=8)
        axes.grid(alpha=0.3)
        take_turns(axes)
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
    title = "expected cost of what would be kept, % of that after the first epoch"
    axes.set_title(title, fontsize=9)


def _drawn(entry: Mapping[str, Any], choices: Iterable[_Choice], word: str) -> float:
    ran = drawn = 0
    for choice in choices:
        if word in choice.alternatives:
            counts = choice.told(entry)["sampled"]
            ran, drawn = ran + counts[choice.alternatives.index(word)], drawn + sum(counts)
    return ran / max(1, drawn)


def _mean(values: Iterable[float]) -> float:
    listed = list(values)
    return sum(listed) / len(listed)
