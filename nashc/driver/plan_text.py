"""A plan on the terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from nashc.driver.desk import Row
from nashc.driver.display import NAME_WIDTH
from nashc.driver.plan import Plan
from nashc.driver.request import Request


def plan_lines(plan: Plan, request: Request) -> list[str]:
    """One line for each stage; below, what is in the way and what helps."""
    lines = [f"{plan.name:<{NAME_WIDTH}} {request.spec} -> {plan.folder}"]
    lines += [f"{'target':<{NAME_WIDTH}} {target_words(plan.target)}"] if plan.target else []
    lines += ["", *_rows(plan)]
    for variant in plan.compare:
        lines += ["", f"compared with {variant.label}", *_rows(variant)]
    problems = dict.fromkeys(
        row.problem for each in (plan, *plan.compare) for row in each.rows if row.problem
    )
    if problems:
        lines += ["", *dict.fromkeys(f"help: {problem.help}" for problem in problems)]
    if plan.fatal:
        lines.append("nashc run would stop before it begins, because of what cannot run above")
    elif plan.is_done:
        lines += ["", "nothing to do: every result is kept"]
    return lines


def target_words(target: Mapping[str, Any]) -> str:
    """The hardware settings that are in force."""
    fps = target["target_fps"]
    rate = f"{fps:,} fps asked for" if fps else "no fps asked for"
    if isinstance(fps, float):  # that of the optimal folding
        rate = f"folded for {round(fps, 2):,} fps"
    return ", ".join(
        [
            target["board"],
            f"{target['clock_ns']:g} ns ({1000 / target['clock_ns']:g} MHz)",
            rate,
            f"weight streams up to {target['mvau_wwidth_max']} bits",
        ]
    )


def _rows(plan: Plan) -> Iterator[str]:
    for row in plan.rows:
        yield f"{row.stage:<{NAME_WIDTH}} {row.action:<7} {_words(row)}".rstrip()


def _words(row: Row) -> str:
    if row.problem:
        return f"{row.problem.code} {row.why}"
    return f"{row.key.digest}  {row.why}" if row.action == "kept" and row.key else row.why
