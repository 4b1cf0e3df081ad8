"""The points with all that is known of them: what tables, pictures and files show."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from nashc.cost.cost import RESOURCES
from nashc.diagnostics import Diagnostic
from nashc.driver.estimate import Answer
from nashc.pareto.front import front
from nashc.pareto.measure import Measure
from nashc.pareto.sweep import Point, Trial

# The costs that the two panels stand on, as in Figures 10 and 11 of the paper.
COSTS = (("lut", "LUT"), ("bram18", "BRAM18"))
FIGURES = ("fps", "latency_ms", "cycles", *RESOURCES, "weights", "macs")


@dataclass(frozen=True)
class Value:
    """The accuracy of one trial, as a share of 1. seconds: that its stage took. folder: of the result."""

    trial: Trial
    accuracy: float
    seconds: float
    folder: str


@dataclass(frozen=True)
class Row:
    """values: of the finished trials. cost: None before the architecture is known. problems: of trials that failed.

    waiting: trials neither finished nor failed. fronts: the costs on whose front it lies.
    """

    point: Point
    measure: Measure
    values: tuple[Value, ...] = ()
    cost: Answer | None = None
    problems: tuple[Diagnostic, ...] = ()
    waiting: int = 0
    fronts: tuple[str, ...] = ()

    @property
    def accuracy(self) -> float | None:
        """Mean over seeds."""
        return statistics.fmean(v.accuracy for v in self.values) if self.values else None

    @property
    def spread(self) -> float | None:
        """Sample standard deviation over seeds, None of a single one."""
        if len(self.values) < 2:
            return None
        return statistics.stdev(value.accuracy for value in self.values)

    @property
    def figures(self) -> Mapping[str, float]:
        """Those of FIGURES."""
        found = self.cost.to_json() if self.cost else {}
        return {name: found[name] for name in FIGURES if name in found}

    @property
    def height(self) -> float | None:
        """What stands upwards."""
        return self.accuracy if self.measure.stage else self.figures.get(self.measure.figure)

    @property
    def is_drawn(self) -> bool:
        return self.height is not None and self.cost is not None

    @property
    def state(self) -> str:
        if self.is_drawn:
            return "finished" if not self.problems and not self.waiting else "in part"
        return "failed" if self.problems else "not run"

    def to_json(self) -> dict[str, Any]:
        point, cost = self.point, self.cost
        return {
            "network": point.network,
            "spec": point.spec.name,
            "settings": dict(point.settings),
            "bits": point.bits,
            "state": self.state,
            "accuracy": self.accuracy,
            "spread": self.spread,
            "trials": [
                {
                    "seeds": dict(value.trial.seeds),
                    "spec_digest": value.trial.digest,
                    "accuracy": value.accuracy,
                    "seconds": value.seconds,
                    "result": value.folder,
                }
                for value in self.values
            ],
            "spec_digest": point.trials[0].digest if point.trials else None,
            **(self.figures or dict.fromkeys(FIGURES)),
            "board": cost.target.board.name if cost else None,
            "fits": cost.fits if cost else None,
            "on_front": {key: key in self.fronts for key, _ in COSTS} if self.is_drawn else None,
            "problems": [{"code": each.code, "message": each.message} for each in self.problems],
        }


def with_fronts(rows: Sequence[Row]) -> tuple[Row, ...]:
    """Each row with the fronts that it lies on, among all of them."""
    drawn = [i for i, row in enumerate(rows) if row.is_drawn]
    sign = 1 if rows and rows[0].measure.more_is_better else -1
    heights = [sign * height for i in drawn if (height := rows[i].height) is not None]
    fronts: dict[int, list[str]] = {i: [] for i in range(len(rows))}
    for key, _ in COSTS:
        for place in front([rows[i].figures[key] for i in drawn], heights):
            fronts[drawn[place]].append(key)
    return tuple(replace(row, fronts=tuple(fronts[i])) for i, row in enumerate(rows))


def equal_rows(rows: Sequence[Row], key: str) -> tuple[tuple[Row, ...], ...]:
    """The drawn ones that lie on one another where the cost `key` is drawn, group by group."""
    places: dict[tuple[float, float], list[Row]] = {}
    for row in rows:
        if row.is_drawn and row.height is not None:
            places.setdefault((row.figures[key], row.height), []).append(row)
    return tuple(tuple(group) for group in places.values() if len(group) > 1)
