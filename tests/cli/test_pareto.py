"""`nashc pareto` and what it leaves, without training."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from nashc.pareto.sweep import FILES
from tests.pareto.networks import write


@pytest.fixture(autouse=True)
def specs(tmp_path: Path) -> None:
    write(tmp_path)


def test_costs_alone(nashc, tmp_path: Path):
    words = ["plain.nash", "v3.nash", "--sweep", "bits=w2a2,w4a4", "--accuracy", "none"]
    said = nashc("pareto", *words, "-o", "out")
    assert said.code == 0, said.err
    assert said.out.splitlines()[1].split() == [
        *("LUT", "BRAM18", "URAM", "DSP", "fps", "latency", "ms", "front"),
    ]
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert {"points.csv", "points.json", "pareto.svg", "pareto.html"} <= names <= set(FILES)
    with (tmp_path / "out" / "points.csv").open() as file:
        head, *cells = csv.reader(file)
    assert len(set(head)) == len(head) and head[:3] == ["network", "swept_bits", "bits"]
    rows = [dict(zip(head, row, strict=True)) for row in cells]
    assert [(row["network"], row["bits"]) for row in rows] == [
        *(("plain", "w2a2"), ("plain", "w4a4"), ("v3", "w2a2"), ("v3", "w4a4")),
    ]
    alone = json.loads(nashc("estimate", "v3.nash", "--set", "bits=w4a4", "--json").out)
    for name in ("lut", "bram18", "uram", "dsp", "weights", "macs", "cycles"):
        assert int(rows[3][name]) == alone[name]
    assert rows[0]["on_front_lut"] == "true" and rows[0]["accuracy"] == ""
    found = json.loads((tmp_path / "out" / "points.json").read_text())
    assert found["accuracy"] is None and found["upwards"] == "fps"
    assert found["points"][0]["on_front"] == {"lut": True, "bram18": True}


def test_the_table_is_printed_though_the_files_are_lost(nashc, tmp_path: Path):
    words = ["pareto", "plain.nash", "--accuracy", "none", "-o", "out"]
    table = nashc(*words).out.partition("\nwrote ")[0]
    (tmp_path / "out" / "points.json").unlink()
    (tmp_path / "out" / "points.json").symlink_to("/dev/full")
    said = nashc(*words)
    assert (said.code, said.out) == (1, table + "\n") and "wrote" not in said.out
    assert said.err.startswith("\nNASH401: out/points.json cannot be written: no space left")


def test_an_output_folder_that_cannot_be_is_told_before_anything_runs(nashc, tmp_path: Path):
    (tmp_path / "file").touch()
    said = nashc("pareto", "plain.nash", "--accuracy", "none", "-o", "file")
    assert said.code == 3 and said.out == ""
    assert said.err.startswith("NASH401: file/points.csv cannot be written: not a directory\n")


def test_json_and_files_are_the_same_every_time(nashc, tmp_path: Path):
    words = ["pareto", "plain.nash", "--sweep", "fps=100,10000", "--accuracy", "none", "--json"]
    first = nashc(*words)
    contents = {path.name: path.read_bytes() for path in (tmp_path / "build/pareto").iterdir()}
    assert json.loads(first.out)["ok"] is True
    assert nashc(*words).out == first.out
    assert contents == {p.name: p.read_bytes() for p in (tmp_path / "build/pareto").iterdir()}


def test_a_point_that_cannot_be_costed_is_told_and_the_rest_is_drawn(nashc):
    words = ["plain.nash", "searched.nash", "--accuracy", "none"]
    said = nashc("pareto", *words)
    assert said.code == 1
    assert (
        "failed: searched: NASH451 `searched` has cells whose architecture is not known" in said.out
    )
    assert "build/pareto/pareto.svg" in said.out


def test_a_mistake_of_every_point_is_told_once(nashc):
    words = ["searched.nash", "--sweep", "bits=w2a2,w4a4", "--accuracy", "none"]
    said = nashc("pareto", *words)
    assert said.code == 3 and said.err.count("NASH451: ") == 1 and "2 errors" not in said.err
    told = json.loads(nashc("pareto", *words, "--json").out)
    assert [it["code"] for it in told["diagnostics"]] == ["NASH451"]


def test_the_mistake_of_a_point_is_told_once_whatever_its_seeds(nashc, tmp_path: Path):
    text = (tmp_path / "plain.nash").read_text().replace("project = true", "project = false")
    (tmp_path / "bad.nash").write_text(text.replace("network plain", "network bad"))
    words = ["bad.nash", "v3.nash", "--sweep", "seed=1,2"]
    for how in ("--kept", "--plan"):
        assert nashc("pareto", *words, how).out.count("bad: NASH201 add needs equal shapes") == 1


def test_a_value_is_wrong_once_whatever_the_others_are(nashc):
    words = ["plain.nash", "--sweep", "fps=1e2,200", "--sweep", "bits=w2a2,w4a4"]
    assert nashc("pareto", *words, "--plan").err.count("NASH114: ") == 1


def test_a_parameter_that_changes_nothing_is_told(nashc):
    words = ["plain.nash", "v3.nash", "--sweep", "strength=1,2", "--sweep", "bits=w2a2,w4a4"]
    line = "strength changes nothing in v3: its values are one point"
    for how in (["--accuracy", "none"], ["--plan"]):
        assert nashc("pareto", *words, *how).out.splitlines().count(line) == 1
    others = ["plain.nash", "--sweep", "seed=1,2", "--accuracy", "none"]
    assert "changes nothing" not in nashc("pareto", *others).out


def test_kept_draws_what_is_there_and_runs_nothing(nashc, tmp_path: Path):
    out = tmp_path / "build/pareto"
    out.mkdir(parents=True)
    for name in ("pareto.svg", "pareto.html", "pareto.png"):
        (out / name).write_text("of other points")
    said = nashc("pareto", "plain.nash", "--kept")
    assert (said.code, said.err) == (0, "")
    assert said.out == (
        "\nnot run: 1 training\n\nnothing is drawn: no point is finished\n"
        "wrote build/pareto/points.csv, build/pareto/points.json\n"
    )
    assert {path.name for path in out.iterdir()} == {"points.csv", "points.json"}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--sweep", "bits"], "'bits' is not NAME=V1,V2, for example --sweep bits=w2a2,w4a4"),
        (["--sweep", "bits=w2a2,"], "'bits=w2a2,' is not NAME=V1,V2"),
        (["--sweep", "bits=w2a2", "--set", "bits=w4a4"], "by --sweep and by --set"),
        (
            ["--sweep", "bits=w2a2,w4a4", "--sweep", "bits=w1a2,w2a2"],
            "'bits' is swept twice: --sweep bits=w2a2,w4a4,w1a2 has all",
        ),
        (["--speed", "fps"], "--speed goes with --accuracy none"),
    ],
)
def test_wrong_usage(nashc, words: list[str], message: str):
    said = nashc("pareto", "plain.nash", *words)
    assert said.code == 2 and message in said.err


def test_a_wrong_value_stops_before_anything_runs(nashc, tmp_path: Path):
    said = nashc("pareto", "plain.nash", "v3.nash", "--sweep", "bits=w2a2,w9a9")
    assert said.code == 1 and "NASH114" in said.err
    assert not (tmp_path / "build").exists()


def test_parameters_of_the_specs_are_completed(tmp_path: Path):
    words = {
        "_NASHC_COMPLETE": "bash_complete",
        "COMP_WORDS": "nashc pareto plain.nash --sweep b",
        "COMP_CWORD": "4",
    }
    completed = subprocess.run(
        [sys.executable, "-m", "nashc"],
        cwd=tmp_path,
        env={**os.environ, **words},
        capture_output=True,
        text=True,
        check=False,
    )
    assert completed.stdout.splitlines() == ["plain,bits="]
