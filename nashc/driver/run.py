"""Running a plan: each stage a process, each result kept, the first failure the end."""

from __future__ import annotations

import contextlib
import json
import os
import platform
import shlex
import signal
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from nashc import __version__
from nashc.diagnostics import Diagnostic, SpecError
from nashc.driver.display import NAME_WIDTH, Display, duration
from nashc.driver.needs import DATA_VARIABLE, data_root
from nashc.driver.plan import COMPILE, Desk, Row, desks, make_plan
from nashc.driver.report import NotRun, Outcome, headline, summary_lines
from nashc.driver.report_page import write_page, write_text
from nashc.driver.request import Request
from nashc.driver.store import LOG, Result
from nashc.stages import FINDERS, Stage
from nashc.tools import process

REPORT = "report.json"
PAGE = "report.html"


def run(request: Request, display: Display) -> Outcome:
    """Carry a spec through its stages; report.json and the summary at the end. Errors: as `carry`."""
    outcome = carry(request, display)
    for line in summary_lines(outcome):
        display.line(line)
    display.line("")
    if outcome.is_all_kept:
        display.line("Nothing to do: every result is kept from an earlier run.")
    folder = outcome.folder
    told = f"the figures in {folder / REPORT} and {folder / PAGE}"
    if not outcome.figures:
        told = f"what was done is told in {folder / REPORT}"
    display.line(f"Everything is in {folder}, {told}")
    return outcome


def carry(request: Request, display: Display) -> Outcome:
    """A spec through its stages, and report.json.

    Errors: SpecError, of the spec (NASH0xx to NASH3xx), the folder (NASH4xx) or a stage (NASH5xx);
    what was finished before stays.
    """
    plan = make_plan(request)
    if plan.fatal:
        raise SpecError(plan.fatal)
    base, *variants = desks(request)
    folder = base.project.folder
    display.line(f"{base.project.name}  {request.spec} -> {folder}")
    with _alone(base):
        outcome = _run_one(base, display)
        for desk in variants:
            display.line(f"{desk.project.name} with {desk.label}")
            outcome.compare.append(_run_one(desk, display))
        text = json.dumps(_report(outcome, base), indent=2, sort_keys=True)
        write_text(folder / REPORT, text + "\n")
    return outcome


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
    result = _execute(desk, stage, row, display)
    desk.fresh.add(row.key.digest)
    _tell(display, stage.name, f"{duration(result.duration_s):<6} {headline(result)}")
    return result


def _compile(desk: Desk, display: Display) -> None:
    result = desk.project.write(force=desk.request.overwrite)
    if result.is_unchanged:
        _tell(display, COMPILE, f"kept   {desk.project.folder} is up to date")
        return
    count = len(result.written)
    _tell(display, COMPILE, f"{count} file{'' if count == 1 else 's'} written to {result.out}")


def _tell(display: Display, name: str, text: str) -> None:
    display.line(f"{name:<{NAME_WIDTH}} {text}")


# ---- one stage --------------------------------------------------------------------------------------


def _execute(desk: Desk, stage: Stage, row: Row, display: Display) -> Result:
    assert row.key
    is_forced = stage.name in desk.request.force
    resumes = not is_forced and desk.store.was_interrupted(stage, row.key.digest)
    partial = desk.store.begin(stage, row.key.digest, resumes=resumes, label=desk.label)
    command = command_of(desk, stage, partial, resumes=resumes)
    heard = _Heard()
    _tell(display, stage.name, f"runs   {row.why}")
    with display.stage(stage.name) as shown, (partial / LOG).open("a", encoding="utf-8") as log:
        log.write(f"$ {_repeat(desk, stage, command)}\n")
        log.flush()

        def listen(event: dict[str, Any]) -> None:
            heard.event(event)
            shown.event(event)

        try:
            finished = process.run(
                [*command, "--progress", "jsonl"],
                folder=desk.project.folder,
                environment=_environment(desk, stage),
                log=partial / LOG,
                on_event=listen,
            )
        except OSError as error:
            raise _failed(desk, stage, command, partial, str(error), "") from error
    if finished.interrupted or finished.exit_code in (130, 143):
        raise _interrupted(stage)
    if finished.exit_code != 0 or heard.result is None:
        reason = heard.error or f"{stage.program} {_ending(finished.exit_code)}"
        raise _failed(desk, stage, command, partial, reason, heard.help)
    missing = [name for name in stage.gives if not (partial / name).is_file()]
    if missing:
        reason = f"{stage.program} ended without writing {', '.join(missing)}"
        raise _failed(desk, stage, command, partial, reason, "")
    about = {
        "label": desk.label,
        "spec_digest": desk.project.spec.digest,
        "duration_s": round(finished.duration_s, 3),
        "versions": {"nashc": __version__, **desk.machine.versions},
        "machine": {"system": platform.platform(), "cpus": os.cpu_count()},
        "command": shlex.join(command),
    }
    final = desk.store.root / stage.name / row.key.digest
    result = _with_paths(heard.result, str(partial.resolve()), final.as_posix())
    return desk.store.finish(stage, row.key, about=about, result=result)


