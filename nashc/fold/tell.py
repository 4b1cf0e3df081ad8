"""A folding told: for people as lines, for machines as JSON."""

from __future__ import annotations

import math
from typing import Any

from nashc.cost.cost import RESOURCES
from nashc.fold.answer import Step
from nashc.fold.ask import WORDS, Folded, excess, fps_of

_MOST_NAMES = 3


def as_json(folded: Folded) -> dict[str, Any]:
    """The figures as `nashc estimate --json` names them, what binds, the next step, and the folding file."""
    figures, answer, step = folded.estimate, folded.answer, folded.answer.step
    assert step is not None
    return {
        "model": figures.model,
        "goal": folded.wish.goal,
        "fps": figures.fps,
        "latency_ms": figures.latency_ms,
        "cycles": figures.cycles,
        **{name: figures.total(name) for name in RESOURCES},
        "budget": {name: int(limit) for name, limit in folded.wish.budget.items()},
        "converters": _converters(folded),
        "is_optimal": answer.gap == 0,
        "gap": answer.gap,
        "use_gap": answer.use_gap,
        "binding": {"layers": list(step.waiting), "resources": _binding(folded)},
        "next": _next(step, figures.clock_ns),
        "layers": [
            {key: getattr(row, key) for key in ("cycles", *RESOURCES)} | {"name": row.node.name}
            for row in figures.nodes
        ],
        "folding": folded.file(),
    }


def _next(step: Step, clock_ns: float) -> dict[str, Any] | None:
    """The next faster folding and what it takes; None if nothing is faster."""
    if step.interval is None or step.use is None:
        return None
    return {
        "fps": fps_of(step.interval, clock_ns),
        "cycles": int(step.interval),
        # A budget of nothing grows to nothing; JSON knows no infinity.
        "budget_factor": step.factor if math.isfinite(step.factor) else None,
        **{name: int(used) for name, used in zip(RESOURCES, step.use, strict=True)},
    }


def _converters(folded: Folded) -> dict[str, Any]:
    """The width converters between the layers, and whether the budget has room for them."""
    return {
        "count": len(folded.converters),
        "lut": folded.converter_lut,
        "are_counted": folded.has_converters,
        "fit": _whole_lut(folded) <= folded.wish.budget["lut"],
        "between": [
            {
                "from": one.first,
                "to": one.second,
                "bits_from": one.given,
                "bits_to": one.taken,
                "lut": one.lut,
            }
            for one in folded.converters
        ],
    }


def lines(folded: Folded) -> list[str]:
    figures = folded.estimate
    found = [
        f"fps         {figures.fps:,.1f}, {figures.cycles:,} cycles between frames",
        f"latency     {figures.latency_ms:,.3g} ms, all nodes of the longest path added up",
        f"optimality  {_proof(folded)}",
        "",
        f"{'resource':<10}{'used':>12}{'budget':>12}{'share':>9}",
    ]
    for name, used in zip(RESOURCES, folded.answer.use, strict=True):
        limit = folded.wish.budget[name]
        share = f"{100 * used / limit:.1f} %" if limit else ""
        found.append(f"{WORDS[name]:<10}{used:>12,.0f}{limit:>12,.0f}{share:>9}")
    return [*found, *_converter_lines(folded), "", *_step_lines(folded)]


_BEST = {
    "max-fps": "the most frames",
    "min-resources": "the least resources",
    "min-latency": "the shortest latency",
}


def _proof(folded: Folded) -> str:
    """How near the best the answer is in what was asked for, and in resources where something else was."""
    answer, goal, under = folded.answer, folded.wish.goal, f"under {folded.estimate.model}, proven"
    if answer.gap == answer.use_gap == 0:
        return f"best {under}"
    asked = f"within {100 * answer.gap:.2g} % of " if answer.gap else ""
    if goal == "min-resources":
        return f"{asked}{_BEST[goal]} {under}"
    match answer.use_gap:
        case None:
            rest = "not proven to use least"
        case 0.0:
            rest = "no more resources than that needs"
        case gap:
            rest = f"within {100 * gap:.2g} % of the least resources for that"
    return f"{asked}{_BEST[goal]} {under}; {rest}"


def _converter_lines(folded: Folded) -> list[str]:
    """What converters cost, and where: the dearest of them."""
    found, lut = folded.converters, folded.converter_lut
    if not found:
        return ["converters  none, all streams are of equal width"]
    words = f"converters  {len(found)} between streams of unequal width, {lut:,} LUT"
    whole, limit = _whole_lut(folded), folded.wish.budget["lut"]
    if folded.has_converters:
        words += " of those above"
    elif whole > limit:
        words += f" more, {whole:,} of {limit:,.0f}: they do not fit, `--converters` counts them"
    else:
        words += " more"
    dearest = sorted(found, key=lambda one: -one.lut)[:_MOST_NAMES]
    return [
        words,
        *(
            f"            {one.lut:,} LUT from {one.given} to {one.taken} bits, {one.first} to {one.second}"
            for one in dearest
        ),
    ]


def _whole_lut(folded: Folded) -> int:
    return folded.estimate.total("lut") + folded.converter_lut


def _step_lines(folded: Folded) -> list[str]:
    step, clock_ns = folded.answer.step, folded.estimate.clock_ns
    assert step is not None
    named = ", ".join(step.waiting[:_MOST_NAMES])
    if len(step.waiting) > _MOST_NAMES:
        named += f" and {len(step.waiting) - _MOST_NAMES} more"
    if step.interval is None or step.use is None:
        return [f"binds       {named}: no legal folding is faster"]
    used = ", ".join(
        f"{used:,.0f} {WORDS[name]}" for name, used in zip(RESOURCES, step.use, strict=True) if used
    )
    lines = [f"next step   {fps_of(step.interval, clock_ns):,.1f} fps: faster {named}"]
    missing = excess(step.use, folded.wish)
    if missing:
        times = f"{step.factor:.4g}" if math.isfinite(step.factor) else "1"
        of_budget = f", {times} times the budget" if times != "1" else ""
        most = " at most" if of_budget and len(missing) > 1 else ""
        lines.append(f"binds       that needs {' and '.join(missing)}{of_budget}{most}")
    else:
        lines.append(f"            which fits: {used}")
    return lines


def _binding(folded: Folded) -> list[str]:
    step, budget = folded.answer.step, folded.wish.budget
    if step is None or step.use is None:
        return []
    return [name for name, used in zip(RESOURCES, step.use, strict=True) if used > budget[name]]
