"""Whatever is made of a set of points shows the same points, the same front and the same names: SVG, PNG, page, CSV, JSON, terminal."""

from __future__ import annotations

import csv
import io
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from html.parser import HTMLParser
from itertools import product
from typing import Any

import pytest

from nashc.diagnostics import Diagnostic
from nashc.driver.estimate import cost_of
from nashc.pareto import png
from nashc.pareto.chart import GAP, LEFT, WIDE, chart
from nashc.pareto.legend import MOST_EQUAL
from nashc.pareto.measure import LATENCY, TRAIN
from nashc.pareto.page import page
from nashc.pareto.paint import INK
from nashc.pareto.rows import COSTS, Row, Value, with_fronts
from nashc.pareto.shapes import Picture
from nashc.pareto.svg import svg
from nashc.pareto.sweep import Point, Question, Trial, points
from nashc.pareto.table import lines, points_csv, points_json
from nashc.schema import load
from tests.pareto.networks import write

ODD = ("a<b>&\"c\", 'd'", "\u00fcber \u2264 5 $x$", "v1", "v2", "v3", "v4", "original")
TITLE = "Accuracy <&> $hardware$"
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


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> list[Row]:
    """Rows with costs and no accuracy: two networks at three bit widths, cheapest first."""
    specs = write(tmp_path_factory.mktemp("specs"))
    question = Question((specs["plain"], specs["v3"]), {"bits": ("w1a2", "w2a2", "w4a4")}, {})
    return [
        Row(
            point, TRAIN, cost=cost_of(load(point.spec, point.trials[0].overrides), "finn-plus-1.6")
        )
        for point in points(question)
    ]


def named(row: Row, network: str, *accuracies: float, **changes: Any) -> Row:
    """The row under another name, with an accuracy for each of its seeds."""
    trials = tuple(Trial({}, {"seed": str(i)}, f"{i:064}") for i in range(max(1, len(accuracies))))
    settings = {"bits": row.point.bits}
    point: Point = replace(
        row.point, network=network, settings=settings, series=(network,), trials=trials
    )
    values = tuple(
        Value(trial, accuracy, 3.0, "results/train/k")
        for trial, accuracy in zip(trials, accuracies, strict=False)
    )
    return replace(row, point=point, values=values, **changes)


def all_sorts(known: list[Row]) -> list[Row]:
    """Curves of all names, twins, several seeds, a point that failed, one without an accuracy, one with some seeds missing."""
    found = []
    for i, network in enumerate(ODD):
        for k, row in enumerate(known[3 * (i % 2) :][:3]):
            accuracy = 0.5 + ((7 * i + 11 * k) % 13) / 40
            seeds = (accuracy, accuracy + 0.02) if i == 3 else (accuracy,)
            found.append(named(row, network, *seeds))
    failed = Diagnostic("NASH503", 'a <b> & "c", of no use')
    return [
        *found,
        named(known[0], "twin", 0.9),
        named(known[0], "other twin", 0.9),
        named(known[1], "failed", cost=None, problems=(failed,)),
        named(known[2], "no accuracy", waiting=1),
        named(known[2], "in part", 0.6, problems=(failed,), waiting=1),
    ]


SORTS: dict[str, Any] = {
    "all sorts": all_sorts,
    "one point": lambda known: [named(known[0], ODD[0], 0.7)],
    "equal points": lambda known: [named(known[0], name, 0.7) for name in ODD],
    "nothing right": lambda known: [named(row, "zero", 0.0) for row in known],
    "latency": lambda known: [
        named(replace(row, measure=LATENCY), f"n{i}") for i, row in enumerate(known)
    ],
}


@pytest.fixture(params=SORTS)
def rows(request: pytest.FixtureRequest, known: list[Row]) -> tuple[Row, ...]:
    return with_fronts(SORTS[request.param](known))


@pytest.fixture
def picture(rows: tuple[Row, ...]) -> Picture:
    return chart(rows, TITLE, "a <note> & more")


# ---- what each of them shows --------------------------------------------------------------------


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


# ---- they are the same --------------------------------------------------------------------------


def test_svg_png_and_page_have_the_same_marks(rows, picture) -> None:
    marks = in_svg(svg(picture, [row.point.label for row in rows]))
    drawn = [i for i, row in enumerate(rows) if row.is_drawn]
    assert [mark.row for mark in marks] == drawn * 2 and drawn
    assert [mark.panel for mark in marks] == [key for key in KEYS for _ in drawn]
    html = page(picture, rows, "a note")
    assert in_svg(html[html.index("<svg") : html.index("</svg>") + 6]) == marks
    if png.can_draw():
        assert in_png(picture) == marks


def test_svg_png_and_page_have_the_same_words(rows, picture) -> None:
    said = words_in_svg(svg(picture))
    networks = {row.point.network for row in rows if row.is_drawn}
    assert {TITLE, "a <note> & more", "front"} | networks <= set(said)
    html = page(picture, rows, "a note")
    assert words_in_svg(html[html.index("<svg") : html.index("</svg>") + 6]) == said
    if png.can_draw():
        assert words_in_png(picture) == said


