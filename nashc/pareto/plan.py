"""What a sweep would do, point by point."""

from __future__ import annotations

from collections import Counter
from typing import Any

from nashc.diagnostics.model import counted
from nashc.driver.display import duration
from nashc.pareto.table import idle_lines
from nashc.pareto.walk import Walk
from nashc.report.table import aligned


def plan_lines(walk: Walk) -> list[str]:
    """A row for each point, what all would take, and what is in the way."""
    rows = walk.rows()
    table = [["point", "seeds", "kept", "to run", "", "stages"]]
    for row, stages in zip(rows, _stages(walk), strict=True):
        count = len(walk.job.trials_of(row.point)) or 1
        kept = len(row.values) or int(row.cost is not None)
        others = "those of a point above" if row.waiting else row.state
        words = ", ".join(f"{n} {stage}" for stage, n in stages.items()) or others
        table.append([row.point.label, str(count), str(kept), str(row.waiting), "", words])
    lines = aligned(table, left=("stages",))
    left = walk.durations.left((w.place.point.network, w.seen.stages) for w in walk.waiting)
    trials = len(walk.waiting)
    if trials:
        time = (
            f", about {duration(left)}" if left is not None else ", which takes a time unknown yet"
        )
        lines += ["", f"{counted(trials, 'run')} to do{time}"]
    else:
        lines += ["", "nothing to run"]
    problems = [(row.point.label, problem) for row in rows for problem in row.problems]
    lines += idle_lines(row.point for row in rows)
    return lines + [f"{label}: {problem.code} {problem.message}" for label, problem in problems]


def plan_json(walk: Walk) -> dict[str, Any]:
    left = walk.durations.left((w.place.point.network, w.seen.stages) for w in walk.waiting)
    found = []
    for row, stages in zip(walk.rows(), _stages(walk), strict=True):
        about = row.to_json()
        names = ("network", "spec", "settings", "bits", "state", "problems")
        found.append({**{n: about[n] for n in names}, "to_run": row.waiting, "stages": stages})
    return {"points": found, "to_run": len(walk.waiting), "seconds": left}


def _stages(walk: Walk) -> list[Counter[str]]:
    """By point, how often each stage would run; a search that trials share runs once."""
    seen: set[tuple[str, str, str]] = set()
    found = []
    for place in walk.places:
        counts: Counter[str] = Counter()
        for each in walk.waiting:
            for stage, key in each.seen.stages if each.place is place else ():
                known = (place.point.network, stage, key)
                counts[stage] += not (key and known in seen)
                seen.add(known)
        found.append(+counts)
    return found
