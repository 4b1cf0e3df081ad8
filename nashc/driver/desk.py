"""What to do about each stage of one spec, and why.

One rule, `Desk.decide`, looks at one stage with the results so far. A plan asks it for every stage without
running any; a run asks it before each stage and then does what it says.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from nashc.diagnostics import Diagnostic, SpecError
from nashc.driver import project as projects
from nashc.driver.key import Key, differences, key_of
from nashc.driver.needs import Machine, check_data, data_path, is_required, obstacle, start_path
from nashc.driver.project import Project
from nashc.driver.report import headline
from nashc.driver.request import Request
from nashc.driver.search import finders_of, with_found
from nashc.driver.store import RESULTS, Result, Store
from nashc.emit.write import MANIFEST
from nashc.stages import FINDERS, Stage
from nashc.writing import check_folder

COMPILE = "compile"
Action = Literal["kept", "run", "after", "cannot"]


@dataclass(frozen=True)
class Row:
    """One line of a plan.

    key: of the result, None as long as it depends on stages that have not run.
    why: in a few words. problem: what is in the way, for "cannot".
    is_fatal: a run that should do this stage must not begin.
    """

    stage: str
    action: Action
    why: str
    key: Key | None = None
    problem: Diagnostic | None = None
    is_fatal: bool = False

    def to_json(self) -> dict[str, Any]:
        return {
            "stage": self.stage,
            "action": self.action,
            "why": self.why,
            "key": self.key.digest if self.key else None,
            "code": self.problem.code if self.problem else None,
            "help": self.problem.help if self.problem else None,
        }


@dataclass
class Desk:
    """One spec on its way through the stages: its project, and the results so far by stage name.

    fresh: keys that this very run has made or will make, shared by the desks of a run.
    """

    request: Request
    project: Project
    machine: Machine
    store: Store
    label: str = ""
    results: dict[str, Result] = field(default_factory=dict)
    fresh: set[str] = field(default_factory=set)

    @property
    def stages(self) -> tuple[Stage, ...]:
        """The stages of this run.

        Without cells to fill there is no search, without a budget nothing is derived after it; variants are not synthesised.
        """
        is_variant = bool(self.label)
        return tuple(
            stage
            for stage in self.request.stages
            if (stage not in FINDERS or stage in self.finders)
            and not (is_variant and stage.is_optional)
        )

    @property
    def finders(self) -> tuple[Stage, ...]:
        """The stages that find the architecture; the last one's result has it."""
        return finders_of(self.project)

    def compile_row(self) -> Row:
        """The row of the files themselves, which all stages wait for."""
        try:
            check_folder(self.project.folder)
            changes = self.project.outdated(force=self.request.overwrite)
        except SpecError as error:
            [problem] = error.diagnostics
            return Row(COMPILE, "cannot", problem.message, problem=problem, is_fatal=True)
        if changes is None:
            return Row(COMPILE, "run", "not written yet")
        if not changes:
            return Row(COMPILE, "kept", f"{self.project.folder} is up to date")
        names = [name for name in changes if name != MANIFEST] or [MANIFEST]
        return Row(COMPILE, "run", _few(names, "changes" if len(names) == 1 else "change"))

    def decide(self, stage: Stage, pending: Mapping[str, str]) -> Row:
        """What to do about a stage now. pending: stages without a result, and the action they await."""
        waits = self._awaited(stage, pending)
        key = None if waits else self.key(stage)
        kept = self.store.find(stage, key.digest) if key else None
        is_fresh = key is not None and key.digest in self.fresh
        if kept and (is_fresh or stage.name not in self.request.force):
            return Row(stage.name, "kept", headline(kept), key)
        problem = obstacle(stage, self.project, self.request, self.machine)
        if problem:
            is_fatal = is_required(stage, self.project, self.request)
            return Row(stage.name, "cannot", problem.message, key, problem, is_fatal)
        if waits and pending[waits] == "cannot":
            return Row(stage.name, "cannot", f"needs {waits}")
        if self.request.comes_before(stage):
            return self._before_first(stage, key)
        if waits:
            return Row(stage.name, "after", f"after {waits}")
        if is_fresh:
            return Row(stage.name, "after", "with the same stage above", key)
        assert key
        return Row(stage.name, "run", self._reason(stage, key, is_forced=kept is not None), key)

    def accept(self, stage: Stage, result: Result) -> None:
        """Go on with the result of a stage; that of the last finder gives the project its architecture.

        Errors: as `Result.check`.
        """
        result.check()
        self.results[stage.name] = result
        if stage in self.finders[-1:]:
            self.project = with_found(self.project, self.results)

    def _awaited(self, stage: Stage, pending: Mapping[str, str]) -> str | None:
        """The last stage that has to run first, if any."""
        sources = [*stage.sources]
        if stage not in FINDERS and self.project.lacks_genotype:
            sources[:0] = [finder.name for finder in self.finders]
        return next((name for name in reversed(sources) if name in pending), None)

    def key(self, stage: Stage) -> Key:
        """Of the result that the stage would give now; the stages it takes from have results."""
        files = self.project.searched if stage in FINDERS else self.project.files
        return key_of(stage, files, self._inputs(stage), self.machine.versions, self._data(stage))

    def _data(self, stage: Stage) -> Mapping[str, Any]:
        """Fingerprints of what the stage reads from elsewhere: the data set, and weights to start from as "start"."""
        latest = self.store.latest(stage, self.label)
        before = dict(latest.record["material"].get("data", {})) if latest else {}
        started = before.pop("start", None)
        found = self._fingerprint(data_path(stage, self.project, self.request), before) or {}
        start = self._fingerprint(start_path(stage, self.project, self.request), started)
        return {**found, "start": start} if start else found

    def _fingerprint(self, path: Path | None, before: Any) -> Any:
        """What is not there (any more) has not changed: results made of it are kept."""
        return (self.machine.fingerprint(path) or before) if path else None

    def _inputs(self, stage: Stage) -> dict[str, str]:
        found: dict[str, str] = {}
        for take in stage.takes:
            outputs = self.results[take.stage].outputs
            names = [take.file] if take.file else sorted(outputs)
            found |= {f"{take.stage}/{name}": outputs[name] for name in names}
        return found

    def _reason(self, stage: Stage, key: Key, *, is_forced: bool) -> str:
        if is_forced:
            return "asked for by --force"
        if self.store.was_interrupted(stage, key.digest):
            return "goes on where it was stopped"
        latest = self.store.latest(stage, self.label)
        if latest is None:
            return "no result yet"
        return _few(differences(latest.record["material"], key.material)) or "its result is gone"

    def _before_first(self, stage: Stage, key: Key | None) -> Row:
        first = self.request.first
        message = f"--from {first} takes the result of {stage.name} as it is, and there is none"
        help_text = f"run with --from {stage.name}, or without --from"
        problem = Diagnostic("NASH501", message, help=help_text)
        return Row(stage.name, "cannot", "no kept result", key, problem, is_fatal=True)


