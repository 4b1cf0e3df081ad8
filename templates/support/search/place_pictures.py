"""The probabilities of searched bit widths, or numbers of channels, over the epochs, PNG and SVG."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from support.derivation.places import Place
from support.search.pictures import History, draw_shares, save
from support.training.curves import count_epochs

COLUMNS = 4


def draw_places(
    history: History,
    places: Sequence[Place],
    chosen: Mapping[str, str],
    path: Path,
) -> None:
    """path.png and .svg, one small picture for each of places of one kind."""
    save(_places(history, places, chosen), path)


def _places(history: History, places: Sequence[Place], chosen: Mapping[str, str]) -> Any:
    from matplotlib import pyplot

    words = list(dict.fromkeys(word for place in places for word in place.alternatives))
    colours = {word: f"C{index}" for index, word in enumerate(words)}
    columns = min(COLUMNS, len(places))
    rows = -(-len(places) // columns)
    figure, grid = pyplot.subplots(
        rows,
        columns,
        figsize=(max(5.0, 0.6 + 2.6 * columns), 1.4 + 1.8 * rows),
        sharex=True,
        sharey=True,
        squeeze=False,
        layout="constrained",
    )
    epochs = [entry["epoch"] for entry in history]
    lines: dict[str, Any] = {}
    for axes in grid.flat[len(places) :]:
        axes.set_visible(False)
    for axes, place in zip(grid.flat, places, strict=False):
        alphas = [entry["places"][place.name]["alpha"] for entry in history]
        lines |= draw_shares(axes, epochs, place.alternatives, alphas, colours)
        axes.set_title(f"{place.name}: {chosen[place.name]}", fontsize=8)
        axes.tick_params(labelsize=7, labelbottom=True)
        count_epochs(axes)
    title = f"probabilities of {places[0].kind} over the epochs; dotted: by chance"
    figure.suptitle(title, fontsize=9)
    figure.legend(
        list(lines.values()), list(lines), loc="outside lower center", ncols=6, fontsize=8
    )
    return figure
