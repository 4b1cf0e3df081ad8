"""`nashc run`, `plan` and `why`: what is asked of stages before any of them begins."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize(
    ("words", "message", "help_text"),
    [
        (
            ("--to", "train", "--force", "export"),
            "--force export lies behind --to train: it would not run",
            "--to export, or leave --force export out",
        ),
        (
            ("--from", "export", "--force", "train"),
            "--force train lies before --from export: it would not run",
            "--from train, or leave --force train out",
        ),
        (
            ("--force", "derive"),
            "quickstart has no stage derive that --force could run",
            "its stages are search, train, export, verify, estimate, synthesise",
        ),
    ],
)
def test_a_stage_is_forced_where_it_runs(nashc, spec: Path, words, message: str, help_text: str):
    for command in ("plan", "run"):
        said = nashc(command, *words)
        assert said.code == 2
        assert said.err.splitlines()[:2] == [f"NASH505: {message}", f"help: {help_text}"]


def test_a_data_folder_that_nothing_reads(nashc, spec: Path):
    for words in (("plan",), ("run",), ("why", "train", str(spec))):
        said = nashc(*words, "--data", "/nosuch")
        assert said.code == 3
        assert said.err.splitlines()[:2] == [
            "NASH502: no stage reads the folder of --data: digits come with scikit-learn",
            "  quickstart.nash:37:15",
        ]


def test_plan_as_json(nashc, spec: Path):
    found = json.loads(nashc("plan", "--json").out)
    assert [row["stage"] for row in found["stages"]][:3] == ["compile", "search", "train"]
    assert found["target"]["board"] == "Pynq-Z1"
    assert nashc("show", "--as", "plan").out == nashc("plan").out


def test_an_unknown_stage(nashc, spec: Path):
    said = nashc("run", "--to", "trian")
    assert said.code == 2
    assert "NASH505" in said.err and "did you mean `train`?" in said.err


def test_an_interpreter_that_is_none(nashc, spec: Path):
    said = nashc("run", "--python", "no-such-python")
    assert said.code == 3
    assert "NASH503" in said.err and "no-such-python" in said.err


def test_an_interpreter_without_torch(nashc, spec: Path, tmp_path: Path):
    bare = tmp_path / "bare"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(bare)], check=True)
    python = str(bare / "bin" / "python")
    said = nashc("run", "--python", python)
    assert said.code == 3
    assert "torch, safetensors, brevitas, scikit-learn, onnx, qonnx and finn-plus are" in said.err
    assert said.err.count("NASH503:") == 1 and f"missing in {python}" in said.err
    assert "pip install 'nashc[all]'" in said.err
    assert not (tmp_path / "build").exists()


def test_why(nashc, spec: Path):
    said = nashc("why", "search")
    assert said.code == 0
    assert said.out.startswith("search: run, no result yet\nkey          ")
    assert "  programs   search.py, supernet.py, support/__init__.py" in said.out


@pytest.mark.parametrize("words", [("plan",), ("plan", "--json")])
def test_ctrl_c_before_any_stage(nashc, monkeypatch, words: tuple[str, ...]):
    def interrupted(_request: object) -> None:
        raise KeyboardInterrupt

    nashc("new", "x.nash")
    monkeypatch.setattr("nashc.driver.plan.make_plan", interrupted)
    said = nashc(*words, "x.nash")
    assert said.code == 130
    if "--json" in words:
        told = json.loads(said.out)
        assert told["ok"] is False
        assert [each["code"] for each in told["diagnostics"]] == ["NASH506"]
    else:
        assert (said.out, said.err) == ("", "\ninterrupted\n")
