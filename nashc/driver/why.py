"""Why a stage is kept or would run: all that its result depends on, and what changed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from nashc.diagnostics import Diagnostic
from nashc.driver.desk import Row, desk_of, rows
from nashc.driver.display import duration
from nashc.driver.key import differences
from nashc.driver.request import Request, stage_called
from nashc.driver.store import Result


@dataclass(frozen=True)
class Answer:
    """latest: the result of the stage that was made last. changes: from its inputs to the present ones.

    blocked: why nothing can be written where it would run.
    """

    row: Row
    latest: Result | None
    changes: tuple[str, ...]
    blocked: Diagnostic | None

    def to_json(self) -> dict[str, Any]:
        return {
            **self.row.to_json(),
            "depends_on": dict(self.row.key.material) if self.row.key else None,
            "latest": self.latest.key if self.latest else None,
            "changes": list(self.changes),
            "blocked": self.blocked.message if self.blocked else None,
        }

    def lines(self) -> list[str]:
        lines = [f"{self.row.stage}: {self.row.action}, {self.row.why}"]
        if self.blocked:
            lines += [f"{self.blocked.code} {self.blocked.message}", f"help: {self.blocked.help}"]
        if self.latest:
            took = duration(self.latest.duration_s)
            lines.append(f"last result  {self.latest.key}, took {took}, {self.latest.folder}")
        lines += [f"  {change}" for change in self.changes]
        if self.row.key is None:
            return lines
        material = self.row.key.material
        lines.append(f"key          {self.row.key.digest}, made from")
        lines.append(f"  programs   {', '.join(material['programs'])}")
        if material["settings"]:
            lines.append(f"  settings   {', '.join(material['settings'])}")
        for path, digest in material["inputs"].items():
            lines.append(f"  result     {path} ({digest[:12]})")
        versions = ", ".join(f"{name} {version}" for name, version in material["tools"].items())
        lines += [f"  versions   {versions}"] if versions else []
        return lines


def explain_stage(request: Request, name: str) -> Answer:
    """The answer for one stage of the spec itself. Errors: SpecError."""
    stage = stage_called(name)
    desk = desk_of(request)
    found = {row.stage: row for row in rows(desk)}
    row = found.get(name) or Row(name, "cannot", "this spec has nothing to search")
    latest = desk.store.latest(stage, desk.label)
    changes = differences(latest.record["material"], row.key.material) if latest and row.key else []
    return Answer(row, latest, tuple(changes), desk.compile_row().problem)