def desk_of(request: Request, machine: Machine | None = None) -> Desk:
    """The spec that was asked for, before any stage. machine: known already. Errors: SpecError."""
    project = projects.read(request.spec, request.overrides, request.out)
    check_data(project, request)
    machine = machine or Machine(request.python, request.environment)
    return Desk(request, project, machine, Store(project.folder / RESULTS))


def desks(request: Request) -> tuple[Desk, ...]:
    """The spec that was asked for, and after it each variant of its `compare`. Errors: SpecError."""
    base = desk_of(request)
    names = [stage.name for stage in base.stages]
    for forced in sorted(request.force.difference(names)):
        message = f"{base.project.name} has no stage {forced} that --force could run"
        raise SpecError([Diagnostic("NASH505", message, help=f"its stages are {', '.join(names)}")])
    found = [base]
    digests = {base.project.base.digest}
    for variant in () if request.is_alone else base.project.base.compare:
        overrides = {**request.overrides, **variant}
        label = "-".join(_file_word(f"{key}-{value}") for key, value in variant.items())
        folder = base.project.folder / "compare" / label
        project = projects.read(request.spec, overrides, folder)
        if project.base.digest in digests:
            continue
        digests.add(project.base.digest)
        own = replace(request, overrides=overrides)
        found.append(replace(base, request=own, project=project, label=label, results={}))
    return tuple(found)


def rows(desk: Desk) -> Iterator[Row]:
    """The row of each stage, with the results that are kept; the desk gets them."""
    pending: dict[str, str] = {}
    for stage in desk.stages:
        row = desk.decide(stage, pending)
        if row.action == "run" and row.key:
            desk.fresh.add(row.key.digest)
        if row.action == "kept" and row.key:
            kept = desk.store.find(stage, row.key.digest)
            assert kept
            desk.accept(stage, kept)
        else:
            pending[stage.name] = row.action
        yield row


def _few(phrases: list[str], verb: str = "") -> str:
    """Two of them and how many more there are."""
    more = f" and {len(phrases) - 2} more" if len(phrases) > 2 else ""
    return f"{', '.join(phrases[:2])}{more} {verb}".rstrip()


def _file_word(text: str) -> str:
    return "".join(char if char.isalnum() or char in "-_." else "_" for char in text)
