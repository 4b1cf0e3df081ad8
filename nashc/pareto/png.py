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
    from matplotlib import lines, patches, patheffects, text

    match shape:
        case Line():
            dash: Any = (0, tuple(x / shape.width for x in shape.dash)) if shape.dash else "-"
            return lines.Line2D(
                *zip(*shape.points, strict=True),
                color=shape.colour,
                linewidth=shape.width * POINTS,
                linestyle=dash,
                alpha=shape.opacity,
                zorder=order,
            )
        case Box():
            return patches.Rectangle(
                (shape.x, shape.y),
                shape.width,
                shape.height,
                facecolor=shape.fill,
                edgecolor=shape.stroke,
                linewidth=POINTS,
                zorder=order,
            )
        case Text():
            side = SIDES[shape.anchor]
            halo = [patheffects.withStroke(linewidth=HALO * POINTS, foreground=shape.halo)]
            return text.Text(
                shape.x,
                shape.y,
                shape.words.replace("$", r"\$"),
                fontsize=shape.size * POINTS,
                color=shape.colour,
                horizontalalignment=side,
                verticalalignment="baseline",
                fontweight="bold" if shape.is_bold else "normal",
                rotation=90 if shape.is_upright else 0,
                rotation_mode="anchor",
                path_effects=halo if shape.halo else None,
                zorder=order,
            )
        case Mark():
            given: dict[str, Any] = {
                "facecolor": shape.fill,
                "edgecolor": shape.stroke,
                "linewidth": shape.width * POINTS,
                "alpha": shape.opacity,
                "zorder": order,
                "gid": None if shape.row is None else str(shape.row),
            }
            if not shape.outline:
                return patches.Circle((shape.x, shape.y), shape.radius, **given)
            return patches.Polygon(shape.corners, closed=True, **given)
