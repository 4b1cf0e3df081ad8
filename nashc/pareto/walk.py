"""All points carried through their stages: what is kept is taken, what fails is told, and the rest goes on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from nashc.diagnostics import Diagnostic, SpecError, render_text, told_once
from nashc.driver.display import Display, duration
from nashc.driver.estimate import Answer, cost_of
from nashc.driver.needs import Machine
from nashc.driver.run import carry
from nashc.driver.store import Result
from nashc.pareto.look import Durations, Job, Look, look
from nashc.pareto.measure import accuracy, check
from nashc.pareto.rows import Row, Value, with_fronts
from nashc.pareto.sweep import Point, Trial
from nashc.schema import load
from nashc.stages import BY_NAME


@dataclass
class _Place:
    """One point on its way."""

    point: Point
    trials: tuple[Trial, ...]
    values: dict[str, Value] = field(default_factory=dict)
    cost: Answer | None = None
    problems: dict[Diagnostic, None] = field(default_factory=dict)

    def fail(self, error: SpecError) -> None:
        self.problems |= dict.fromkeys(error.diagnostics[:1])


@dataclass
class _Waiting:
    """A trial with stages to run."""

    place: _Place
    trial: Trial
    seen: Look

    @property
    def label(self) -> str:
        seeds = " ".join(f"{name}={value}" for name, value in self.trial.seeds.items())
        return f"{self.place.point.label} {seeds}".rstrip()


class Walk:
    """The points of a sweep. `prepare` finds what is kept, `run` does the rest; `rows` tells what is known at any time."""

    def __init__(self, points: Sequence[Point], job: Job, display: Display) -> None:
        self.job, self.display = job, display
        self.machine = Machine(job.request.python, job.request.environment)
        self.places = [_Place(point, job.trials_of(point)) for point in points]
        self.waiting: list[_Waiting] = []
        self.durations = Durations()
        # Searches that failed, by their keys: other trials would begin with the same one.
        self._failed: dict[str, SpecError] = {}

    def prepare(self) -> None:
        """Look at every trial. Those of later seeds wait longer: the picture is whole before it is precise."""
        count = sum(max(1, len(place.trials)) for place in self.places)
        with self.display.stage("look") as shown:
            done = 0
            for turn in range(max((len(place.trials) for place in self.places), default=0) or 1):
                for place in self.places:
                    if turn < max(1, len(place.trials)):
                        self._prepare(place, turn)
                        done += 1
                        event = {"event": "progress", "done": done, "total": count}
                        shown.event({**event, "unit": "points", "text": place.point.label})

    def check(self) -> None:
        """Stop where nothing at all can run. Errors: SpecError."""
        if self.waiting or any(place.values or place.cost for place in self.places):
            return
        problems = told_once(problem for place in self.places for problem in place.problems)
        if problems:
            raise SpecError(problems)

    def run(self) -> None:
        """Do what waits. Errors: SpecError NASH506 when interrupted; what was finished stays."""
        total = len(self.waiting)
        while self.waiting:
            current = self.waiting[0]
            left = self.durations.left((w.place.point.network, w.seen.stages) for w in self.waiting)
            words = f"  about {duration(left)} left" if left is not None else ""
            self.display.line(f"[{total - len(self.waiting) + 1}/{total}] {current.label}{words}")
            try:
                self._run(current)
            except SpecError as error:
                if any(diagnostic.code == "NASH506" for diagnostic in error.diagnostics):
                    raise
                current.place.fail(error)
                self.display.line(render_text(error.diagnostics[:1], colour=False))
            self.waiting.pop(0)

    def rows(self) -> tuple[Row, ...]:
        waiting = [id(each.place) for each in self.waiting]
        return with_fronts(
            [
                Row(
                    place.point,
                    self.job.measure,
                    tuple(place.values[t.digest] for t in place.trials if t.digest in place.values),
                    place.cost,
                    told_once(place.problems),
                    waiting.count(id(place)),
                )
                for place in self.places
            ]
        )

    def _prepare(self, place: _Place, turn: int) -> None:
        if place.point.problem:
            place.problems[place.point.problem] = None
            return
        trial = place.trials[turn]
        try:
            check(self.job.measure, place.point)
            if self.job.measure.stage is None and not place.point.is_searched:
                place.cost = cost_of(load(place.point.spec, trial.overrides), self.job.model)
                return
            seen = look(self.job, place.point, trial, self.machine)
            self.durations.add(place.point.network, seen.desk)
            if self.job.measure.stage is None or seen.is_done:
                self._take(place, trial, seen)
            elif seen.problem:
                place.problems[seen.problem] = None
            else:
                self.waiting.append(_Waiting(place, trial, seen))
        except SpecError as error:
            place.fail(error)

    def _run(self, current: _Waiting) -> None:
        searches = [key for stage, key in current.seen.stages if stage == "search"]
        for key in searches:
            if key in self._failed:
                raise self._failed[key]
        request = self.job.request_of(current.place.point, current.trial)
        try:
            carry(request, self.display).check()
        except SpecError as error:
            if any(
                current.seen.desk.store.find(BY_NAME["search"], key) is None for key in searches
            ):
                self._failed |= dict.fromkeys(searches, error)
            raise
        seen = look(self.job, current.place.point, current.trial, self.machine)
        self.durations.add(current.place.point.network, seen.desk)
        self._take(current.place, current.trial, seen)

    def _take(self, place: _Place, trial: Trial, seen: Look) -> None:
        """The accuracy of finished stages, and the cost of the network that they were of."""
        if self.job.measure.stage:
            result: Result = seen.desk.results[self.job.measure.stage]
            place.values[trial.digest] = Value(
                trial,
                accuracy(self.job.measure, seen.desk.results),
                result.duration_s,
                result.folder.relative_to(self.job.out).as_posix(),
            )
        if place.cost is None:
            place.cost = cost_of(seen.desk.project.spec, self.job.model)
