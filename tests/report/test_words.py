"""Counts in the sentences of results: one of a thing is not several."""

from __future__ import annotations

from pathlib import Path

import pytest

from nashc.diagnostics.model import counted
from nashc.driver.report import headline, verification
from nashc.driver.store import Result


@pytest.mark.parametrize(
    ("number", "words"), [(0, "0 ties"), (1, "1 tie"), (2, "2 ties"), (1797, "1,797 ties")]
)
def test_counted(number: int, words: str):
    assert counted(number, "tie") == words


def test_one_tie_on_one_image():
    value = {"images": 1, "ties": 1, "ok": True, "finn": {}, "qonnx": {"a": 1}}
    assert verification(value) == "Brevitas, QONNX agree on 1 image, but for 1 tie of float32"


@pytest.mark.parametrize(
    ("stage", "summary", "words"),
    [
        ("search", {"cells": {"group0": [{}]}}, "1 node in 1 cell found"),
        ("search", {"bits": {"stem": "w2a2"}}, "1 bit width found"),
        ("train", {"top1": 1.0, "test_images": 1}, "100.00 % of 1 test image right"),
        ("export", {"nodes": {"integer": 1, "qonnx": 2}}, "1 integer node, 2 QONNX nodes"),
    ],
)
def test_one_of_a_thing_in_a_headline(stage: str, summary: dict[str, object], words: str):
    assert headline(Result(stage, "key", Path(), {"result": summary})) == words