class _Heard:
    """What matters later of all that a program said."""

    def __init__(self) -> None:
        self.result: dict[str, Any] | None = None
        self.error = ""
        self.help = ""

    def event(self, event: dict[str, Any]) -> None:
        if event["event"] == "result":
            self.result = {k: v for k, v in event.items() if k not in ("event", "stage")}
        elif event["event"] == "error":
            self.error, self.help = str(event.get("message", "")), str(event.get("help", ""))


def command_of(desk: Desk, stage: Stage, out: Path, *, resumes: bool = False) -> list[str]:
    """The command that runs a stage, with absolute paths: it works from any folder."""
    program = desk.project.folder.resolve() / stage.program
    command = [*_launcher(desk, stage), str(program), *stage.arguments]
    for take in stage.takes:
        folder = desk.results[take.stage].folder
        command += [take.option, str((folder / take.file if take.file else folder).resolve())]
    if stage.reads_data and desk.request.data is not None:
        command += ["--data", str(desk.request.data.absolute())]
    return [*command, "--out", str(out.resolve()), *(["--resume"] if resumes else [])]


def _launcher(desk: Desk, stage: Stage) -> list[str]:
    python, count = desk.machine.python, desk.request.processes
    if not stage.is_shareable or count == 1:
        return [python]
    return [python, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={count}"]


def _environment(desk: Desk, stage: Stage) -> dict[str, str]:
    environment = {**desk.request.environment, "PYTHONUNBUFFERED": "1"}
    if stage.reads_data:
        environment[DATA_VARIABLE] = str(data_root(stage, desk.project, environment))
    return environment


def _repeat(desk: Desk, stage: Stage, command: list[str]) -> str:
    """What a person types to do the same again."""
    if stage.reads_data and desk.request.data is None:
        root = data_root(stage, desk.project, desk.request.environment)
        return f"{DATA_VARIABLE}={shlex.quote(str(root))} {shlex.join(command)}"
    return shlex.join(command)


def _with_paths(value: Any, partial: str, final: str) -> Any:
    """A program tells paths in the folder it worked in; say where they are from now on."""
    if isinstance(value, Mapping):
        return {key: _with_paths(item, partial, final) for key, item in value.items()}
    if isinstance(value, list):
        return [_with_paths(item, partial, final) for item in value]
    return value.replace(partial, final) if isinstance(value, str) else value


def _ending(exit_code: int) -> str:
    if exit_code >= 0:
        return f"ended with exit code {exit_code}"
    name = signal.Signals(-exit_code).name
    hint = ", as the system does when memory runs out" if name == "SIGKILL" else ""
    return f"was ended by {name}{hint}"


def _failed(
    desk: Desk, stage: Stage, command: list[str], partial: Path, reason: str, help_text: str
) -> SpecError:
    said = process.tail(partial / LOG)
    lines = [f"{stage.name} failed: {reason}"]
    if not help_text:  # the program had no advice, so its last words are all there is
        lines += ["last lines of its output:", *(f"    {line}" for line in said)]
    helps = [help_text] if help_text else []
    helps += [f"the whole output is in {partial / LOG}"]
    if "--resume" in command:
        helps += [f"nashc run --force {stage.name} begins it anew"]
    helps += [f"to repeat this stage alone: {_repeat(desk, stage, command)}"]
    return StageFailed([Diagnostic("NASH501", lines[0], help="; ".join(helps))], lines[1:])


class StageFailed(SpecError):
    """A stage's failure; `output` holds the last lines it printed."""

    def __init__(self, diagnostics: list[Diagnostic], output: list[str]) -> None:
        super().__init__(diagnostics)
        self.output = output


def _interrupted(stage: Stage) -> SpecError:
    kept = "its state is saved, " if stage.can_resume else "what was finished before is kept, "
    message = f"{stage.name} was interrupted"
    help_text = f"{kept}the same nashc run goes on from there"
    return SpecError([Diagnostic("NASH506", message, help=help_text)])


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
        command = f"cd {shlex.quote(str(desk.project.folder))} && {shlex.join(words)}"
    return NotRun(stage.name, row.why, help_text, command)


# ---- the folder -------------------------------------------------------------------------------------


@contextlib.contextmanager
def _alone(desk: Desk) -> Iterator[None]:
    """Two runs in one output folder would work in the same partial results."""
    root = desk.store.root
    try:
        root.mkdir(parents=True, exist_ok=True)
        lock = (root / ".lock").open("a", encoding="utf-8")
    except OSError as error:
        message = f"the output folder {root.parent} cannot be written: {error.strerror}"
        raise SpecError(
            [Diagnostic("NASH401", message, help="choose another folder with -o")]
        ) from error
    with lock:
        try:
            import fcntl
        except ImportError:  # no such lock on Windows
            yield
            return
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            message = f"another nashc run works in {root.parent}"
            help_text = "wait for it, or choose another folder with -o"
            raise SpecError([Diagnostic("NASH401", message, help=help_text)]) from error
        yield


def _report(outcome: Outcome, desk: Desk) -> dict[str, Any]:
    return {
        "nashc": __version__,
        "versions": dict(desk.machine.versions),
        **outcome.to_json(),
    }
