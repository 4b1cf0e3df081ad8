"""Whatever is made of a set of points shows the same points, the same front and the same names: SVG, PNG, page, CSV, JSON, terminal."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from typing import Any

import pytest

from nashc.diagnostics import Diagnostic
from nashc.driver.estimate import cost_of
from nashc.pareto import png
from nashc.pareto.chart import chart
from nashc.pareto.legend import MOST_EQUAL
from nashc.pareto.measure import LATENCY, TRAIN
from nashc.pareto.page import page
from nashc.pareto.rows import COSTS, Row, Value, with_fronts
from nashc.pareto.shapes import Picture
from nashc.pareto.svg import svg
from nashc.pareto.sweep import Point, Question, Trial, points
from nashc.pareto.table import lines, points_json
from nashc.schema import load
from tests.pareto.networks import write
from tests.pareto.shown import (
    KEYS,
    Told,
    in_csv,
    in_png,
    in_svg,
    middle,
    words_in_png,
    words_in_svg,
)

ODD = ("a<b>&\"c\", 'd'", "\u00fcber \u2264 5 $x$", "v1", "v2", "v3", "v4", "original")
TITLE = "Accuracy <&> $hardware$"


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
        places = [(float(told[mark.row][key]), middle(mark)[0]) for mark in marks]
        heights = [(float(told[mark.row][figure]), -middle(mark)[1]) for mark in marks]
        for pairs in (places, heights):
            for (one, here), (other, there) in product(pairs, pairs):
                assert (one > other) == (here > there + 0.2), (key, one, other)


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


def at_one_place(rows: Sequence[Row], key: str) -> list[list[str]]:
    """The labels of the drawn points, by place: those of one place together."""
    told, figure = in_csv(rows), rows[0].measure.figure
    places: dict[tuple[str, str], list[str]] = {}
    for figures, row in zip(told, rows, strict=True):
        if row.is_drawn:
            places.setdefault((figures[key], figures[figure]), []).append(row.point.label)
    return list(places.values())


def test_a_picture_tells_of_points_that_hide_each_other(rows, picture) -> None:
    """At the mark how many, below the panels which."""
    said = words_in_svg(svg(picture))
    hidden = [group for key in KEYS for group in at_one_place(rows, key) if len(group) > 1]
    signs = [f"\u00d7{len(group)}" for group in hidden]
    assert [words for words in said if words[:1] == "\u00d7" and words[1:].isdecimal()] == signs
    lists = dict.fromkeys(
        f"\u00d7{len(group)} at one place: {', '.join(group)}" for group in hidden
    )
    assert [words for words in said if " at one place: " in words] == [*lists][:MOST_EQUAL]
    left = len(lists) - MOST_EQUAL
    more = f"and {left} more such place{'' if left == 1 else 's'}, which pareto.html tells"
    assert (more in said) == (left > 0)


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
