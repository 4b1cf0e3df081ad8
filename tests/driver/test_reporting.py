"""What a run tells: its report, its summary, and lines for terminals of all kinds."""

from __future__ import annotations

import io
import json
import re

import pytest

from nashc.cli import cli
from nashc.diagnostics import SpecError
from nashc.driver.display import display
from tests.driver.lab import QUICKSTART, Lab

ALL = ["search", "train", "export", "verify", "estimate"]


def test_a_variant_is_trained_beside_and_reported(lab: Lab):
    lab.spec.write_text(QUICKSTART.read_text())
    outcome = lab.run()
    # Its stand-in weights are the same, so their estimate is the one that is there.
    assert lab.called() == [*ALL, "train", "export", "verify"]
    [variant] = outcome.compare
    assert variant.params == {"bits": "w2a2"}
    assert (lab.out / "compare" / "bits-w2a2" / "model.py").exists()
    report = json.loads((lab.out / "report.json").read_text())
    assert report["compare"][0]["params"] == {"bits": "w2a2"}
    assert "quickstart bits=w2a2" in lab.screen()


def test_the_report(lab: Lab):
    lab.run()
    report = json.loads((lab.out / "report.json").read_text())
    assert report["versions"]["brevitas"] == "0.13.0"
    assert [stage["stage"] for stage in report["stages"]] == ALL
    assert report["stages"][1]["result"]["top1"] == 0.9
    [not_run] = report["not_run"]
    assert not_run["why"] == "Vivado not found (needs 2022.2 or later)"
    figures = report["stages"][-1]["figures"]
    [layer] = figures["layers"]
    assert (layer["layer"], layer["cycles"], layer["lut"]) == ("stem.conv", 100, 50)
    assert figures["fits"] is True
    assert figures["share_of_board"]["dsp"] == 2 / 220
    assert "fits Pynq-Z1: at most DSP 0.9 % (2 of 220)" in lab.screen()
    page = (lab.out / "report.html").read_text()
    assert "fits Pynq-Z1" in page and str(lab.folder) not in page
    assert str(lab.folder) not in json.dumps({**report, "stages": None, "not_run": None})


def test_a_report_is_printed_though_its_page_is_lost(lab: Lab, capsys):
    lab.run()

    def report(*more: str) -> tuple[int, str, str]:
        words = ["report", str(lab.spec), "-o", str(lab.out), *more]
        return cli.main(words, standalone_mode=False), *capsys.readouterr()

    code, good, _ = report()
    assert code == 0
    code, out, err = report("--html", "/dev/full")
    assert (code, out) == (1, good.partition("\nThe page is")[0])
    assert err.startswith("\nNASH401: /dev/full cannot be written: no space left on device")
    code, out, _ = report("--html", "/dev/full", "--json")
    assert code == 1 and not json.loads(out)["ok"] and json.loads(out)["page"] is None


@pytest.mark.parametrize("name", ["report.html", "report.json"])
def test_a_summary_is_printed_though_a_report_is_lost(lab: Lab, name: str):
    (lab.out / name).mkdir(parents=True)
    with pytest.raises(SpecError, match=rf"NASH401 .*{re.escape(name)} cannot be written"):
        lab.run()
    assert "fits Pynq-Z1" in lab.screen() and "Everything is in" not in lab.screen()


@pytest.mark.parametrize(("terminal", "is_plain"), [("dumb", True), ("xterm", False)])
def test_a_dumb_terminal_gets_plain_lines(monkeypatch, terminal: str, is_plain: bool):
    """rich leaves two empty lines there for each bar that it does not draw."""
    screen = io.StringIO()
    monkeypatch.setattr(screen, "isatty", lambda: True)
    monkeypatch.setenv("TERM", terminal)
    with display(screen).stage("train"):
        pass
    assert (screen.getvalue() == "") is is_plain


@pytest.mark.parametrize("terminal", ["dumb", "xterm"])
def test_notes_of_a_stage_are_shown(monkeypatch, terminal: str):
    screen = io.StringIO()
    monkeypatch.setattr(screen, "isatty", lambda: True)
    monkeypatch.setenv("TERM", terminal)
    with display(screen).stage("train") as shown:
        shown.event({"event": "log", "text": "epoch 1"})
        shown.event({"event": "note", "text": "1 file is passed over in [a]"})
    assert "train       1 file is passed over in [a]\n" in screen.getvalue()
    assert "epoch 1" not in screen.getvalue()
