"""What came out of a run: one line for each result, report.json, and the summary on the terminal."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nashc import report
from nashc.diagnostics import Diagnostic, SpecError
from nashc.diagnostics.model import counted
from nashc.driver.store import Result
from nashc.report import Figures, figures_of
from nashc.report.figures import RESOURCES
from nashc.report.table import aligned

MOST_LAYERS = 12
ESTIMATES = "estimates.json"


@dataclass(frozen=True)
class NotRun:
    """A stage without a result, why, and the command that would run it."""

    stage: str
    why: str
    help: str = ""
    command: str = ""


@dataclass
class Outcome:
    """One spec after a run; `compare` holds those of its variants.

    kept: names of the stages whose results were there before. trouble: of writing what tells of the results.
    """

    name: str
    label: str
    spec: str
    digest: str
    params: Mapping[str, str]
    folder: Path
    results: dict[str, Result] = field(default_factory=dict)
    kept: set[str] = field(default_factory=set)
    not_run: list[NotRun] = field(default_factory=list)
    compare: list[Outcome] = field(default_factory=list)
    trouble: list[Diagnostic] = field(default_factory=list)

    def check(self) -> None:
        """Errors: NASH401 where a page or report.json could not be written."""
        trouble = [each for outcome in (self, *self.compare) for each in outcome.trouble]
        if trouble:
            raise SpecError(trouble)

    @contextlib.contextmanager
    def noting_trouble(self) -> Iterator[None]:
        try:
            yield
        except SpecError as error:
            self.trouble += error.diagnostics

    @property
    def is_all_kept(self) -> bool:
        """Nothing had to be done."""
        return set(self.results) == self.kept and all(other.is_all_kept for other in self.compare)

    @property
    def figures(self) -> Figures | None:
        """Of FINN's estimate, if there is one."""
        estimate = self.results.get("estimate")
        return figures_in(estimate) if estimate else None

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "label": self.label,
            "spec": self.spec,
            "spec_digest": self.digest,
            "params": dict(self.params),
            "stages": [self._stage_json(result) for result in self.results.values()],
            "not_run": [vars(row) for row in self.not_run],
            "compare": [other.to_json() for other in self.compare],
        }

    def _stage_json(self, result: Result) -> dict[str, Any]:
        root = self.folder.parent.parent if self.label else self.folder
        figures = figures_in(result)
        return {
            "stage": result.stage,
            "key": result.key,
            "was_kept": result.stage in self.kept,
            "folder": result.folder.relative_to(root).as_posix(),
            "duration_s": result.duration_s,
            "versions": result.record["versions"],
            "result": dict(result.summary),
            **({"figures": figures.to_json()} if figures else {}),
        }


def figures_in(result: Result) -> Figures | None:
    """The figures of an estimate, None for another stage."""
    if result.stage != "estimate":
        return None
    estimates = json.loads((result.folder / ESTIMATES).read_text(encoding="utf-8"))
    settings = result.record["material"]["settings"].get("settings/build.json", {})
    return figures_of(estimates, given=settings.get("folding") or ())


def headline(result: Result) -> str:
    """A result in a few words, for one line of a plan or of a run."""
    value = result.summary
    match result.stage:
        case "search":
            cells, places = value.get("cells", {}), _places(value)
            nodes = sum(map(len, cells.values()))
            counts = (
                [f"{counted(nodes, 'node')} in {counted(len(cells), 'cell')}"]
                if cells or not places
                else []
            )
            return f"{' and '.join([*counts, *places])} found"
        case "derive":
            return _derived(value)
        case "train":
            return (
                f"{_percent(value['top1'])} of {counted(value['test_images'], 'test image')} right"
            )
        case "export":
            integer, qonnx = value["nodes"]["integer"], value["nodes"]["qonnx"]
            return f"{counted(integer, 'integer node')}, {counted(qonnx, 'QONNX node')}"
        case "verify":
            return verification(value)
        case "estimate":
            network = value["network"]
            return f"{network['fps']:,.0f} fps, {network['lut']:,.0f} LUT"
        case _:
            return str(value.get("summary", "done"))


def _derived(value: Mapping[str, Any]) -> str:
    """What the network costs, and how good it is among those within the budget."""
    about = value["provenance"]
    budget, cost = about["budget"], about["cost"]
    nodes = sum(map(len, value["cells"].values()))
    parts = [counted(nodes, "node")] * bool(nodes) + _places(value)
    proven = "proven best" if budget["is_proven"] else "best found, not proven"
    figures = f"{cost['lut']:,} LUT, {cost['bram18']:,} BRAM18, {cost['cycles']:,} cycles"
    return f"{len(budget['displaced'])} of {' and '.join(parts)} changed by the budget, {proven}; {figures}"


def _places(value: Mapping[str, Any]) -> list[str]:
    """How many bit widths and numbers of channels were chosen, in words."""
    bits, channels = len(value.get("bits", {})), len(value.get("channels", {}))
    of_channels = f"{channels} numbers of channels" if channels != 1 else "1 number of channels"
    return [counted(bits, "bit width")] * bool(bits) + [of_channels] * bool(channels)


def verification(value: Mapping[str, Any]) -> str:
    """What was compared, and on how many images it agreed."""
    compared = [
        name
        for name, part in (("QONNX", "qonnx"), ("integers", "integer"), ("FINN", "finn"))
        if value.get(part)
    ]
    agreed = "agree" if value["ok"] else "do not agree"
    # Where float32 put a value on the other side of a step and float64 shows that it lay on the border.
    ties = f", but for {counted(value['ties'], 'tie')} of float32" if value.get("ties") else ""
    images = counted(value["images"], "image")
    return f"Brevitas, {', '.join(compared)} {agreed} on {images}{ties}"


def summary_lines(outcome: Outcome) -> list[str]:
    """The end of a run: the network's figures, those it is compared with, and where it spends its cycles."""
    rows = [outcome, *outcome.compare]
    has_figures = any(row.results.keys() & {"train", "estimate"} for row in rows)
    lines = ["", *_figures(rows)] if has_figures else []
    verify, figures = outcome.results.get("verify"), outcome.figures
    about = [f"verified    {verification(verify.summary)}"] if verify else []
    about += report.about(figures) if figures else []
    lines += ["", *about] if about else []
    lines += ["", *report.layers(figures, MOST_LAYERS)] if figures else []
    for row in outcome.not_run:
        lines += ["", f"{row.stage} was not run: {row.why}"]
        lines += [f"  elsewhere: {row.command}"] if row.command else []
    return lines


def _figures(outcomes: list[Outcome]) -> list[str]:
    table = [["", "accuracy", "cycles", "fps", *(label for _, label in RESOURCES)]]
    for outcome in outcomes:
        params = ", ".join(f"{key}={value}" for key, value in outcome.params.items())
        train, estimate = outcome.results.get("train"), outcome.results.get("estimate")
        network = estimate.summary["network"] if estimate else {}
        table.append(
            [
                f"{outcome.name} {params}".rstrip(),
                _percent(train.summary["top1"]) if train else "-",
                f"{network['cycles']:,}" if network else "-",
                f"{network['fps']:,.0f}" if network else "-",
                *(f"{network[key]:,.0f}" if key in network else "-" for key, _ in RESOURCES),
            ]
        )
    told = [column for column in zip(*table, strict=True) if set(column[1:]) != {"-"}]
    return aligned([list(row) for row in zip(*told, strict=True)])


def _percent(share: float) -> str:
    return f"{100 * share:.2f} %"