def test_places_follow_the_figures_of_the_csv(rows, picture) -> None:
    """Further to the right is dearer, further up is more, and equal is at the same place, in both panels."""
    told, figure = in_csv(rows), rows[0].measure.figure
    for key in KEYS:
        marks = [mark for mark in in_svg(svg(picture)) if mark.panel == key]
        places = [(float(told[mark.row][key]), _middle(mark)[0]) for mark in marks]
        heights = [(float(told[mark.row][figure]), -_middle(mark)[1]) for mark in marks]
        for pairs in (places, heights):
            for (one, here), (other, there) in product(pairs, pairs):
                assert (one > other) == (here > there + 0.2), (key, one, other)


def _middle(mark: Drawn) -> tuple[float, float]:
    """Of a circle; of other outlines so near that no two of the same are told wrongly apart."""
    if len(mark.where) == 3:
        return mark.where[0], mark.where[1]
    x, y = mark.where[::2], mark.where[1::2]
    return sum(x) / len(x), sum(y) / len(y)


def test_all_mark_the_same_front(rows, picture) -> None:
    told, found = in_csv(rows), points_json(rows, "finn-plus-1.6")["points"]
    html = Told(page(picture, rows, "a note"))
    marks = in_svg(svg(picture))
    printed = lines(rows)[1:]
    labels = dict(COSTS)
    sign = 1 if rows[0].measure.more_is_better else -1
    drawn = [i for i, row in enumerate(rows) if row.is_drawn]
    on_fronts: dict[int, list[str]] = {i: [] for i in drawn}
    for key in KEYS:
        points_of = {
            i: (float(told[i][key]), sign * float(told[i][rows[0].measure.figure])) for i in drawn
        }
        best = {
            i
            for i, (cost, value) in points_of.items()
            if not any(
                c <= cost and v >= value and (c, v) != (cost, value) for c, v in points_of.values()
            )
        }
        assert {mark.row for mark in marks if mark.panel == key and mark.is_dark} == best
        assert {i for i, row in enumerate(told) if row[f"on_front_{key}"] == "true"} == best
        assert {i for i, row in enumerate(found) if (row["on_front"] or {}).get(key)} == best
        for i in best:
            on_fronts[i].append(labels[key])
    assert {i: cells[-1].split() for i, cells in html.table.items()} == on_fronts
    assert {
        i: tip[tip.index("front") + 1].split(" and ") if "front" in tip else []
        for i, tip in html.tips.items()
    } == on_fronts
    for i, line in zip(drawn, printed[1:], strict=False):
        assert line.startswith(rows[i].point.label)
        assert line.split()[-len(on_fronts[i]) or len(line.split()) :] == on_fronts[i]


def test_all_give_the_same_names(rows, picture) -> None:
    labels = {i: row.point.label for i, row in enumerate(rows)}
    drawn = {i: label for i, label in labels.items() if rows[i].is_drawn}
    html = Told(page(picture, rows, "a note"))
    assert {i: cells[0] for i, cells in html.table.items()} == drawn
    assert {i: tip[0] for i, tip in html.tips.items()} == drawn
    titles = {
        int(el.get("data-row", "")): el[0].text
        for el in ET.fromstring(svg(picture, list(labels.values()))).iter()
        if el.get("class") == "point"
    }
    assert titles == drawn
    names = [row.point.network for row in rows]
    assert [row["network"] for row in in_csv(rows)] == names
    assert [row["network"] for row in points_json(rows, "finn-plus-1.6")["points"]] == names


def test_points_that_hide_each_other_are_told(rows, picture) -> None:
    """At the mark how many, below the panels which; the page tells it of each point."""
    told, figure = in_csv(rows), rows[0].measure.figure
    said, html = words_in_svg(svg(picture)), Told(page(picture, rows, ""))
    groups: dict[str, None] = {}
    signs = []
    for key, label in COSTS:
        places: dict[tuple[str, str], list[int]] = {}
        for i, row in enumerate(rows):
            if row.is_drawn:
                places.setdefault((told[i][key], told[i][figure]), []).append(i)
        for group in places.values():
            for i in group:
                names = [rows[k].point.label for k in group if k != i]
                tip = html.tips[i]
                name = f"same place, {label}"
                assert (tip[tip.index(name) + 1] if name in tip else "") == ", ".join(names)
            if len(group) > 1:
                names = [rows[k].point.label for k in group]
                groups[f"\u00d7{len(group)} at one place: {', '.join(names)}"] = None
                signs.append(f"\u00d7{len(group)}")
    assert [words for words in said if " at one place: " in words] == [*groups][:MOST_EQUAL]
    left = len(groups) - MOST_EQUAL
    places = "place" if left == 1 else "places"
    more = f"and {left} more such {places}, which pareto.html tells"
    assert (more in said) == (left > 0)
    assert [words for words in said if words[:1] == "\u00d7" and words[1:].isdecimal()] == signs


def test_what_failed_is_told_in_all_that_have_words_for_it(rows, picture) -> None:
    failed = [f"{row.point.label}: {p.code} {p.message}" for row in rows for p in row.problems]
    assert Told(page(picture, rows, "")).problems == failed
    assert [line.removeprefix("failed: ") for line in lines(rows) if "failed: " in line] == failed
    told = in_csv(rows)
    assert [row["problem"] for row in told if row["problem"]] == [
        f"{p.code} {p.message}" for row in rows for p in row.problems
    ]
    found = points_json(rows, "finn-plus-1.6")["points"]
    assert [row["state"] for row in told] == [row["state"] for row in found]
    for row, other in zip(told, found, strict=True):
        assert row["accuracy"] == ("" if other["accuracy"] is None else repr(other["accuracy"]))
