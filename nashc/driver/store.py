"""Results of stages, kept under their keys: `results/<stage>/<key>/`, with `stage.json` telling how they came.

A folder of that name is complete: a stage works in `results/.partial/<stage>/<key>/`, which is renamed when
the stage has succeeded, and found again by the next run when it has not.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from nashc.diagnostics import Diagnostic, SpecError
from nashc.driver.key import Key
from nashc.stages import BY_NAME, Stage

RECORD = "stage.json"
LOG = "log.txt"
RESULTS = "results"
PARTIAL = ".partial"
_FIELDS = {
    "outputs": dict,
    "result": dict,
    "material": dict,
    "label": str,
    "spec_digest": str,
    "duration_s": float,
    "finished": str,
}


@dataclass(frozen=True)
class Result:
    """A finished stage: its folder, and what `stage.json` in it says."""

    stage: str
    key: str
    folder: Path
    record: Mapping[str, Any]

    @property
    def outputs(self) -> Mapping[str, str]:
        """SHA-256 of each file that the stage has to give."""
        outputs: Mapping[str, str] = self.record["outputs"]
        return outputs

    @property
    def summary(self) -> Mapping[str, Any]:
        """The JSON result that the program reported."""
        result: Mapping[str, Any] = self.record["result"]
        return result

    @property
    def duration_s(self) -> float:
        return float(self.record["duration_s"])

    def check(self) -> None:
        """Errors: NASH508 when a file is not what the stage wrote: another would be made of it without a word."""
        found = _digests(self.folder, self.outputs)
        for name in self.outputs:
            if found[name] != self.outputs[name]:
                message = f"{self.folder / name} is not what {self.stage} wrote"
                help_text = (
                    f"put it back as it was, or make it anew: nashc run --force {self.stage}"
                )
                raise SpecError([Diagnostic("NASH508", message, help=help_text)])


@dataclass(frozen=True)
class Store:
    """The folder `results` of one output folder."""

    root: Path

    def find(self, stage: Stage, key: str) -> Result | None:
        """The kept result of these very inputs, if there is one and no file of it is gone."""
        result = _read(stage, self.root / stage.name / key)
        if result is None or not all((result.folder / name).is_file() for name in result.outputs):
            return None
        return result

    def latest(self, stage: Stage, label: str = "") -> Result | None:
        """The result that was made last, whatever its inputs, for the spec or for its variant `label`."""
        folder = self.root / stage.name
        names = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
        results = [result for name in names if (result := _read(stage, folder / name))]
        found = [result for result in results if result.record["label"] == label]
        return max(found, key=lambda result: str(result.record["finished"]), default=None)

    def partial(self, stage: Stage, key: str) -> Path:
        """Where the stage works until it is finished."""
        return self.root / PARTIAL / stage.name / key

    def was_interrupted(self, stage: Stage, key: str) -> bool:
        """An earlier run of a stage that can go on left its state for this very key."""
        folder = self.partial(stage, key)
        return stage.can_resume and any(
            path.name != LOG for path in (folder.iterdir() if folder.is_dir() else ())
        )

    def interrupted(self, stages: Iterable[Stage]) -> tuple[Path, ...]:
        """The folders of stages that could go on, whatever the state of the spec that they belong to."""
        return tuple(
            folder
            for stage in stages
            for folder in self._partials(stage)
            if self.was_interrupted(stage, folder.name)
        )

    def _partials(self, stage: Stage) -> list[Path]:
        return sorted((self.root / PARTIAL / stage.name).glob("*"))

    def begin(self, stage: Stage, key: str, *, resumes: bool, label: str = "") -> Path:
        """A folder to work in: as an interrupted run left it, or else with what the stage can build on."""
        for replaced in (self.root / stage.name).glob(".*.old.*"):  # by a run that was killed there
            shutil.rmtree(replaced, ignore_errors=True)
        # Those of another state of the spec; what can go on is the user's to delete.
        for other in self._partials(stage):
            if not self.was_interrupted(stage, other.name):
                shutil.rmtree(other, ignore_errors=True)
        folder = self.partial(stage, key)
        if resumes:
            return folder
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for name in stage.builds_on:
            latest = self.latest(BY_NAME[name], label)
            if latest:
                ignored = shutil.ignore_patterns(LOG, RECORD, *stage.builds_anew)
                shutil.copytree(latest.folder, folder, ignore=ignored, dirs_exist_ok=True)
                break
        return folder

    def finish(
        self, stage: Stage, key: Key, *, about: Mapping[str, Any], result: Mapping[str, Any]
    ) -> Result:
        """Make the partial folder of a successful stage its kept result.

        about: the label of the variant, what is worth knowing besides the key (versions, durations, spec digest).
        """
        partial = self.partial(stage, key.digest)
        record = {
            "stage": stage.name,
            "key": key.digest,
            "material": key.material,
            "outputs": _digests(partial, stage.gives),
            "result": result,
            "finished": datetime.now(UTC).isoformat(timespec="microseconds"),
            **about,
        }
        record["seal"] = _seal(record)
        text = json.dumps(record, indent=2, sort_keys=True) + "\n"
        (partial / RECORD).write_text(text, encoding="utf-8")
        folder = self.root / stage.name / key.digest
        folder.parent.mkdir(parents=True, exist_ok=True)
        _replace(partial, folder)
        return Result(stage.name, key.digest, folder, record)


def _read(stage: Stage, folder: Path) -> Result | None:
    try:
        record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if not isinstance(record, dict):
        return None
    if not all(isinstance(record.get(name), kind) for name, kind in _FIELDS.items()):
        return None
    if record.get("seal") not in (None, _seal(record)):  # None: of an earlier nashc
        return None
    return Result(stage.name, folder.name, folder, record)


def _seal(record: Mapping[str, Any]) -> str:
    """SHA-256 of all else that a record says, whatever its layout: an edited one is no result."""
    rest = {name: value for name, value in record.items() if name != "seal"}
    return hashlib.sha256(json.dumps(rest, sort_keys=True).encode()).hexdigest()


def _digests(folder: Path, names: Iterable[str]) -> dict[str, str]:
    found = {}
    for name in names:
        with (folder / name).open("rb") as content:
            found[name] = hashlib.file_digest(content, "sha256").hexdigest()
    return found


def _replace(source: Path, target: Path) -> None:
    """Rename a folder over another: at no time is there a half of either under the name."""
    if not target.exists():
        source.rename(target)
        return
    old = target.with_name(f".{target.name}.old.{os.getpid()}")
    target.rename(old)
    source.rename(target)
    shutil.rmtree(old, ignore_errors=True)
