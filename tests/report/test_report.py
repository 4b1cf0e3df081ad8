"""Figures of an estimate: against the board, what binds them, FINN's holes; as table and as page."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from nashc import report
from nashc.emit.picture.heat import scale
from nashc.lower import lower
from nashc.report.figures import figures_of
from nashc.report.page import page
from nashc.schema import load
from tests.paths import SPECS

HOLES = {
    "thresholds": "count 0 LUT <inside>",
    "rtl_lut": "LUT 0",
    "zero": "no estimate",
    "latency": "a sum",
    "between": "not counted",
}


def node(name: str, op: str, cycles: int, lut: int, **more: Any) -> dict[str, Any]:
    given = {"layer": name.removesuffix(".window"), "name": name, "op": op, "cycles": cycles}
    counts = {"lut": lut, "bram18": 1, "uram": 0, "dsp": 0}
    fold = {"pe": 2, "pe_max": 8, "simd": 3, "simd_max": 9}
    return {**given, **counts, **fold, "marks": [], **more}


def estimates(**more: Any) -> dict[str, Any]:
    layers = [
        node("stem.conv.window", "ConvolutionInputGenerator_rtl", 300, 100, pe=None, pe_max=None),
        node("stem.conv", "MVAU_hls", 400, 200, marks=["thresholds"]),
        node("head.fc", "MVAU_rtl", 80, 0, marks=["rtl_lut"]),
    ]
    network = {"cycles": 400, "fps": 5e5, "latency_ms": 0.0039}
    network |= {"lut": 300, "bram18": 3, "uram": 0, "dsp": 0}
    return {
        "network": network,
        "bottleneck": "stem.conv",
        "layers": layers,
        "warnings": [{"layer": "head.fc", "text": "loses data"}],
        "holes": HOLES,
        "board": {"name": "Mine", "lut": 1000, "ff": 1, "bram18": 4, "uram": 0, "dsp": 2},
        "target_cycles": 100,
        "clock_ns": 5.0,
        "tool": "finn-plus 1.6.1",
        **more,
    }


def test_nodes_of_a_layer_are_one_row() -> None:
    figures = figures_of(estimates())
    first = figures.layers[0]
    assert (first.name, first.cycles, first.counts["lut"]) == ("stem.conv", 400, 300)
    assert first.nodes == ("stem.conv.window", "stem.conv")
    assert first.folding == "PE 2 of 8, SIMD 3 of 9"
    assert first.marks == ("thresholds",)
    assert figures.marked() == {k: v for k, v in HOLES.items() if k != "zero"}


@pytest.mark.parametrize(
    ("network", "words", "fits"),
    [
        ({}, "fits Mine: at most BRAM18 75.0 % (3 of 4)", True),
        ({"bram18": 5}, "does not fit Mine: BRAM18 125.0 % (5 of 4)", False),
        ({"uram": 1}, "does not fit Mine: URAM (1 of 0)", False),
        (
            {"lut": 800},
            "fits Mine on paper, but LUT 80.0 % (800 of 1,000): over 70% a design rarely meets its clock",
            True,
        ),
    ],
)
def test_whether_it_fits_is_said_plainly(network: dict[str, int], words: str, fits: bool) -> None:
    base = estimates()
    figures = figures_of({**base, "network": {**base["network"], **network}})
    assert (figures.verdict, figures.fits) == (words, fits)


def test_without_a_known_board() -> None:
    figures = figures_of(estimates(board=None))
    assert figures.fits is None and "is not known" in figures.verdict
    assert not any(line.startswith("of ") for line in report.lines(figures))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"target_cycles": 400}, "the target is met"),
        ({"target_cycles": None}, "its folding (PE 2 of 8, SIMD 3 of 9); no fps was asked for"),
        ({}, "its folding (PE 2 of 8, SIMD 3 of 9): wider weight streams than mvau_wwidth_max"),
        ({"bottleneck": "full"}, "MVAU is fully unfolded"),
    ],
)
def test_what_binds_the_slowest(change: dict[str, Any], words: str) -> None:
    found = estimates(**change)
    found["layers"].append(node("full", "MVAU_hls", 1, 1, pe=8, simd=9))
    assert figures_of(found).binds.startswith(words)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"target_cycles": 400}, "the target is met; its folding (PE 2 of 8, SIMD 3 of 9) is the"),
        ({"target_cycles": None}, "its folding (PE 2 of 8, SIMD 3 of 9) is the one that was given"),
        ({"bottleneck": "full"}, "MVAU is fully unfolded"),
    ],
)
def test_what_binds_in_a_folding_that_was_given(change: dict[str, Any], words: str) -> None:
    found = estimates(**change)
    found["layers"].append(node("full", "MVAU_hls", 1, 1, pe=8, simd=9))
    assert figures_of(found, given={"stem.conv", "full"}).binds.startswith(words)
    assert figures_of(found, given={"head.fc"}).binds == figures_of(found).binds


def test_the_table(update: bool) -> None:
    text = "\n".join(report.lines(figures_of(estimates()))) + "\n"
    expected = Path(__file__).parent / "table.txt"
    if update:
        expected.write_text(text)
    assert text == expected.read_text()


class _Links(HTMLParser):
    """What a browser would load, and whether every element is closed."""

    VOID = ("meta", "input", "br", "link", "img")

    def __init__(self) -> None:
        super().__init__()
        self.loaded: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.loaded += [v or "" for k, v in attrs if k in ("src", "href", "xlink:href")]
        if tag in ("script", "link", "iframe"):
            self.loaded.append(tag)
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        pass

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_is_one_file_and_draws_the_costs() -> None:
    graph = lower(load(SPECS / "cifar10.nash"))
    text = page(figures_of(estimates()), graph, "a <b> & c")
    assert text == page(figures_of(estimates()), graph, "a <b> & c")
    links = _Links()
    links.feed(text)
    assert not links.loaded and not links.open
    assert "url(" not in text and "@import" not in text
    assert "<h1>a &lt;b&gt; &amp; c</h1>" in text
    assert "count 0 LUT &lt;inside&gt;" in text
    assert text.count("<svg ") == 3
    # the box of the stem's convolution in the colour of the dearest, its cycles beside it
    box = text[text.index("<title>stem.conv") :]
    assert re.search(r'fill="(#\w+)"', box)[1] == scale(1.0)  # type: ignore[index]
    assert ">400</text>" in box


def test_the_scale() -> None:
    assert (scale(-1), scale(0), scale(0.5), scale(2)) == (
        "#eef3f8",
        "#eef3f8",
        "#fdd99b",
        "#f0765c",
    )
