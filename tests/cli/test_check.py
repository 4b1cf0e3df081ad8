"""`nashc check`: mistakes told of all files, parameters, what is read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from nashc.cli.common import (
    SPEC_ERROR,
)
from tests.paths import ALL_SPECS, SPECS

BROKEN = 'nash 1\n\nnetwork x {\n  inptu = UINT8 1x8x8\n  classes = 10\n  backbone = "a"\n}\n'


def test_check_of_good_specs(nashc):
    said = nashc("check", *map(str, ALL_SPECS))
    assert said.code == 0
    assert len(said.out.splitlines()) == len(ALL_SPECS)


def test_check_reports_all_mistakes_of_all_files(nashc, tmp_path: Path):
    (tmp_path / "a.nash").write_text(BROKEN)
    (tmp_path / "b.nash").write_text("nash 1\n\nnetwork x {\n")
    said = nashc("check", "a.nash", "b.nash", "missing.nash")
    assert said.code == 1
    for place in ("a.nash:4:3", "b.nash:3:11", "missing.nash"):
        assert place in said.err


def test_check_as_json(nashc, tmp_path: Path):
    (tmp_path / "a.nash").write_text(BROKEN)
    said = nashc("check", "a.nash", str(SPECS / "resnet18.nash"), "--json")
    found = json.loads(said.out)
    assert said.code == 1 and said.err == ""
    assert [row["ok"] for row in found["files"]] == [False, True]
    assert {row["file"] for row in found["diagnostics"]} == {"a.nash"}


def test_check_takes_parameters(nashc):
    said = nashc("check", str(SPECS / "resnet18.nash"), "--set", "bits=w9a9")
    assert said.code == 1 and "NASH11" in said.err


def test_check_looks_at_what_a_spec_compares_with(nashc, spec: Path):
    text = spec.read_text(encoding="utf-8").replace("param", "param wide: int = 16\nparam", 1)
    text = text.replace("tiny(width = 16)", "tiny(width = wide)").replace("bits = w2a2", "wide = 0")
    spec.write_text(text, encoding="utf-8")
    said = nashc("check", str(spec))
    assert said.code == SPEC_ERROR
    assert "compared with wide = 0: `out` must be at least 1, and this is 0" in said.err


@pytest.mark.parametrize("given", ["bits", "=w2a2", "bits="])
def test_a_parameter_without_value_is_wrong_usage(nashc, spec: Path, given: str):
    said = nashc("check", str(spec), "--set", given)
    assert said.code == 2 and "is not NAME=VALUE" in said.err


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "the file is empty"),
        ("\n ;\n", "the file is empty"),
        ("# a network, some day\n", "the file holds nothing but comments"),
    ],
)
def test_a_file_without_a_spec(nashc, spec: Path, text: str, told: str):
    spec.write_text(text)
    assert nashc("check", str(spec)).err.startswith(f"NASH003: {told}\n")


def test_standard_input_by_its_other_name(nashc):
    told = nashc("check", "-").err.splitlines()
    assert told[:2] == [
        "NASH001: cannot read -: there is no such file",
        "help: standard input is called /dev/stdin",
    ]


def test_a_parameter_is_set_once(nashc, spec: Path):
    assert nashc("check", str(spec), *["--set", "bits=w2a2"] * 2).code == 0
    said = nashc("check", str(spec), "--set", "bits=w2a2", "--set", "bits=w4a4")
    assert said.code == 2 and "'bits' is set twice: to 'w2a2' and to 'w4a4'" in said.err


@pytest.mark.parametrize("given", ["[w2a2]", "w2a2,w4a4", "4"])
def test_a_parameter_is_told_what_it_was_given(nashc, spec: Path, given: str):
    lines = nashc("check", str(spec), "--set", f"bits={given}").err.splitlines()
    needs = "needs bit widths from 1 to 8, such as w2a2, and was given"
    assert lines[0] == f"NASH114: parameter `bits` {needs} `{given}`"
    assert lines[-2].startswith("help: one value, such as w2a2, w8 or a4; several are for nashc p")
