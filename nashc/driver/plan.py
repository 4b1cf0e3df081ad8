"""What a run does, stage by stage: the value that `nashc plan` prints and `nashc run` follows."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from nashc.diagnostics import Diagnostic
from nashc.driver.desk import Desk, Row, desks, rows
from nashc.driver.needs import lacking, missing_distributions
from nashc.driver.request import Request, stage_called


@dataclass(frozen=True)
class Plan:
    """The rows for one spec, and the plans of the variants that it is compared with.

    target: the hardware settings in force, defaults included; empty without a target.
    fatal: what makes a run impossible, each thing once, for the variants too.
    """

    name: str
    folder: Path
    label: str
    rows: tuple[Row, ...]
    target: Mapping[str, Any] = field(default_factory=dict)
    fatal: tuple[Diagnostic, ...] = ()
    compare: tuple[Plan, ...] = ()

    @property
    def is_done(self) -> bool:
        """Nothing is left to do here."""
        idle = all(row.action in ("kept", "cannot") for row in self.rows)
        return idle and all(plan.is_done for plan in self.compare)

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "folder": str(self.folder),
            "label": self.label,
            "target": dict(self.target),
            "stages": [row.to_json() for row in self.rows],
            "compare": [plan.to_json() for plan in self.compare],
        }


def make_plan(request: Request) -> Plan:
    """What `nashc run` would do. Writes nothing. Errors: SpecError."""
    return plan_of(desks(request))


def plan_of(all_desks: tuple[Desk, ...]) -> Plan:
    """What a run would do from these desks, which stay as they are. all_desks: the spec's own first, then its variants'."""
    fresh: set[str] = set()
    tried = tuple(replace(desk, results={}, fresh=fresh) for desk in all_desks)
    first, *variants = [_plan(desk) for desk in tried]
    fatal = _fatal(tried, (first, *variants))
    return replace(first, fatal=fatal, compare=tuple(variants))


def _fatal(all_desks: tuple[Desk, ...], plans: tuple[Plan, ...]) -> tuple[Diagnostic, ...]:
    """The reasons of fatal rows; missing distributions, which each stage tells for itself, in one."""
    problems: dict[Diagnostic, None] = {}
    lacks: dict[str, None] = {}
    for desk, plan in zip(all_desks, plans, strict=True):
        for row in plan.rows:
            if not row.is_fatal or not row.problem:
                continue
            missing = (
                lacking(stage_called(row.stage), desk.project, desk.machine)
                if row.problem.code == "NASH503"
                else ()
            )
            lacks |= dict.fromkeys(missing)
            if not missing:
                problems[row.problem] = None
    if lacks:
        problems[missing_distributions(list(lacks), all_desks[0].machine.python)] = None
    return tuple(problems)


def _plan(desk: Desk) -> Plan:
    found = tuple(rows(desk))
    # Only now: once the rows are made the desk knows the architecture, if any kept search gives it.
    found = (desk.compile_row(), *found)
    target = json.loads(desk.project.files.get("settings/build.json", "{}"))
    return Plan(desk.project.name, desk.project.folder, desk.label, found, target)
