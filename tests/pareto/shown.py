"""What a picture, a page and a table show, read back from them."""

from __future__ import annotations

import csv
import io
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html.parser import HTMLParser

from nashc.pareto import png
from nashc.pareto.chart import GAP, LEFT, WIDE
from nashc.pareto.paint import INK
from nashc.pareto.rows import COSTS, Row
from nashc.pareto.shapes import Picture
from nashc.pareto.table import points_csv

KEYS = tuple(key for key, _ in COSTS)


@dataclass(frozen=True)
class Drawn:
    """A mark as it was put down. panel: of KEYS. where: its middle and radius, or its corners, to a tenth of a pixel."""

    row: int
    panel: str
    where: tuple[float, ...]
    fill: str
    stroke: str
    is_dark: bool

    @staticmethod
    def of(row: str, where: Iterable[float], fill: str, stroke: str) -> Drawn:
        rounded = tuple(round(float(each), 1) for each in where)
        panel = KEYS[rounded[0] > LEFT + WIDE + GAP / 2]
        return Drawn(int(row), panel, rounded, fill, stroke, stroke == INK)


def in_svg(text: str) -> list[Drawn]:
    return [
        Drawn.of(el.get("data-row", ""), _where(el), el.get("fill", ""), el.get("stroke", ""))
        for el in ET.fromstring(text).iter()
        if el.get("class") == "point"
    ]


def _where(el: ET.Element) -> Iterable[float]:
    names = ("cx", "cy", "r")
    return map(float, el.get("points", "").replace(",", " ").split() or map(el.attrib.get, names))  # type: ignore[arg-type]


def in_png(picture: Picture) -> list[Drawn]:
    """By the artists that matplotlib is given."""
    from matplotlib.colors import to_hex
    from matplotlib.patches import Circle

    found = []
    for artist in png.figure_of(picture).axes[0].patches:
        if artist.get_gid() is None:
            continue
        if isinstance(artist, Circle):
            where = [*artist.center, artist.radius]
        else:
            where = artist.get_xy()[:-1].ravel().tolist()  # type: ignore[attr-defined]
        paint = (to_hex(artist.get_facecolor()), to_hex(artist.get_edgecolor()))
        found.append(Drawn.of(artist.get_gid(), where, *paint))
    return found


def words_in_svg(text: str) -> list[str]:
    return [el.text or "" for el in ET.fromstring(text).iter() if el.tag.endswith("text")]


def words_in_png(picture: Picture) -> list[str]:
    return [text.get_text().replace(r"\$", "$") for text in png.figure_of(picture).axes[0].texts]


class Told(HTMLParser):
    """The texts of a page. table: rows of the table with their number. tips: what is told at a mark, by number."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.table: dict[int, list[str]] = {}
        self.tips: dict[int, list[str]] = {}
        self.problems: list[str] = []
        self._into: list[str] | None = None
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        about = dict(attrs)
        if tag == "tr" and "data-row" in about:
            self._into = self.table.setdefault(int(about["data-row"] or ""), [])
        elif tag == "div":
            name = about.get("id") or ""
            self._into = None
            if name.startswith("tip-"):
                self._into = self.tips.setdefault(int(name.removeprefix("tip-")), [])
            elif about.get("class") == "problem":
                self._into = self.problems
        if tag in ("td", "b", "dt", "dd") and self._into is not None:
            self._into.append("")

    def handle_data(self, data: str) -> None:
        if self._into is self.problems:
            self.problems.append(data)
        elif self._into:
            self._into[-1] += data

    def handle_endtag(self, tag: str) -> None:
        if tag in ("tr", "div"):
            self._into = None


def in_csv(rows: Sequence[Row]) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(points_csv(rows))))


def middle(mark: Drawn) -> tuple[float, float]:
    """Of a circle; of other outlines so near that no two of the same are told wrongly apart."""
    if len(mark.where) == 3:
        return mark.where[0], mark.where[1]
    x, y = mark.where[::2], mark.where[1::2]
    return sum(x) / len(x), sum(y) / len(y)
