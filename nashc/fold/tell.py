"""A folding told: for people as lines, for machines as JSON."""

from __future__ import annotations

from typing import Any

from nashc.cost.cost import RESOURCES
from nashc.fold.ask import WORDS, Folded, excess, fps_of

_MOST_NAMES = 3


def as_json(folded: Folded) -> dict[str, Any]:
    """The figures as `nashc estimate --json` names them, what binds, the next step, and the folding file."""
    figures, answer, step = folded.estimate, folded.answer, folded.answer.step
    assert step is not None
    following = None
    if step.interval is not None and step.use is not None:
        following = {
            "fps": fps_of(step.interval, figures.clock_ns),
            "cycles": int(step.interval),
            "budget_factor": step.factor,
            **{name: int(used) for name, used in zip(RESOURCES, step.use, strict=True)},
        }
    return {
        "model": figures.model,
        "goal": folded.wish.goal,
        "fps": figures.fps,
        "latency_ms": figures.latency_ms,
        "cycles": figures.cycles,
        **{name: figures.total(name) for name in RESOURCES},
        "budget": {name: int(limit) for name, limit in folded.wish.budget.items()},
        "converters": {
            "count": len(folded.converters),
            "lut": folded.converter_lut,
            "are_counted": folded.has_converters,
        },
        "is_optimal": answer.gap == 0,
        "gap": answer.gap,
        "binding": {"layers": list(step.waiting), "resources": _binding(folded)},
        "next": following,
        "layers": [
            {key: getattr(row, key) for key in ("cycles", *RESOURCES)} | {"name": row.node.name}
            for row in figures.nodes
        ],
        "folding": folded.file(),
    }


def lines(folded: Folded) -> list[str]:
    figures, answer = folded.estimate, folded.answer
    proof = "best" if answer.gap == 0 else f"within {100 * answer.gap:.2g} % of the best"
    found = [
        f"fps         {figures.fps:,.1f}, {figures.cycles:,} cycles between frames",
        f"latency     {figures.latency_ms:,.3g} ms, all nodes of the longest path added up",
        f"optimality  {proof} under {figures.model}, proven",
        "",
        f"{'resource':<10}{'used':>12}{'budget':>12}{'share':>9}",
    ]
    for name in RESOURCES:
        used, limit = figures.total(name), folded.wish.budget[name]
        share = f"{100 * used / limit:.1f} %" if limit else ""
        found.append(f"{WORDS[name]:<10}{used:>12,}{limit:>12,.0f}{share:>9}")
    counted = "within the budget" if folded.has_converters else "more"
    words = f"converters  {len(folded.converters)} between streams of unequal width, {folded.converter_lut:,} LUT {counted}"
    return [*found, words, "", *_step_lines(folded)]


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
        lines.append(f"binds       {', '.join(missing)}: {step.factor:.4g} times the budget")
    else:
        lines.append(f"            which fits: {used}")
    return lines


def _binding(folded: Folded) -> list[str]:
    step, budget = folded.answer.step, folded.wish.budget
    if step is None or step.use is None:
        return []
    return [name for name, used in zip(RESOURCES, step.use, strict=True) if used > budget[name]]
