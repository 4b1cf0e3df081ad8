"""What is asked of a folding: a goal, a frame rate, a budget; read from the words of the command line."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, NoReturn, get_args

from nashc.cost.cost import RESOURCES
from nashc.diagnostics import Diagnostic, SpecError
from nashc.diagnostics.model import nearest
from nashc.vocab.boards import Board

Goal = Literal["max-fps", "min-resources", "min-latency"]
GOALS: tuple[Goal, ...] = get_args(Goal)
_AMOUNT = re.compile(r"(?P<number>[0-9][0-9_]*(?:\.[0-9]+)?)(?P<unit>[kM%]?)")
_LEAST_FPS = 1e-6
_UNITS = {"": 1, "k": 1000, "M": 1_000_000}
# No device comes near; from 1e15 on the search no longer tells amounts apart that differ by one.
_MOST = {"": 1e9, "k": 1e6, "M": 1e3, "%": 1e4}


@dataclass(frozen=True)
class Wish:
    """goal and, for min-resources at least, a frame rate; budget: most of each resource, what is not named is free.

    whole: what the board has. named: the resources that were given a budget. words: where the budget comes from.
    prefer: what a unit of each resource weighs when less is better.
    is_aim: the frame rate is what FINN would fold for: if it cannot be had, as much as can be.
    gap: the share of the best within which the answer must be proven to be; None: what is proven in about a second.
    """

    goal: Goal
    fps: float | None
    budget: Mapping[str, float]
    whole: Mapping[str, float]
    named: tuple[str, ...]
    prefer: Mapping[str, float]
    words: str
    is_aim: bool = False
    gap: float | None = None


def wish(
    board: Board,
    goal: str | None = None,
    fps: float | None = None,
    budget: str | None = None,
    aim: float | None = None,
    gap: float | None = None,
) -> Wish:
    """From a board and options: without a goal the least resources at `fps`, or the most frames if that is None.

    aim: the frame rate of the spec: what is wanted where neither a goal nor a rate is given, and what the least resources must
    reach where a rate is not. gap: per cent.
    budget: `lut=200k,bram18=80%`; per cent are of the board, what it does not name is all of the board.
    Errors: NASH462.
    """
    check(goal, fps, budget, gap)
    whole = {name: float(getattr(board.resources, name)) for name in RESOURCES}
    given = _budget(budget, whole) if budget is not None else {}
    for name, most in given.items():
        if most and not whole[name]:
            _refuse(f"{board.name} has no {name} to have a budget of", f"leave it out, or {name}=0")
    limits = {**whole, **given}
    is_aim = goal is None and fps is None and aim is not None
    fps = aim if is_aim or (goal == "min-resources" and fps is None) else fps
    if goal == "min-resources" and fps is None:
        text = "the least resources are those of no throughput at all, and the spec has no `fps`"
        _refuse(text, "say how many frames a second: --fps 1000, or `fps = 1000` in its target")
    usual: Goal = "max-fps" if fps is None else "min-resources"
    chosen = next((name for name in GOALS if name == goal), usual)
    share = None if gap is None else gap / 100
    words = f"the budget on {board.name}" if given else board.name
    prefer = {name: 1.0 / limits[name] for name in RESOURCES if limits[name] > 0}
    prefer = prefer or dict.fromkeys(RESOURCES, 1.0)  # of a board that has nothing
    return Wish(chosen, fps, limits, whole, tuple(given), prefer, words, is_aim, share)


def check(goal: str | None, fps: float | None, budget: str | None, gap: float | None) -> None:
    """What makes no sense whatever the spec and the board. Errors: NASH462."""
    if goal is not None and goal not in GOALS:
        _refuse(f"there is no goal `{goal}`", nearest(goal, GOALS))
    if fps is not None and not (math.isfinite(fps) and fps >= _LEAST_FPS):
        _refuse(f"{fps:g} is no frame rate", f"a number from {_LEAST_FPS:g}: --fps 1000")
    if goal == "max-fps" and fps is not None:
        text = f"the most frames a second and {fps:g} of them are two goals"
        _refuse(text, f"leave one out, or take --goal min-resources --fps {fps:g}")
    if gap is not None and not 0 <= gap < 100:
        _refuse(
            f"{gap:g} per cent are no distance from the best",
            "from 0, which is exact, to below 100: --gap 0.1",
        )
    if budget is not None:
        _amounts(budget)


def _budget(text: str, whole: Mapping[str, float]) -> dict[str, float]:
    return {
        name: float(
            math.floor(number * (Fraction(whole[name]) / 100 if unit == "%" else _UNITS[unit]))
        )
        for name, (number, unit) in _amounts(text).items()
    }


def _amounts(text: str) -> dict[str, tuple[Fraction, str]]:
    """Number, as it is written, and unit by resource."""
    if not text.strip():
        _refuse("the budget is empty", "name what is limited: --budget lut=200k,bram18=80%")
    found: dict[str, tuple[Fraction, str]] = {}
    for part in text.split(","):
        name, _, amount = (word.strip() for word in part.partition("="))
        if not name:
            help_ = "a budget is a list such as lut=200k,bram18=80%"
            _refuse(f"the budget `{text}` has a part that names no resource", help_)
        if name not in RESOURCES:
            _refuse(f"there is no resource `{name}`", nearest(name, RESOURCES))
        if name in found:
            _refuse(f"`{name}` has two budgets", f"{name}={amount}")
        match = _AMOUNT.fullmatch(amount)
        number = Fraction(match["number"].replace("_", "")) if match else Fraction(0)
        if not match or number > _MOST[match["unit"]]:
            _refuse(
                f"`{amount}` is no amount of {name}" if amount else f"`{name}` has no amount",
                f"a count up to 1000M or a part of the board: {name}=1000, {name}=200k, {name}=80%",
            )
        found[name] = number, match["unit"]
    return found


def _refuse(text: str, help_: str) -> NoReturn:
    raise SpecError([Diagnostic("NASH462", text, help=help_)])
