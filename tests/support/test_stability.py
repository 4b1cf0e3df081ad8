"""The picture of a search's stability, of searches of every shape."""

import pytest

pytest.importorskip("matplotlib")

from support.derivation.cells import Choice, Edge
from support.derivation.findings import SCORES, Found
from support.search.stability import draw_stability


def test_a_cell_without_a_choice_is_drawn_as_decided(tmp_path):
    edge = Edge(0, 1, ("conv 1x1",), (1.0,), False, (2,))
    cells, edges = {"group0": [Choice(1, "conv 1x1", 0, 1.0)]}, {"group0": [edge]}
    found = Found(1, cells, edges, dict.fromkeys(SCORES, 0.5))
    told = {"group0": {"0-1": {"alpha": [0.0], "entropy_nats": 0.0, "sampled": [4]}}}
    curves = dict.fromkeys(("loss", "top1", "validation_loss", "validation_top1"), 0.5)
    draw_stability([{"epoch": 1, **curves, "cells": told}], found, tmp_path)
    assert "% of undecided" in (tmp_path / "stability.svg").read_text()
