"""A proof on demand: where a quick answer leaves something open, HiGHS goes on until nothing is better by more than is asked.

Rows that add more to the relaxed value than the answer is above it are part of nothing better (reduced-cost fixing); HiGHS
searches the others. It is highspy that runs here: scipy's HiGHS can neither be watched nor be told to end.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from nashc.fold.highs import System, bounded, quiet, solver, unit
from nashc.fold.programme import Found, Programme
from nashc.fold.tables import Floats

NOTHING = 1e-7
"""A share that is none: HiGHS reckons no closer."""


@dataclass(frozen=True)
class Further:
    """A proof that goes on until nothing is better by more than the share `gap`.

    go_on: told the value and the bound now and then; False ends the search.
    """

    gap: float
    go_on: Callable[[float, float], bool]


def prove(programme: Programme, objective: Floats, best: Found, further: Further) -> Found:
    """A choice that is as good as `best`, which keeps to the constraints, or better, with the bound that is proven.

    objective: [variables].
    """
    relaxed = programme.relaxed(objective)
    assert relaxed is not None, "the known choice keeps to the constraints"
    slack = NOTHING * max(1.0, abs(best.value))
    kept = programme.system.only(relaxed.adds <= best.value - relaxed.value + slack)
    variables, bound = _Search(objective, best, further).run(kept, best.value + slack)
    if variables is not None and objective @ variables < best.value - slack:
        choice = programme.choice(variables)
        best = Found(choice, float(objective @ variables), best.bound)
    return replace(best, bound=min(best.value, max(best.bound, bound)))


class _Search:
    """HiGHS with one thread, so that what it ends with is the same on every machine."""

    def __init__(self, objective: Floats, best: Found, further: Further) -> None:
        self._objective, self._best, self._further = objective, best, further
        self._scale = unit(objective)

    def run(self, system: System, most: float) -> tuple[Floats | None, float]:
        """The best variables that were found, if any, and the bound. most: what is above this is of no interest."""
        import highspy

        variables = np.flatnonzero(system.most > 0)  # the others are 0
        with quiet():
            highs = solver(self._model(system, variables, most), mip_rel_gap=self._further.gap)
            highs.cbMipInterrupt += self._look
            highs.run()
        info = highs.getInfo()
        if highs.getModelStatus() == highspy.HighsModelStatus.kInfeasible:
            return None, np.inf
        bound = float(info.mip_dual_bound) * self._scale
        if info.primal_solution_status != highspy.SolutionStatus.kSolutionStatusFeasible:
            return None, bound
        found = np.zeros(len(self._objective))
        found[variables] = highs.getSolution().col_value
        return found, bound

    def _model(self, system: System, variables: Any, most: float) -> Any:
        """The programme as highspy takes it, with a constraint more: nothing is above `most`."""
        import highspy
        from scipy.sparse import csc_array, vstack

        value = self._objective / self._scale
        matrix = csc_array(vstack([system.matrix, value[None]]))[:, variables]
        model = bounded(
            value[variables],
            (system.least[variables], system.most[variables]),
            (np.append(system.low, -np.inf), np.append(system.high, most / self._scale)),
        )
        model.a_matrix_.format_ = highspy.MatrixFormat.kColwise
        model.a_matrix_.start_ = matrix.indptr
        model.a_matrix_.index_ = matrix.indices
        model.a_matrix_.value_ = matrix.data
        whole, some = highspy.HighsVarType.kInteger, highspy.HighsVarType.kContinuous
        model.integrality_ = [whole if number < system.whole else some for number in variables]
        return model

    def _look(self, event: Any) -> None:
        """Called by HiGHS between its steps."""
        data = event.data_out
        value = min(self._best.value, data.mip_primal_bound * self._scale)
        bound = min(value, max(self._best.bound, data.mip_dual_bound * self._scale))
        is_near = value - bound <= self._further.gap * max(value, 1.0)
        event.data_in.user_interrupt = is_near or not self._further.go_on(value, bound)
