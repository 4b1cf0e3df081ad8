"""A sweep in earnest: a search and trainings on the handwritten digits."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.pareto.networks import write

pytestmark = [pytest.mark.torch, pytest.mark.slow]


def test_a_sweep_on_digits(tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch):
    from nashc import cli

    specs = write(tmp_path)
    out = tmp_path / "out"
    words = [str(specs["plain"]), str(specs["searched"]), "--sweep", "seed=1,2", "-o", str(out)]

    def pareto(*more: str) -> str:
        monkeypatch.setattr("sys.argv", ["nashc", "pareto", *words, *more])
        capfd.readouterr()
        with pytest.raises(SystemExit) as ended:
            cli.main()
        said = capfd.readouterr()
        assert not ended.value.code, said.err
        return said.out

    pareto()
    plain, searched = json.loads((out / "points.json").read_text())["points"]
    assert len(plain["trials"]) == len(searched["trials"]) == 2
    for point in (plain, searched):
        for trial in point["trials"]:
            kept = json.loads((out / trial["result"] / "metrics.json").read_text())
            assert trial["accuracy"] == kept["top1"]
    assert searched["lut"] > plain["lut"]  # cells beside the groups
    before = (out / "pareto.html").read_bytes()
    assert pareto("--plan").endswith("nothing to run\n")
    pareto()
    assert (out / "pareto.html").read_bytes() == before
