"""A picture as PNG, by matplotlib where it is installed: it is asked to put down shapes, not to plot."""

from __future__ import annotations

import io
import warnings
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Literal

from nashc.pareto.shapes import HALO, Box, Line, Mark, Picture, Shape, Text

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Shapes are in pixels of an inch's hundredth; the file has twice as many each way, for paper and sharp screens.
UNIT, DENSITY = 100, 200
POINTS = 72 / UNIT
SIDES: dict[str, Literal["left", "center", "right"]] = {
    "start": "left",
    "middle": "center",
    "end": "right",
}


def can_draw() -> bool:
    return find_spec("matplotlib") is not None


def png(picture: Picture) -> bytes:
    """The file; the same bytes for the same picture and matplotlib."""
    import matplotlib

    file = io.BytesIO()
    with matplotlib.rc_context(), warnings.catch_warnings():
        matplotlib.rcdefaults()  # not as the user's matplotlibrc has it
        warnings.filterwarnings("ignore", "Glyph .* missing")  # `missing_letters` tells of them
        figure_of(picture).savefig(file, format="png", dpi=DENSITY, metadata={"Software": None})
    return file.getvalue()


def missing_letters(picture: Picture) -> str:
    """Those that matplotlib's font does not have: boxes stand for them."""
    from matplotlib import rcParamsDefault
    from matplotlib.font_manager import FontProperties, findfont, get_font

    font = get_font(findfont(FontProperties(family=rcParamsDefault["font.sans-serif"][0])))
    letters = {letter for it in picture.shapes if isinstance(it, Text) for letter in it.words}
    return "".join(sorted(it for it in letters if not font.get_char_index(ord(it))))


def figure_of(picture: Picture) -> Figure:
    """One artist for each shape, in its order; that of a point has the number of its row as gid."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(picture.width / UNIT, picture.height / UNIT), facecolor="white")
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, picture.width), ylim=(picture.height, 0))
    axes.axis("off")
    for order, shape in enumerate(picture.shapes):
        axes.add_artist(_artist(shape, order))
    return figure


def _artist(shape: Shape, order: int) -> Any:
    match shape:
        case Line():
            return _line(shape, zorder=order)
        case Box():
            return _box(shape, zorder=order)
        case Text():
            return _words(shape, zorder=order)
        case Mark():
            return _mark(shape, zorder=order)


def _line(line: Line, **more: Any) -> Any:
    from matplotlib.lines import Line2D

    return Line2D(
        *zip(*line.points, strict=True),
        color=line.colour,
        linewidth=line.width * POINTS,
        linestyle=(0, tuple(x / line.width for x in line.dash)) if line.dash else "-",
        alpha=line.opacity,
        **more,
    )


def _box(box: Box, **more: Any) -> Any:
    from matplotlib.patches import Rectangle

    return Rectangle(
        (box.x, box.y),
        box.width,
        box.height,
        facecolor=box.fill,
        edgecolor=box.stroke,
        linewidth=POINTS,
        **more,
    )


def _words(text: Text, **more: Any) -> Any:
    from matplotlib import patheffects
    from matplotlib.text import Text as Words

    halo = [patheffects.withStroke(linewidth=HALO * POINTS, foreground=text.halo)]
    return Words(
        text.x,
        text.y,
        text.words.replace("$", r"\$"),
        fontsize=text.size * POINTS,
        color=text.colour,
        horizontalalignment=SIDES[text.anchor],
        verticalalignment="baseline",
        fontweight="bold" if text.is_bold else "normal",
        rotation=90 if text.is_upright else 0,
        rotation_mode="anchor",
        path_effects=halo if text.halo else None,
        **more,
    )


def _mark(mark: Mark, **more: Any) -> Any:
    from matplotlib.patches import Circle, Polygon

    given: dict[str, Any] = {
        "facecolor": mark.fill,
        "edgecolor": mark.stroke,
        "linewidth": mark.width * POINTS,
        "alpha": mark.opacity,
        "gid": None if mark.row is None else str(mark.row),
        **more,
    }
    if not mark.outline:
        return Circle((mark.x, mark.y), mark.radius, **given)
    return Polygon(mark.corners, closed=True, **given)
