"""One stage as a process: its command, what it says meanwhile, and what is made of how it ends."""

from __future__ import annotations

import os
import platform
import shlex
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nashc import __version__
from nashc.diagnostics import Diagnostic, SpecError
from nashc.driver.desk import Desk
from nashc.driver.display import Display
from nashc.driver.key import Key
from nashc.driver.needs import DATA_VARIABLE, data_path, data_root
from nashc.driver.store import LOG, Result
from nashc.stages import Stage
from nashc.text import pasted
from nashc.tools import process
from nashc.writing import written_into


class StageFailed(SpecError):
    """A stage's failure; `output` holds the last lines it printed."""

    def __init__(self, diagnostics: list[Diagnostic], output: list[str]) -> None:
        super().__init__(diagnostics)
        self.output = output


@dataclass(frozen=True)
class _Job:
    """A stage's program as it is started. partial: the folder that it works in."""

    desk: Desk
    stage: Stage
    key: Key
    partial: Path
    command: list[str]

    @property
    def repeat(self) -> str:
        """What a person types to do the same again."""
        desk, stage = self.desk, self.stage
        if stage.reads_data and desk.request.data is None:
            root = data_root(stage, desk.project, desk.request.environment)
            return f"{DATA_VARIABLE}={pasted(root)} {shlex.join(self.command)}"
        return shlex.join(self.command)


def execute(desk: Desk, stage: Stage, key: Key, display: Display) -> Result:
    """The stage's program as a process of its own; its result is kept under `key`.

    Errors: StageFailed; NASH401; NASH506 when it was interrupted.
    """
    job = _begun(desk, stage, key)
    finished, heard = _listened_to(job, display)
    if finished.interrupted or finished.exit_code in (130, 143):
        raise _interrupted(job)
    reason = _shortcoming(job, finished, heard)
    if reason:
        raise _failed(job, reason, heard.help)
    return _kept(job, finished, heard.result)


def _begun(desk: Desk, stage: Stage, key: Key) -> _Job:
    """The folder to work in made, as an interrupted run left it where there was one, and the command noted there."""
    is_forced = stage.name in desk.request.force
    resumes = not is_forced and desk.store.was_interrupted(stage, key.digest)
    with written_into(desk.project.folder):
        partial = desk.store.begin(stage, key.digest, resumes=resumes, label=desk.label)
        command = command_of(desk, stage, partial, resumes=resumes)
        job = _Job(desk, stage, key, partial, command)
        with (partial / LOG).open("a", encoding="utf-8", errors="surrogateescape") as log:
            log.write(f"$ {job.repeat}\n")
    return job


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


def _listened_to(job: _Job, display: Display) -> tuple[process.Finished, _Heard]:
    """The program run to its end, its events shown as they come. Errors: StageFailed if it cannot be started."""
    heard = _Heard()
    with display.stage(job.stage.name) as shown:

        def listen(event: dict[str, Any]) -> None:
            heard.event(event)
            shown.event(event)

        try:
            finished = process.run(
                [*job.command, "--progress", "jsonl"],
                folder=job.desk.project.folder,
                environment=_environment(job.desk, job.stage),
                log=job.partial / LOG,
                on_event=listen,
            )
        except OSError as error:
            raise _failed(job, str(error), "") from error
    return finished, heard


def _shortcoming(job: _Job, finished: process.Finished, heard: _Heard) -> str:
    """Why what a program left is no result; nothing if it is one."""
    stage = job.stage
    if finished.exit_code != 0 or heard.result is None:
        return heard.error or f"{stage.program} {_ending(finished.exit_code)}"
    missing = [name for name in stage.gives if not (job.partial / name).is_file()]
    return f"{stage.program} ended without writing {', '.join(missing)}" if missing else ""


def _kept(job: _Job, finished: process.Finished, told: dict[str, Any] | None) -> Result:
    """The result at its final place, with what it was made by. told: the program's own word on it."""
    desk, stage, key = job.desk, job.stage, job.key
    about = {
        "label": desk.label,
        "spec_digest": desk.project.spec.digest,
        "duration_s": round(finished.duration_s, 3),
        "versions": {"nashc": __version__, **desk.machine.versions},
        "machine": {"system": platform.platform(), "cpus": os.cpu_count()},
        "command": shlex.join(job.command),
    }
    final = desk.store.root / stage.name / key.digest
    result = _with_paths(told, str(job.partial.resolve()), final.as_posix())
    with written_into(desk.project.folder):
        return desk.store.finish(stage, key, about=about, result=result)


def command_of(desk: Desk, stage: Stage, out: Path, *, resumes: bool = False) -> list[str]:
    """The command that runs a stage, with absolute paths: it works from any folder."""
    program = desk.project.folder.resolve() / stage.program
    command = [*_launcher(desk, stage), str(program), *stage.arguments]
    for take in stage.takes:
        folder = desk.results[take.stage].folder
        command += [take.option, str((folder / take.file if take.file else folder).resolve())]
    if stage.reads_data and desk.request.data is not None:
        command += ["--data", str(desk.request.data.absolute())]
    for later in desk.stages:
        path = data_path(later, desk.project, desk.request)
        if later.name == stage.leads_to and path:
            command += ["--training-data", str(path)]
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


def _failed(job: _Job, reason: str, help_text: str) -> SpecError:
    log = job.partial / LOG
    lines = [f"{job.stage.name} failed: {reason}"]
    if not help_text:  # the program had no advice, so its last words are all there is
        said = process.tail(log)
        lines += ["last lines of its output:", *(f"    {line}" for line in said)]
    helps = [help_text] if help_text else []
    helps += [f"the whole output is in {log}"]
    if "--resume" in job.command:
        helps += [f"nashc run --force {job.stage.name} begins it anew"]
    helps += [f"to repeat this stage alone: {job.repeat}"]
    return StageFailed([Diagnostic("NASH501", lines[0], help="; ".join(helps))], lines[1:])


def _interrupted(job: _Job) -> SpecError:
    is_saved = job.desk.store.was_interrupted(job.stage, job.key.digest)
    kept = "its state is saved" if is_saved else "what was finished before is kept"
    message = f"{job.stage.name} was interrupted"
    help_text = f"{kept}, the same nashc run goes on from there"
    return SpecError([Diagnostic("NASH506", message, help=help_text)])
