"""A folder with the quickstart spec whose stages are stand-ins; nothing of torch or FINN is needed."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nashc import emit
from nashc.driver import project
from nashc.driver.display import display
from nashc.driver.plan import Plan, make_plan
from nashc.driver.report import Outcome
from nashc.driver.request import Request
from nashc.driver.run import run
from nashc.tools import interpreter, vivado

STAND_IN = Path(__file__).with_name("stand_in.py").read_text(encoding="utf-8")
IMPORTS = {
    "search": "supernet",
    "derive": "support.derivation.within",
    "train": "model",
    "export": "model, lowering",
    "verify": "model, lowering",
    "build": "support.finn.hardware",
}
VERSIONS = {
    "python": "3.11.0",
    "torch": "2.12.1",
    "brevitas": "0.13.0",
    "safetensors": "0.8.0",
    "scikit-learn": "1.7.2",
    "onnx": "1.21.0",
    "qonnx": "1.0.0",
    "finn-plus": "1.6.1",
}
QUICKSTART = Path(__file__).with_name("quickstart.nash")


@dataclass
class Lab:
    """folder: where the spec lies. versions: what the interpreter of the stages has."""

    folder: Path
    versions: dict[str, str]
    environment: dict[str, str]

    @property
    def spec(self) -> Path:
        return self.folder / "quickstart.nash"

    @property
    def out(self) -> Path:
        return self.folder / "build" / "quickstart"

    def request(self, **options: Any) -> Request:
        options = {"out": self.out, **options}
        return Request(self.spec, sys.executable, self.environment, **options)

    def plan(self, **options: Any) -> Plan:
        return make_plan(self.request(**options))

    def run(self, **options: Any) -> Outcome:
        with (self.folder / "screen").open("a", encoding="utf-8") as stream:
            return run(self.request(**options), display(stream))

    def screen(self) -> str:
        """All that runs have told the user."""
        return (self.folder / "screen").read_text(encoding="utf-8")

    def calls(self) -> list[dict[str, Any]]:
        """How the stage programs were called since the last time this was asked."""
        record = self.folder / "record"
        lines = record.read_text().splitlines() if record.exists() else []
        record.unlink(missing_ok=True)
        return [json.loads(line) for line in lines]

    def called(self) -> list[str]:
        return [call["stage"] for call in self.calls()]

    def edit(self, old: str, new: str) -> None:
        text = self.spec.read_text(encoding="utf-8")
        assert old in text, old
        self.spec.write_text(text.replace(old, new), encoding="utf-8")


def without_compare(text: str) -> str:
    """The quickstart without its variant: half the stages to run in a test."""
    start = text.index("compare {")
    return text[:start] + text[text.index("}\n", start) + 2 :]


def set_up(folder: Path, patch: Any) -> Lab:
    """A lab in a folder. patch: pytest's monkeypatch, or anything with its setattr."""
    text = QUICKSTART.read_text(encoding="utf-8")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "quickstart.nash").write_text(without_compare(text), encoding="utf-8")
    versions = dict(VERSIONS)
    environment = {
        **{key: value for key, value in os.environ.items() if not key.startswith("NASHC_")},
        "FAKE_RECORD": str(folder / "record"),
    }
    real_project = emit.project

    def project_with_stand_ins(spec: Any, graph: Any) -> dict[str, str]:
        files = dict(real_project(spec, graph))
        for name, imported in IMPORTS.items():
            if f"{name}.py" in files:
                files[f"{name}.py"] = STAND_IN.replace("IMPORTED", imported)
        return files

    def fake_versions(python: str, names: Any) -> Mapping[str, str]:
        return {name: versions[name] for name in ("python", *names) if name in versions}

    patch.setattr(project.emit, "project", project_with_stand_ins)
    patch.setattr(interpreter, "versions", fake_versions)
    patch.setattr(vivado, "missing", lambda _: "Vivado not found (needs 2022.2 or later)")
    return Lab(folder, versions, environment)


class _Patch:
    def setattr(self, target: Any, name: str, value: Any) -> None:
        setattr(target, name, value)


def main() -> None:
    """`python -m tests.driver.lab FOLDER`: `nashc run` in a process of its own, for tests that interrupt it."""
    from nashc import cli

    lab = set_up(Path(sys.argv[1]), _Patch())
    os.environ.update(lab.environment)
    sys.argv[1:] = ["run", str(lab.spec), "-o", str(lab.out)]
    cli.main()


if __name__ == "__main__":
    main()
