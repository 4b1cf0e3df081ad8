"""One trial, looked at without running it: what is kept, what would run, what is in the way."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from nashc.diagnostics import Diagnostic
from nashc.driver.desk import Desk, Row, desk_of, rows
from nashc.driver.needs import Machine
from nashc.driver.request import Request
from nashc.driver.search import derivation_of
from nashc.pareto.measure import Measure
from nashc.pareto.sweep import Point, Trial
from nashc.stages.derive import DERIVE


@dataclass(frozen=True)
class Job:
    """How the points are carried: each network in a folder of its own under `out`, as `nashc run` would.

    request: what all trials share; its spec and overrides are the trials' own. model: the cost model.
    """

    request: Request
    out: Path
    measure: Measure
    model: str

    def request_of(self, point: Point, trial: Trial) -> Request:
        return replace(
            self.request,
            spec=point.spec,
            overrides=trial.overrides,
            out=self.out / point.network,
            last=self.measure.stage or "search",
            is_alone=True,
        )

    def trials_of(self, point: Point) -> tuple[Trial, ...]:
        """Seeds of trainings matter where something is trained."""
        return point.trials if self.measure.stage == "train" else point.trials[:1]


@dataclass(frozen=True)
class Look:
    """desk: with what is kept. rows: one for each stage."""

    desk: Desk
    rows: tuple[Row, ...]

    @property
    def is_done(self) -> bool:
        return all(row.action == "kept" for row in self.rows)

    @property
    def problem(self) -> Diagnostic | None:
        """Why a run would not begin."""
        return next((row.problem for row in self.rows if row.is_fatal), None)

    @property
    def stages(self) -> tuple[tuple[str, str], ...]:
        """(name, key) of each stage that would run; no key where it waits for another.

        A derivation that waits for its search goes by what is known of it: seeds of the training share it.
        """
        found: dict[str, str] = {}
        for row in self.rows:
            if row.action in ("run", "after"):
                key = row.key.digest if row.key else ""
                if row.stage == DERIVE.name and not key and "search" in found:
                    derivation = derivation_of(self.desk.project, found["search"])
                    key = derivation.digest if derivation else ""
                found[row.stage] = key
        return tuple(found.items())


def look(job: Job, point: Point, trial: Trial, machine: Machine) -> Look:
    """Errors: SpecError."""
    desk = desk_of(job.request_of(point, trial), machine)
    return Look(desk, tuple(rows(desk)))


@dataclass
class Durations:
    """Seconds that stages took, by network: what the rest will take is foretold from them."""

    known: dict[str, dict[str, list[float]]] = field(default_factory=dict)

    def add(self, network: str, desk: Desk) -> None:
        for stage, result in desk.results.items():
            self.known.setdefault(stage, {}).setdefault(network, []).append(result.duration_s)

    def left(self, waiting: Iterable[tuple[str, tuple[tuple[str, str], ...]]]) -> float | None:
        """Seconds for (network, its stages) of each trial that waits; None as long as a stage was never seen.

        A search that several trials share counts once.
        """
        total, seen = 0.0, set()
        for network, stages in waiting:
            for stage, key in stages:
                if key and (network, stage, key) in seen:
                    continue
                seen.add((network, stage, key))
                expected = self._of(stage, network)
                if expected is None:
                    return None
                total += expected
        return total

    def _of(self, stage: str, network: str) -> float | None:
        """The mean of this network, else of all."""
        found: Mapping[str, list[float]] = self.known.get(stage, {})
        times = found.get(network) or [each for own in found.values() for each in own]
        return sum(times) / len(times) if times else None
