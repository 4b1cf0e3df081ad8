"""`nashc fold`: from a spec to its best folding."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path

from nashc.cost.backends import Wanted
from nashc.cost.hardware import hardware
from nashc.cost.models import MODELS
from nashc.diagnostics import Diagnostic, SpecError
from nashc.driver.estimate import known_target
from nashc.driver.trained import ranges_of
from nashc.fold.ask import Folded, ask
from nashc.fold.hardware import Hardware
from nashc.fold.of_target import MODEL
from nashc.fold.wish import check, wish
from nashc.lower import lower
from nashc.schema import Spec, load
from nashc.vocab.boards import Board


def fold_spec(
    path: Path,
    overrides: Mapping[str, str],
    goal: str | None,
    fps: float | None,
    budget: str | None,
    board: Board | None,
    weights: Path | None,
    *,
    with_converters: bool = False,
    gap: float | None = None,
    go_on: Callable[[float, float], bool] = lambda *_: True,
) -> Folded:
    """The folding that a goal asks for. Without one the spec's fps is the aim, without a budget the spec's counts.

    gap: per cent of the best within which the answer must be proven to be. go_on: told the value and the bound while that
    takes its time; False ends it. Errors: those of the spec, NASH461 where nothing fits, NASH462 where the question makes no sense.
    """
    check(goal, fps, budget, gap)
    spec = load(path, overrides)
    return fold(
        spec,
        goal,
        fps,
        budget,
        board,
        weights,
        with_converters=with_converters,
        gap=gap,
        go_on=go_on,
    )


def fold(
    spec: Spec,
    goal: str | None = None,
    fps: float | None = None,
    budget: str | None = None,
    board: Board | None = None,
    weights: Path | None = None,
    *,
    with_converters: bool = False,
    gap: float | None = None,
    go_on: Callable[[float, float], bool] = lambda *_: True,
) -> Folded:
    """As `fold_spec`, of a spec that is loaded."""
    target = known_target(spec)
    if budget is None and target.folding:
        budget = target.folding.budget
    board = board or target.board
    wrong = board.wrong_clock(target.clock)
    if wrong:
        text, hint = wrong
        span = spec.spans.value(("target", "clock"))
        raise SpecError([Diagnostic("NASH105", text, span, help=hint)])
    asked = wish(board, goal, fps, budget, aim=target.fps, gap=gap)
    graph = lower(spec)
    known = ranges_of(weights, graph) if weights else None
    nodes = hardware(graph, board.part, known, Wanted.of(spec))
    widest = target.mvau_wwidth_max
    unit = Hardware(nodes, MODELS[MODEL], board.part, widest, with_converters)
    return ask(unit, asked, target.clock, go_on)


def folding_text(folded: Folded) -> str:
    """FINN's folding file as text."""
    return json.dumps(folded.file(), indent=2) + "\n"
