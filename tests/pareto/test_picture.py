"""The front, the axes and the picture."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nashc.driver.estimate import cost_of
from nashc.pareto import png
from nashc.pareto.chart import chart
from nashc.pareto.files import write_files
from nashc.pareto.front import front
from nashc.pareto.measure import FPS, LATENCY, TRAIN
from nashc.pareto.page import page
from nashc.pareto.paint import COLOURS, Paint
from nashc.pareto.rows import Row, Value, with_fronts
from nashc.pareto.scale import scale_of, words
from nashc.pareto.shapes import Mark, Text
from nashc.pareto.svg import svg
from nashc.pareto.sweep import Question, points
from nashc.schema import load
from tests.pareto.networks import write

FEW = st.integers(0, 6)


@given(st.lists(st.tuples(FEW, FEW), max_size=12))
def test_the_front_is_what_nothing_beats(pairs):
    beaten = {
        i
        for i, (cost, value) in enumerate(pairs)
        if any(c <= cost and v >= value and (c, v) != (cost, value) for c, v in pairs)
    }
    found = front([cost for cost, _ in pairs], [value for _, value in pairs])
    assert set(found) == set(range(len(pairs))) - beaten
    assert [pairs[i][0] for i in found] == sorted(pairs[i][0] for i in found)


@given(st.lists(st.floats(0.001, 1e7), min_size=1, max_size=8))
def test_all_values_and_ticks_lie_on_the_axis(values):
    scale = scale_of(values)
    assert all(0 <= scale.part(value) <= 1 for value in values)
    ticks = scale.ticks()
    assert len(ticks) <= 30 and list(ticks) == sorted(ticks)
    assert all(-1e-9 <= scale.part(tick) <= 1 + 1e-9 for tick in ticks)
    assert len(words(ticks)) == len(ticks)


def test_things_are_counted_in_whole_ones():
    assert scale_of([7, 10], is_whole=True).ticks() == (7, 8, 9, 10)


def test_ticks_are_round_and_of_one_unit():
    assert words(scale_of([100_000, 1_400_000]).ticks())[1:3] == ("200k", "400k")
    assert words(scale_of([0, 3e6]).ticks()) == ("0", "0.5M", "1M", "1.5M", "2M", "2.5M", "3M")
    assert words(scale_of([57.2, 58.1]).ticks())[0] == "57.2"
    assert scale_of([10, 5000]).is_log and words(scale_of([10, 5000]).ticks())[0] == "10"


@pytest.fixture
def rows(tmp_path: Path) -> tuple[Row, ...]:
    """Two networks at three bit widths, accuracies by hand, one of them over two seeds."""
    specs = write(tmp_path)
    sweeps = {"bits": ("w1a2", "w2a2", "w4a4"), "seed": ("1", "2")}
    found = []
    for i, point in enumerate(points(Question((specs["plain"], specs["v3"]), sweeps, {}))):
        trials = point.trials if i != 1 else point.trials[:1]
        values = tuple(
            Value(trial, 0.8 + 0.02 * i + 0.01 * k, 3.0, "plain/results/train/k")
            for k, trial in enumerate(trials)
        )
        cost = cost_of(load(point.spec, trials[0].overrides), "finn-plus-1.6")
        found.append(Row(point, TRAIN, values, cost))
    return with_fronts(found)


def test_mean_and_spread_over_seeds(rows):
    assert rows[0].accuracy == pytest.approx(0.805)
    assert rows[0].spread == pytest.approx(0.01 / 2**0.5)
    assert rows[1].accuracy == pytest.approx(0.82) and rows[1].spread is None


def test_the_picture_has_a_mark_in_both_panels_for_each_point(rows):
    text = svg(chart(rows, "Accuracy <&> hardware", "a note"))
    root = ET.fromstring(text)
    marks = [el for el in root.iter() if el.get("class") == "point"]
    assert sorted(int(mark.get("data-row")) for mark in marks) == sorted([*range(6)] * 2)
    said = [el.text for el in root.iter() if el.tag.endswith("text")]
    assert "Accuracy <&> hardware" in said
    assert {"plain", "v3", "w1a2", "w2a2", "w4a4", "front", "one seed"} <= set(said)
    assert "LUT (as finn-plus-1.6 estimates before training)" in said
    assert "Pynq-Z1 holds 53,200 \u2192" in said or "Pynq-Z1: 53,200" in said


def test_a_network_keeps_its_colour_when_others_have_no_point(rows):
    def colours(some):
        root = ET.fromstring(svg(chart(some, "t", "")))
        marks = [el for el in root.iter() if el.get("class") == "point"]
        return {int(mark.get("data-row")): mark.get("fill") for mark in marks}

    fewer = [replace(row, values=()) if row.point.network == "plain" else row for row in rows]
    assert colours(fewer) == {i: c for i, c in colours(rows).items() if i >= 3}


def test_the_page_is_one_file_with_the_figures_of_each_point(rows):
    text = page(chart(rows, "Accuracy", "a <note>"), rows, "a <note>")
    assert "http" not in text.replace("http://www.w3.org/2000/svg", "")
    assert "a &lt;note&gt;" in text and "a <note>" not in text
    for i in range(6):
        assert text.count(f'data-row="{i}"') == 3  # two panels and the table
        assert f'id="tip-{i}"' in text
    assert "80.50 % \u00b1 0.71 % (2 seeds)" in text


def test_the_same_points_give_the_same_bytes(rows):
    pictures = [chart(rows, "t", "n") for _ in range(2)]
    assert svg(pictures[0]) == svg(pictures[1])
    assert page(pictures[0], rows, "n") == page(pictures[1], rows, "n")


def test_png(rows):
    if not png.can_draw():
        pytest.skip("matplotlib is not installed")
    picture = chart(rows, "costs $5 and $6", "a note")
    found = png.png(picture)
    assert found.startswith(b"\x89PNG") and found == png.png(picture)
    assert int.from_bytes(found[16:20], "big") == round(2 * picture.width)


def test_a_png_is_the_same_whatever_the_users_matplotlibrc_says(rows):
    matplotlib = pytest.importorskip("matplotlib")
    picture = chart(rows, "t", "n")
    with matplotlib.rc_context({"savefig.bbox": "tight", "font.size": 20, "font.family": "serif"}):
        changed = png.png(picture)
    assert changed == png.png(picture)


def test_letters_that_the_png_lacks_are_told(rows, tmp_path: Path, recwarn):
    pytest.importorskip("matplotlib")
    named = [replace(row, point=replace(row.point, network="\u7f51v\u00e9")) for row in rows]
    _, remarks = write_files(named, "finn-plus-1.6", tmp_path)
    lacks = "pareto.png has boxes in place of \u7f51, which matplotlib's font lacks"
    assert remarks == [f"{lacks}; pareto.svg and pareto.html have them"]
    assert not [str(it.message) for it in recwarn if "Glyph" in str(it.message)]
    assert write_files(rows, "finn-plus-1.6", tmp_path)[1] == []


def test_a_name_longer_than_the_picture_is_cut_in_the_middle(rows):
    long = "a" * 200 + "z" * 200
    named = [replace(row, point=replace(row.point, network=long)) for row in rows]
    texts = [shape for shape in chart(named, "t", "n").shapes if isinstance(shape, Text)]
    [cut] = [text.words for text in texts if "\u2026" in text.words]
    assert cut.startswith("aaa") and cut.endswith("zzz") and len(cut) < 120


def test_many_networks_have_a_colour_each(rows):
    many = [replace(rows[0], point=replace(rows[0].point, network=f"n{i}")) for i in range(30)]
    colours = [Paint.of(many).colour(row) for row in many]
    assert len(set(colours)) == 30 and colours[:10] == list(COLOURS)


def test_a_training_that_failed_leaves_accuracies_on_a_plain_axis(rows):
    bad = replace(rows[0], values=(replace(rows[0].values[0], accuracy=0.001),))
    heights = {
        mark.row: mark.y
        for mark in chart([bad, *rows[1:]], "t", "n").shapes
        if isinstance(mark, Mark) and mark.row is not None
    }
    drop, step = heights[0] - heights[1], heights[1] - heights[5]
    assert drop / step == pytest.approx((0.82 - 0.001) / (0.905 - 0.82))


def test_less_latency_is_better(rows):
    by_latency = with_fronts([replace(row, measure=LATENCY, values=()) for row in rows])
    by_fps = with_fronts([replace(row, measure=FPS, values=()) for row in rows])
    quickest = min(rows, key=lambda row: row.figures["latency_ms"]).figures["latency_ms"]
    best = [row for row in by_latency if row.fronts]
    assert best and all(
        row.figures["latency_ms"] == quickest for row in best if "lut" in row.fronts
    )
    assert [row.height for row in by_fps] == [row.figures["fps"] for row in rows]
