"""`nashc compile`: the files of a project, with the architecture that a search has found if there is one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from nashc.diagnostics.model import counted
from nashc.driver.desk import Desk, desk_of
from nashc.driver.found import FOUND
from nashc.driver.project import Project, with_existing_found
from nashc.driver.request import Request
from nashc.driver.search import derivation_of
from nashc.emit.write import WriteResult

SUPPORT = "support/"


@dataclass(frozen=True)
class Compiled:
    """search: key of the search whose architecture was taken up, None if there was none to take."""

    project: Project
    result: WriteResult
    search: str | None

    def to_json(self) -> dict[str, Any]:
        return {
            "folder": str(self.result.out),
            "digest": self.project.spec.digest,
            "search": self.search,
            "lacks_genotype": self.project.lacks_genotype,
            "written": list(self.result.written),
            "unchanged": list(self.result.unchanged),
            "removed": list(self.result.removed),
            "kept": [f"{name}.orig" for name in self.result.kept],
        }


def compile_spec(request: Request) -> Compiled:
    """Write the project of a spec. Errors: SpecError."""
    desk = desk_of(request)
    key = _found(desk) if desk.project.base.search else None
    project = desk.project
    return Compiled(project, project.write(force=request.overwrite), key)


def _found(desk: Desk) -> str | None:
    """Give the desk's project the architecture that is kept of it, if any. The key of the search that found it."""
    key = None
    for stage in desk.finders:
        of_stage = desk.key(stage)
        key = key or of_stage.digest
        kept = desk.store.find(stage, of_stage.digest)
        if kept is None:
            found = with_existing_found(desk.project, key, derivation_of(desk.project, key))
            desk.project = found or desk.project
            return key if found else None
        desk.accept(stage, kept)
    return key


def outcome_lines(compiled: Compiled) -> list[str]:
    """What happened, for people."""
    result = compiled.result
    lines = [f"wrote {result.out / name}" for name in _in_short(result.written)]
    lines += [f"removed {result.out / name}" for name in _in_short(result.removed)]
    lines += [f"kept your {name} as {result.out / name}.orig" for name in result.kept]
    if result.is_unchanged:
        lines.append(f"{result.out}: nothing changed, {counted(len(result.unchanged), 'file')}")
    if compiled.search:
        lines.append(
            f"the architecture is that of search {compiled.search}, see {result.out / FOUND}"
        )
    elif compiled.project.lacks_genotype:
        lines.append(
            "the architecture is not known yet: `nashc run` searches it and writes the model"
        )
    return lines


def _in_short(names: Sequence[str]) -> list[str]:
    """Paths, those in support/ as one: it is the same in every project."""
    shared = [name for name in names if name.startswith(SUPPORT)]
    if len(shared) < 2:
        return list(names)
    rest = [name for name in names if not name.startswith(SUPPORT)]
    return [*rest, f"{SUPPORT} ({counted(len(shared), 'file')})"]
