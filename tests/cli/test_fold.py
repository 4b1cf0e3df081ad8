"""`nashc fold`: files, figures, and questions that have no answer."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.paths import SPECS


def test_fold_writes_the_file_and_the_figures(nashc, tmp_path: Path):
    spec = str(SPECS / "resnet18.nash")
    said = nashc("fold", spec, "--budget", "lut=20%,dsp=100", "--json", "-o", "folding.json")
    found = json.loads(said.out)
    assert said.code == 0 and found["ok"] and found["is_optimal"]
    assert found["lut"] <= found["budget"]["lut"] == 300_000 and found["dsp"] <= 100
    assert found["fps"] == pytest.approx(2e8 / found["cycles"])
    assert json.loads((tmp_path / "folding.json").read_text()) == found["folding"]
    assert found["lut"] == sum(layer["lut"] for layer in found["layers"])
    assert nashc("fold", spec, "--budget", "lut=20%,dsp=100", "--json").out == said.out


def test_fold_asks_for_its_place_before_it_searches(nashc, tmp_path: Path):
    (tmp_path / "file").touch()
    said = nashc("fold", "no-such.nash", "-o", "file/folding.json")
    assert said.code == 3 and said.out == ""
    assert said.err.startswith("NASH401: file/folding.json cannot be written: not a directory\n")


@pytest.mark.parametrize("command", [("fold", "-o"), ("estimate", "--html")])
def test_an_answer_is_printed_though_its_file_is_lost(nashc, tmp_path: Path, command):
    """/dev/full is a disk that fills up between the first look and the writing."""
    name, option = command
    spec = str(SPECS / "own_backbone.nash")
    answer = nashc(name, spec).out
    said = nashc(name, spec, option, "/dev/full")
    assert (said.code, said.out) == (1, answer)
    assert said.err.startswith("\nNASH401: /dev/full cannot be written: no space left on device\n")
    said = nashc(name, spec, option, "/dev/full", "--json")
    assert said.code == 1 and "NASH401" in said.err
    assert not json.loads(said.out).get("ok", False)  # estimate has no such word


def test_fold_makes_the_folders_of_its_file(nashc, tmp_path: Path):
    said = nashc("fold", str(SPECS / "own_backbone.nash"), "-o", "new/sub/folding.json")
    assert said.code == 0 and said.out.endswith("\nwrote new/sub/folding.json\n")
    assert json.loads((tmp_path / "new" / "sub" / "folding.json").read_text())


def test_fold_says_what_binds(nashc):
    said = nashc("fold", str(SPECS / "resnet18.nash"), "--goal", "max-fps")
    assert said.code == 0
    assert "binds       stem.conv: no legal folding is faster" in said.out


def test_fold_goes_on_to_the_distance_asked_for(nashc):
    spec = str(SPECS / "resnet18.nash")
    asked = ("fold", spec, "--converters", "--goal", "max-fps", "--json", "--gap")
    found = json.loads(nashc(*asked, "0.05").out)
    assert found["gap"] == 0 and found["use_gap"] <= 0.0005


@pytest.mark.parametrize("gap", ["-1", "100", "nan"])
def test_fold_refuses_a_distance_that_is_none(nashc, gap: str):
    said = nashc("fold", str(SPECS / "resnet18.nash"), "--gap", gap)
    assert said.code == 2 and said.err.splitlines()[:2] == [
        f"NASH462: {gap} per cent are no distance from the best",
        "help: from 0, which is exact, to below 100: --gap 0.1",
    ]


@pytest.mark.parametrize(
    ("words", "message", "help_text"),
    [
        (("--budget", ""), "the budget is empty", "name what is limited: --budget lut=200k,"),
        (("--budget", "lut"), "`lut` has no amount", "a count up to 1000M or a part of the"),
        (("--budget", "lut=1,"), "the budget `lut=1,` has a part that names no resource", "a bu"),
        (("--budget", "lut=1001M"), "`1001M` is no amount of lut", "a count up to 1000M or a"),
        (("--budget", "lut=" + "9" * 400), f"`{'9' * 400}` is no amount of lut", "a count up to"),
        (("--goal", ""), "there is no goal ``", "known are: max-fps, min-resources, min-latency"),
        (("--fps", "1e-320"), "9.99989e-321 is no frame rate", "a number from 1e-06: --fps 1000"),
    ],
)
def test_fold_refuses_options_before_it_reads_the_spec(nashc, words, message: str, help_text: str):
    said = nashc("fold", "no-such.nash", *words)
    first, second, *_ = said.err.splitlines()
    assert (said.code, first) == (2, f"NASH462: {message}")
    assert second.startswith(f"help: {help_text}")


def test_the_least_resources_are_those_at_the_rate_of_the_spec(nashc, tmp_path: Path):
    text = (SPECS / "own_backbone.nash").read_text(encoding="utf-8")
    head = text[: text.index("target {")]
    for name, fps in (("with", "  fps = 5000\n"), ("without", "")):
        (tmp_path / f"{name}.nash").write_text(head + f"target {{\n  board = ZCU102\n  clock = 100 MHz\n{fps}}}\n")  # fmt: skip
    asked = ("--goal", "min-resources", "--json")
    said = nashc("fold", "with.nash", *asked)
    assert said.code == 0
    assert said.out == nashc("fold", "with.nash", *asked, "--fps", "5000").out
    said = nashc("fold", "without.nash", *asked[:2])
    assert said.code == 2 and said.err.splitlines()[:2] == [
        "NASH462: the least resources are those of no throughput at all, and the spec has no `fps`",
        "help: say how many frames a second: --fps 1000, or `fps = 1000` in its target",
    ]


def test_fold_for_no_board(nashc, spec: Path):
    assert nashc("fold", str(spec), "--board", "").err.startswith("NASH115: there is no board ``")


def test_fold_for_a_board_that_has_nothing(nashc, tmp_path: Path):
    text = nashc("boards", "Pynq-Z1", "--toml").out
    text = re.sub(r"\b(lut|bram18|uram|dsp)(\s*)= *[\d_]+", r"\g<1>\g<2>= 0", text)
    assert len(re.findall(r"\b(?:lut|bram18|uram|dsp)\s*= 0\b", text)) == 4
    (tmp_path / "none.toml").write_text(text)
    said = nashc("fold", str(SPECS / "own_backbone.nash"), "--board", str(tmp_path / "none.toml"))
    assert "NASH461: no folding fits" in said.err and "of 0" in said.err


def test_fold_of_a_network_that_is_still_searched(nashc, spec: Path):
    said = nashc("fold", str(spec))
    assert said.code == 3 and said.err.startswith("NASH451")
    assert re.search(r"\.nash:\d+:3\n.*cell in each group \{\n +\| +\^+$", said.err, re.M | re.S)
