"""A wish, put to the solver: the folding it gives, or a diagnostic with the nearest one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from nashc.cost.cost import RESOURCES
from nashc.cost.estimate import Estimate, estimate
from nashc.cost.fold import Folding
from nashc.cost.folding_file import content_of
from nashc.diagnostics import Diagnostic, SpecError
from nashc.fold.answer import Answer, Shortage
from nashc.fold.converters import Converter, converters
from nashc.fold.goals import Question
from nashc.fold.hardware import Hardware
from nashc.fold.highs import Undecided
from nashc.fold.proof import Further
from nashc.fold.tables import Floats
from nashc.fold.wish import Wish

WORDS = {"lut": "LUT", "bram18": "BRAM18", "uram": "URAM", "dsp": "DSP"}


@dataclass(frozen=True)
class Folded:
    """The answer with its figures; estimate: the cost model's of every node in this folding.

    has_converters: the answer's use holds the width converters, which the estimate leaves out.
    """

    wish: Wish
    answer: Answer
    foldings: dict[str, Folding]
    estimate: Estimate
    has_converters: bool

    @property
    def converters(self) -> tuple[Converter, ...]:
        return converters(tuple(row.node for row in self.estimate.nodes), self.foldings)

    @property
    def converter_lut(self) -> int:
        return sum(converter.lut for converter in self.converters)

    def file(self) -> dict[str, Any]:
        """FINN's folding file, in the order of the nodes."""
        return content_of(tuple(row.node for row in self.estimate.nodes), self.foldings)


def ask(
    hardware: Hardware,
    wish: Wish,
    clock_ns: float,
    go_on: Callable[[float, float], bool] = lambda *_: True,
) -> Folded:
    """The best folding for a wish. go_on: as of `Further`. Errors: NASH461 when there is none, with the nearest."""
    further = None if wish.gap is None else Further(wish.gap, go_on)
    question = hardware.question(wish.budget, wish.prefer, further)
    interval = float("inf") if wish.fps is None else interval_of(wish.fps, clock_ns)
    try:
        found = _answer(question, wish, interval)
        if isinstance(found, Shortage):
            raise SpecError([_told(question, wish, found, clock_ns)])
    except Undecided as error:
        text = "the search for the best folding was given up before it found one"
        hint = "leave out --converters: without them the layers are independent, and the answer takes a second"
        raise SpecError([Diagnostic("NASH461", text, help=hint)]) from error
    foldings = hardware.foldings(found.choice)
    figures = estimate(hardware.nodes, foldings, hardware.model, hardware.part, clock_ns)
    assert figures.cycles == found.interval, (figures.cycles, found.interval)
    folded = Folded(wish, found, foldings, figures, hardware.with_converters)
    totals = [figures.total(name) for name in RESOURCES]
    if hardware.with_converters:
        totals[RESOURCES.index("lut")] += folded.converter_lut
    assert totals == list(found.use), (totals, found.use)
    return folded


def _answer(question: Question, wish: Wish, interval: float) -> Answer | Shortage:
    match wish.goal:
        case "max-fps":
            return question.max_throughput()
        case "min-latency":
            return question.min_latency(interval)
        case "min-resources":
            found = question.min_use(interval)
            is_missed = wish.is_aim and isinstance(found, Shortage)
            return question.max_throughput() if is_missed else found


def fps_of(interval: float, clock_ns: float) -> float:
    return 1e9 / clock_ns / interval


def interval_of(fps: float, clock_ns: float) -> float:
    """The longest interval that gives so many frames a second, as `fps_of` reckons."""
    cycles = int(1e9 / clock_ns / fps)
    return float(cycles + (fps_of(cycles + 1, clock_ns) >= fps))


def _rate(fps: float) -> str:
    """For --fps: a whole number, of less than one a second a millionth, that is no more than this."""
    return f"{int(fps)}" if fps >= 1 else f"{int(fps * 1e6) / 1e6:.6f}".rstrip("0")


def excess(use: Floats, wish: Wish) -> list[str]:
    """The resources that do not suffice, with what is needed and what there is."""
    pairs = zip(RESOURCES, use, strict=True)
    return [
        f"{used:,.0f} {WORDS[name]} of {wish.budget[name]:,.0f}"
        for name, used in pairs
        if used > wish.budget.get(name, float("inf"))
    ]


def _told(question: Question, wish: Wish, found: Shortage, clock_ns: float) -> Diagnostic:
    """What stands in the way, how near one gets, and what to change."""
    must = None if wish.is_aim else wish.fps
    asked = "" if must is None else f"{must:,.10g} frames a second"
    if found.stuck:
        problem = question.problem
        fastest = fps_of(problem.shortest_interval, clock_ns)
        named = _some(found.stuck)
        slowest = max(problem.tables, key=lambda table: float(table.cycles.min()))
        text = (
            f"no folding gives {asked}: {named} cannot be that fast, "
            f"{slowest.name} needs {slowest.cycles.min():,.0f} cycles at least"
        )
        help_ = f"{fastest:,.1f} frames a second are the most at this clock: --fps {_rate(fastest)}, or a faster clock"
        return Diagnostic("NASH461", text, help=help_)
    nearest = found.nearest
    assert nearest is not None
    needed = ", ".join(excess(nearest.use, wish))
    text = f"no folding {f'gives {asked} within' if asked else 'fits'} {wish.words}: the nearest needs {needed}"
    slow = f"{fps_of(nearest.interval, clock_ns):,.1f} frames a second"
    slower = replace(question, further=None)
    most = slower.max_throughput() if must is not None and slower.can_fit() else None
    enough = _budget_for(nearest.use, wish)
    if (
        wish.named and not enough
    ):  # the nearest takes more than the board has: what of the board would do?
        enough_of = replace(
            question,
            budget=np.array([wish.whole[name] for name in RESOURCES]),
            prefer=(_shares(wish),),
            is_even=False,
            further=None,
        )
        on_board = enough_of.min_use(found.interval)
        enough = _budget_for(on_board.use, wish) if isinstance(on_board, Answer) else ""
    if isinstance(most, Answer):
        fps = fps_of(most.interval, clock_ns)
        other = f"a budget of {enough}" if enough else "a larger board"
        help_ = f"{fps:,.1f} frames a second fit: --fps {_rate(fps)}, or {other}"
    elif enough:
        help_ = f"a budget of {enough} is enough for {asked or slow}"
    else:
        help_ = f"even {asked or slow} do not fit: take a larger board, narrower bits or a smaller network"
    return Diagnostic("NASH461", text, help=help_)


def _shares(wish: Wish) -> Floats:
    """What a unit of each resource is of the budget that was given for it."""
    return np.array(
        [1 / max(wish.budget[name], 1.0) if name in wish.named else 0.0 for name in RESOURCES]
    )


def _budget_for(use: Floats, wish: Wish) -> str:
    """The budget that was given with as much more as this use needs; empty if the board has not so much."""
    used = dict(zip(RESOURCES, use, strict=True))
    if not wish.named or any(used[name] > wish.whole[name] for name in RESOURCES):
        return ""
    return ",".join(f"{name}={max(wish.budget[name], used[name]):.0f}" for name in wish.named)


def _some(names: tuple[str, ...], most: int = 3) -> str:
    """The first few names and how many more there are."""
    shown = ", ".join(names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"
