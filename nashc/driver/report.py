"""What came out of a run: one line for each result, report.json, and the summary on the terminal."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nashc.driver.store import Result

MOST_LAYERS = 12
RESOURCES = (("lut", "LUT"), ("bram18", "BRAM18"), ("uram", "URAM"), ("dsp", "DSP"))


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

    kept: names of the stages whose results were there before.
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

    @property
    def is_all_kept(self) -> bool:
        """Nothing had to be done."""
        return set(self.results) == self.kept and all(other.is_all_kept for other in self.compare)

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
        layers = _layers(result)
        return {
            "stage": result.stage,
            "key": result.key,
            "was_kept": result.stage in self.kept,
            "folder": result.folder.relative_to(root).as_posix(),
            "duration_s": result.duration_s,
            "versions": result.record["versions"],
            "result": dict(result.summary),
            **({"layers": layers} if layers else {}),
        }


def headline(result: Result) -> str:
    """A result in a few words, for one line of a plan or of a run."""
    value = result.summary
    match result.stage:
        case "search":
            cells = value.get("cells", {})
            return (
                f"{sum(len(nodes) for nodes in cells.values())} nodes in {len(cells)} cells found"
            )
        case "train":
            return f"{_percent(value['top1'])} of {value['test_images']} test images right"
        case "export":
            return (
                f"{value['nodes']['integer']} integer nodes, {value['nodes']['qonnx']} QONNX nodes"
            )
        case "verify":
            return verification(value)
        case "estimate":
            network = value["network"]
            return f"{network['fps']:,.0f} fps, {network['lut']:,.0f} LUT"
        case _:
            return str(value.get("summary", "done"))


def verification(value: Mapping[str, Any]) -> str:
    """What was compared, and on how many images it agreed."""
    images = value["images"]
    compared = [
        name
        for name, part in (("QONNX", "qonnx"), ("integers", "integer"), ("FINN", "finn"))
        if value.get(part)
    ]
    agreed = "agree" if value["ok"] else "do not agree"
    return f"Brevitas, {', '.join(compared)} {agreed} on {images} images"


def summary_lines(outcome: Outcome) -> list[str]:
    """The end of a run: the network's figures, those it is compared with, and where it spends its cycles."""
    rows = [outcome, *outcome.compare]
    lines = ["", *_figures(rows), ""]
    verify = outcome.results.get("verify")
    if verify:
        lines.append(f"verified    {verification(verify.summary)}")
    estimate = outcome.results.get("estimate")
    if estimate:
        lines.append(f"slowest     {estimate.summary['bottleneck']}")
        lines += [f"warning     {w['layer']}: {w['text']}" for w in estimate.summary["warnings"]]
        lines += ["", *layer_table(estimate)]
    for row in outcome.not_run:
        lines += ["", f"{row.stage} was not run: {row.why}"]
        lines += [f"  elsewhere: {row.command}"] if row.command else []
    return lines


def layer_table(estimate: Result, most: int = MOST_LAYERS) -> list[str]:
    """FINN's figures by layer, the slowest first; the nodes that one layer became are added up."""
    layers = _layers(estimate)
    if not layers:
        return []
    slowest = sorted(layers, key=lambda row: -row["cycles"])
    columns = ["layer", "cycles", *(label for _, label in RESOURCES)]
    table = [columns]
    for row in slowest[:most]:
        counts = [f"{row[key]:,.0f}" for key, _ in RESOURCES]
        table.append([row["layer"], f"{row['cycles']:,}", *counts])
    lines = aligned(table)
    if len(slowest) > most:
        lines.append(f"... and {len(slowest) - most} more layers, all in report.json")
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
    return aligned(table)


def _layers(result: Result) -> list[dict[str, Any]]:
    """Cycles (of the slowest node) and resources (added up) of each layer of the spec."""
    path = result.folder / "estimates.json"
    if result.stage != "estimate" or not path.is_file():
        return []
    merged: dict[str, dict[str, Any]] = {}
    for node in json.loads(path.read_text(encoding="utf-8"))["layers"]:
        row = merged.setdefault(
            node["layer"], {"layer": node["layer"], "cycles": 0, **{key: 0 for key, _ in RESOURCES}}
        )
        row["cycles"] = max(row["cycles"], node["cycles"])
        for key, _ in RESOURCES:
            row[key] += node.get(key, 0)
    return list(merged.values())


def aligned(table: list[list[str]]) -> list[str]:
    """First column to the left, figures to the right."""
    widths = [max(len(row[i]) for row in table) for i in range(len(table[0]))]
    return [
        "  ".join(
            cell.ljust(width) if i == 0 else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in table
    ]


def _percent(share: float) -> str:
    return f"{100 * share:.2f} %"
