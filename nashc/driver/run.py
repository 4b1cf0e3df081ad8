"""Running a plan: stage after stage, each result kept, the first failure the end."""

from __future__ import annotations

import contextlib
import json
import os
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from nashc import __version__
from nashc.diagnostics import Diagnostic, SpecError
from nashc.diagnostics.model import counted
from nashc.driver.desk import COMPILE, Desk, Row, desks
from nashc.driver.display import NAME_WIDTH, Display, duration
from nashc.driver.execute import execute
from nashc.driver.plan import plan_of
from nashc.driver.report import NotRun, Outcome, headline, summary_lines
from nashc.driver.report_page import write_page
from nashc.driver.request import Request
from nashc.driver.store import PARTIAL, RESULTS, Result, Store
from nashc.stages import FINDERS, Stage
from nashc.text import pasted
from nashc.writing import write_file, written_into

REPORT = "report.json"
PAGE = "report.html"


def run(request: Request, display: Display) -> Outcome:
    """Carry a spec through its stages; report.json and the summary at the end. Errors: as `carry` and `Outcome.check`."""
    outcome = carry(request, display)
    for line in summary_lines(outcome):
        display.line(line)
    display.line("")
    outcome.check()
    _tell_interrupted(Store(outcome.folder / RESULTS), request, display)
    if outcome.is_all_kept:
        display.line("Nothing to do: every result is kept from an earlier run.")
    folder = outcome.folder
    told = f"the figures in {folder / REPORT} and {folder / PAGE}"
    if not outcome.figures:
        told = f"what was done is told in {folder / REPORT}"
    display.line(f"Everything is in {folder}, {told}")
    return outcome


def carry(request: Request, display: Display) -> Outcome:
    """A spec through its stages, and report.json; what of that cannot be written is the outcome's trouble.

    Errors: SpecError, of the spec (NASH0xx to NASH3xx), the folder (NASH4xx) or a stage (NASH5xx);
    what was finished before stays.
    """
    base, *variants = desks(request)
    plan = plan_of((base, *variants))
    if plan.fatal:
        raise SpecError(plan.fatal)
    folder = base.project.folder
    display.line(f"{base.project.name}  {request.spec} -> {folder}")
    with _alone(base):
        outcome = _run_one(base, display)
        for desk in variants:
            display.line(f"{desk.project.name} with {desk.label}")
            outcome.compare.append(_run_one(desk, display))
        text = json.dumps(_report(outcome, base), indent=2, sort_keys=True)
        with outcome.noting_trouble():
            write_file(folder / REPORT, text + "\n")
    return outcome


def _tell_interrupted(store: Store, request: Request, display: Display) -> None:
    """What this run had no use for: its own stages are finished."""
    folders = store.interrupted(request.stages)
    if folders:
        stages = counted(len(folders), "interrupted stage")
        verb, it = ("waits", "it") if len(folders) == 1 else ("wait", "them")
        place = store.root / PARTIAL
        display.line(
            f"{stages} of other states of the spec {verb} in {place}; delete {it} if no such state comes back"
        )


def report_of(outcome: Outcome) -> str:
    """The text of report.json."""
    return (outcome.folder / REPORT).read_text(encoding="utf-8").rstrip()


def _run_one(desk: Desk, display: Display) -> Outcome:
    spec = desk.project.base
    outcome = Outcome(
        name=spec.name,
        label=desk.label,
        spec=spec.path.name,
        digest=spec.digest,
        params={key: str(value) for key, value in spec.params.items()},
        folder=desk.project.folder,
        results=desk.results,
    )
    pending: dict[str, str] = {}
    is_written = False
    for stage in desk.stages:
        row = desk.decide(stage, pending)
        # Kept finders first give the project its architecture, then the files are written.
        if not is_written and (stage not in FINDERS or row.action == "run"):
            _compile(desk, display)
            is_written = True
        if row.action == "cannot":
            if row.is_fatal and row.problem:
                raise SpecError([row.problem])
            pending[stage.name] = row.action
            outcome.not_run.append(_not_run(desk, stage, row))
            _tell(display, stage.name, f"not run: {row.why}")
            continue
        result = _result(desk, stage, row, outcome, display)
        before = desk.project
        desk.accept(stage, result)
        is_written = is_written and desk.project is before
    if not is_written:
        _compile(desk, display)
    figures = outcome.figures
    if figures:
        with outcome.noting_trouble():
            write_page(desk, figures, outcome.folder / PAGE)
    return outcome


def _result(desk: Desk, stage: Stage, row: Row, outcome: Outcome, display: Display) -> Result:
    assert row.key
    if row.action == "kept":
        kept = desk.store.find(stage, row.key.digest)
        assert kept
        outcome.kept.add(stage.name)
        _tell(display, stage.name, f"kept   {row.why}")
        return kept
    _tell(display, stage.name, f"runs   {row.why}")
    result = execute(desk, stage, row.key, display)
    desk.fresh.add(row.key.digest)
    _tell(display, stage.name, f"{duration(result.duration_s):<6} {headline(result)}")
    return result


def _compile(desk: Desk, display: Display) -> None:
    result = desk.project.write(force=desk.request.overwrite)
    if result.is_unchanged:
        _tell(display, COMPILE, f"kept   {desk.project.folder} is up to date")
        return
    files = counted(len(result.written), "file")
    _tell(display, COMPILE, f"{files} written to {result.out}")


def _tell(display: Display, name: str, text: str) -> None:
    display.line(f"{name:<{NAME_WIDTH}} {text}")


def _not_run(desk: Desk, stage: Stage, row: Row) -> NotRun:
    """With the command for a machine that has what is missing here, if that is all there is in the way."""
    command, help_text = "", row.problem.help if row.problem else ""
    is_ready = all(name in desk.results for name in stage.sources)
    if is_ready and row.problem and row.problem.code == "NASH503":
        words = ["python", stage.program, *stage.arguments]
        for take in stage.takes:
            folder = desk.results[take.stage].folder
            path = folder / take.file if take.file else folder
            words += [take.option, Path(os.path.relpath(path, desk.project.folder)).as_posix()]
        command = f"cd {pasted(desk.project.folder)} && {shlex.join(words)}"
    return NotRun(stage.name, row.why, help_text, command)


@contextlib.contextmanager
def _alone(desk: Desk) -> Iterator[None]:
    """Two runs in one output folder would work in the same partial results.

    A stage inherits the lock: one that still saves its state after `kill -9` of its run holds it.
    """
    root = desk.store.root
    with written_into(root.parent):
        root.mkdir(parents=True, exist_ok=True)
        lock = (root / ".lock").open("a", encoding="utf-8")
    with lock:
        try:
            import fcntl
        except ImportError:  # no such lock on Windows
            yield
            return
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            message = f"another nashc run, or a stage that it left, works in {root.parent}"
            help_text = "wait for it, or choose another folder with -o"
            raise SpecError([Diagnostic("NASH401", message, help=help_text)]) from error
        os.set_inheritable(lock.fileno(), True)
        yield


def _report(outcome: Outcome, desk: Desk) -> dict[str, Any]:
    return {
        "nashc": __version__,
        "versions": dict(desk.machine.versions),
        **outcome.to_json(),
    }
