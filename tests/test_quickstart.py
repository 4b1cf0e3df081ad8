"""The main job end to end, with fewer epochs: real Brevitas, QONNX and FINN on real images."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.paths import SPECS

pytestmark = [pytest.mark.torch, pytest.mark.finn, pytest.mark.slow]
STAGES = ("search", "train", "export", "verify", "estimate")


def nashc(folder: Path, *arguments: str) -> str:
    command = [sys.executable, "-m", "nashc", *arguments]
    run = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stdout


def report(folder: Path) -> dict[str, Any]:
    path = folder / "build" / "quickstart" / "report.json"
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def results(folder: Path) -> dict[str, Any]:
    return {stage["stage"]: stage for stage in report(folder)["stages"]}


def test_the_whole_path_then_nothing_then_a_new_clock(tmp_path: Path) -> None:
    text = (SPECS / "quickstart.nash").read_text(encoding="utf-8")
    text = re.sub(r"epochs( *)= \d+", r"epochs\1= 3", text)
    text = text[: text.index("compare {")] + text[text.index("target {") :]
    spec = tmp_path / "quickstart.nash"
    spec.write_text(text, encoding="utf-8")

    nashc(tmp_path, "run")
    first = results(tmp_path)
    assert set(STAGES) <= set(first)
    assert first["train"]["result"]["top1"] > 0.5
    verified = first["verify"]["result"]
    assert verified["ok"]
    assert verified["images"] == 359
    estimates = first["estimate"]["result"]["network"]
    assert estimates["fps"] > 1000
    assert estimates["lut"] > 0
    assert [stage["stage"] for stage in report(tmp_path)["not_run"]] == ["synthesise"]

    plan = nashc(tmp_path, "plan")
    assert all(re.search(rf"^{stage} +kept", plan, re.MULTILINE) for stage in STAGES)
    nashc(tmp_path, "run")
    assert {name: stage["key"] for name, stage in results(tmp_path).items()} == {
        name: stage["key"] for name, stage in first.items()
    }

    spec.write_text(text.replace("100 MHz", "50 MHz"), encoding="utf-8")
    plan = nashc(tmp_path, "plan")
    for stage in ("search", "train", "export"):
        assert re.search(rf"^{stage} +kept", plan, re.MULTILINE), plan
    assert re.search(r"^estimate +run", plan, re.MULTILINE), plan
