"""What a stage needs and this machine lacks: found before anything runs, said with the way out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from nashc.diagnostics import Diagnostic, SpecError
from nashc.driver.dataset import fingerprint
from nashc.driver.key import settings_of
from nashc.driver.project import Project
from nashc.driver.request import Request
from nashc.stages import STAGES, Stage
from nashc.text import pasted
from nashc.tools import interpreter, vivado

DATA_VARIABLE = "NASHC_DATA"
_SECTIONS = {"search": "search", "train": "train", "data": "train", "build": "target"}
_DISTRIBUTION_OF_DATA = {"digits": "scikit-learn"}


@dataclass(frozen=True)
class Machine:
    """What can run here: the interpreter of the stages and the tools beside it."""

    python: str
    environment: Mapping[str, str]
    _fingerprints: dict[Path, dict[str, Any] | None] = field(default_factory=dict, compare=False)

    @cached_property
    def versions(self) -> Mapping[str, str]:
        """Of "python" and every distribution a stage may need; NASH503 if there is no such interpreter."""
        names = {name for stage in STAGES for name in stage.needs}
        try:
            return interpreter.versions(self.python, names | set(_DISTRIBUTION_OF_DATA.values()))
        except interpreter.NoInterpreter as error:
            message = f"the stages cannot run with {self.python}: {error}"
            help_text = "name a Python with --python or NASHC_PYTHON"
            raise SpecError([Diagnostic("NASH503", message, help=help_text)]) from error

    def fingerprint(self, data: Path) -> dict[str, Any] | None:
        """Of a data set, looked at once: it does not change while a run plans. Errors: NASH502 if it cannot be read."""
        if data not in self._fingerprints:
            try:
                self._fingerprints[data] = fingerprint(data)
            except OSError as error:
                raise _unreadable(data, error) from error
        return self._fingerprints[data]

    @cached_property
    def missing_vivado(self) -> str | None:
        return vivado.missing(self.environment)


def obstacle(
    stage: Stage, project: Project, request: Request, machine: Machine
) -> Diagnostic | None:
    """Why the stage cannot run here, the most fundamental reason; None if nothing is in its way."""
    lacks = lacking(stage, project, machine)
    return (
        _missing_section(stage, project)
        or (missing_distributions(lacks, machine.python) if lacks else None)
        or _missing_tools(stage, request, machine)
        or _missing_data(stage, project, request)
        or _missing_start(stage, project, request)
    )


def is_required(stage: Stage, project: Project, request: Request) -> bool:
    """Whether a run is pointless when the stage cannot run: a spec without a target wants no hardware."""
    if request.is_named(stage):
        return True
    has_target = "settings/build.json" in project.searched
    return not stage.is_optional and (has_target or "build.json" not in stage.settings)


def data_root(stage: Stage, project: Project, environment: Mapping[str, str]) -> Path:
    """Where a relative path of a data set starts: $NASHC_DATA, or the folder of the file that names it."""
    if environment.get(DATA_VARIABLE):
        return Path(environment[DATA_VARIABLE]).absolute()
    section = "search" if stage.name == "search" else "train"
    span = project.base.spans.values.get((section, "data"))
    path = Path(span.source.path) if span else project.base.path
    return path.resolve().parent


def _unreadable(data: Path, error: OSError) -> SpecError:
    where = "" if str(error.filename) == str(data) else f" ({error.filename})"
    message = f"{data} cannot be read: {(error.strerror or str(error)).lower()}{where}"
    return SpecError([Diagnostic("NASH502", message, help="make it readable, links included")])


def _missing_section(stage: Stage, project: Project) -> Diagnostic | None:
    for name in stage.settings:
        if f"settings/{name}" not in project.searched:
            section = _SECTIONS[name.removesuffix(".json")]
            message = f"{stage.name} needs the section `{section}`, which the spec has not"
            example = f"write {section} {{ ... }} in {project.base.path.name}"
            return Diagnostic("NASH106", message, help=example)
    return None


def lacking(stage: Stage, project: Project, machine: Machine) -> list[str]:
    """The distributions that the interpreter of the stages has not."""
    needs = [*stage.needs_with(settings_of(stage, project.searched))]
    data = _data_settings(stage, project)
    if data and data["kind"] in _DISTRIBUTION_OF_DATA:
        needs.append(_DISTRIBUTION_OF_DATA[data["kind"]])
    return [name for name in needs if name not in machine.versions]


def missing_distributions(missing: list[str], python: str) -> Diagnostic:
    """The one sentence about them and the command that installs them."""
    verb = "is" if len(missing) == 1 else "are"
    extra = "all" if "finn-plus" in missing else "train"
    return Diagnostic(
        "NASH503",
        f"{_listed(missing)} {verb} missing in {python}",
        help=f"{pasted(python)} -m pip install 'nashc[{extra}]', or name another Python with --python",
    )


def _missing_tools(stage: Stage, request: Request, machine: Machine) -> Diagnostic | None:
    if "vivado" not in stage.tools or machine.missing_vivado is None:
        return None
    is_named = request.is_named(stage)  # then a run ends before anything is done
    command = f"nashc run, not asked for {stage.name}," if is_named else "nashc run"
    return Diagnostic(
        "NASH503",
        machine.missing_vivado,
        help=f"{command} prints the command for a machine that has it; the output folder is all it needs",
    )


def _missing_data(stage: Stage, project: Project, request: Request) -> Diagnostic | None:
    path = data_path(stage, project, request)
    if path is None or path.exists():
        return None
    section = "search" if stage.name == "search" else "train"
    return Diagnostic(
        "NASH502",
        f"there is no data set at {path}",
        project.base.spans.values.get((section, "data")),
        help=f"pass --data FOLDER, or set {DATA_VARIABLE} to the folder that relative paths start from",
    )


def check_data(project: Project, request: Request) -> None:
    """NASH502 for a folder of images that no stage would read."""
    if request.data is None or any(data_path(stage, project, request) for stage in STAGES):
        return
    places = (project.base.spans.values.get((section, "data")) for section in ("search", "train"))
    span = next(filter(None, places), None)
    text = f"no stage reads the folder of --data: {project.name} names no data set"
    if span:
        text = f"no stage reads the folder of --data: {span.text} come with scikit-learn"
    help_text = 'leave --data out, or write data = folder("path") in the spec'
    raise SpecError([Diagnostic("NASH502", text, span, help=help_text)])


def _missing_start(stage: Stage, project: Project, request: Request) -> Diagnostic | None:
    path = start_path(stage, project, request)
    if path is None or path.is_file():
        return None
    return Diagnostic(
        "NASH502",
        f"there are no weights to start from at {path}",
        project.base.spans.values.get(("train", "start")),
        help="train that network first, or leave `start` out",
    )


def data_path(stage: Stage, project: Project, request: Request) -> Path | None:
    """Where the images of a stage lie; None if they come from nowhere on disk."""
    data = _data_settings(stage, project)
    if not data or data["kind"] == "digits":
        return None
    if request.data is not None:
        return request.data.absolute()
    if not data.get("path"):
        return None
    return data_root(stage, project, request.environment) / Path(data["path"]).expanduser()


def start_path(stage: Stage, project: Project, request: Request) -> Path | None:
    """Where the weights lie that a training starts from, if it does not start from random ones."""
    for name in stage.settings:
        text = project.searched.get(f"settings/{name}")
        start = json.loads(text).get("start") if text else None
        if start:
            return data_root(stage, project, request.environment) / Path(start).expanduser()
    return None


def _data_settings(stage: Stage, project: Project) -> dict[str, str] | None:
    """Kind and path of the images that the stage reads."""
    if not stage.reads_data:
        return None
    for name in (*stage.settings, "data.json"):
        text = project.searched.get(f"settings/{name}")
        settings = json.loads(text) if text else {}
        found = settings if name == "data.json" else settings.get("data")
        if found:
            data: dict[str, str] = found
            return data
    return None


def _listed(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
