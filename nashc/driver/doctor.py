"""What is installed here, in which versions, and what that allows."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from nashc import __version__
from nashc.driver.needs import Machine
from nashc.stages import STAGES
from nashc.text import pasted
from nashc.tools import interpreter, vivado

_PARTS = ("torch", "brevitas", "qonnx", "onnx", "finn-plus", "safetensors", "scikit-learn")
_OF_FOLDING = {"fold": ("numpy", "scipy", "highspy")}
"""What nashc's own Python needs for a command."""
_AMD = ("vivado", "vitis_hls", "vitis")


@dataclass(frozen=True)
class Findings:
    """rows: (thing, what was found, or "" if it is missing). stages, commands: name to what it lacks."""

    python: str
    rows: tuple[tuple[str, str], ...]
    stages: Mapping[str, tuple[str, ...]]
    commands: Mapping[str, tuple[str, ...]]

    def to_json(self) -> dict[str, Any]:
        return {
            "nashc": __version__,
            "python": self.python,
            "found": {name: version or None for name, version in self.rows},
            **{
                what: {
                    name: {"can_run": not lacks, "lacks": list(lacks)}
                    for name, lacks in of_these.items()
                }
                for what, of_these in (("stages", self.stages), ("commands", self.commands))
            },
        }

    def lines(self) -> list[str]:
        width = max(len(name) for name, _ in self.rows)
        lines = [f"{name:<{width}}  {version or 'missing'}" for name, version in self.rows]
        lines += ["", f"{'check, fmt, compile, plan, show':<{width}}  can run"]
        for name, lacks in (*self.commands.items(), *self.stages.items()):
            lines.append(
                f"{name:<{width}}  " + (f"cannot run: {', '.join(lacks)}" if lacks else "can run")
            )
        if any(lack.endswith(" missing") for lacks in self.stages.values() for lack in lacks):
            lines += ["", f"help: {pasted(self.python)} -m pip install 'nashc[all]'"]
        if any(self.commands.values()):
            lines += ["", "help: pip install 'nashc[fold]', where nashc is"]
        if any("Vivado" in lack for lacks in self.stages.values() for lack in lacks):
            help_text = "synthesis can be done elsewhere: nashc run prints the command"
            lines += ["", f"help: {help_text}"]
        return lines


def examine(python: str, environment: Mapping[str, str]) -> Findings:
    """Look at the interpreter of the stages and at AMD's tools. Errors: NASH503, no such interpreter."""
    machine = Machine(python, environment)
    versions = machine.versions
    rows = [("nashc", __version__), ("Python", f"{versions['python']} ({python})")]
    rows += [(name, versions.get(name, "")) for name in _PARTS]
    rows.append(("GPU", _gpu(python) if "torch" in versions else "unknown without torch"))
    for name in _AMD:
        tool = vivado.find(name, environment)
        version = f"{tool.version or 'version unknown'} ({tool.path})" if tool else ""
        rows.append((name, version))
    own = interpreter.versions(sys.executable, {it for its in _OF_FOLDING.values() for it in its})
    commands = {
        name: tuple(f"{it} missing" for it in needs if it not in own)
        for name, needs in _OF_FOLDING.items()
    }
    return Findings(python, tuple(rows), _lacks(machine), commands)


def _lacks(machine: Machine) -> dict[str, tuple[str, ...]]:
    found = {}
    for stage in STAGES:
        lacks = [f"{name} missing" for name in stage.needs if name not in machine.versions]
        if stage.tools and machine.missing_vivado:
            lacks.append(machine.missing_vivado)
        found[stage.name] = tuple(lacks)
    return found


def _gpu(python: str) -> str:
    print("asking torch for a GPU ...", file=sys.stderr)
    try:
        return interpreter.torch_device(python)["gpu"] or "none, torch uses the CPU"
    except interpreter.NoInterpreter as error:
        return f"torch does not start: {error}"
