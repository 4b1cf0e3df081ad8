"""A mixed-integer programme as HiGHS takes it: relaxed, or whole; through scipy, which takes a quarter of a second to load, or without."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from nashc.fold.tables import Bools, Floats, Ints


class Undecided(Exception):
    """The search ended before it found a choice or proved that there is none."""


@dataclass(frozen=True, eq=False)
class Relaxed:
    """The least value where variables need not be whole numbers, and the variables there.

    adds: by whole variable, what one more of it adds to the value at least. worth: by constraint, of a unit of it; 0 for an equation.
    """

    value: float
    variables: Floats
    adds: Floats
    worth: Floats


@dataclass(frozen=True, eq=False)
class Searched:
    """The best that a search found, None and inf where it found nothing yet, and the bound that it proved."""

    variables: Floats | None
    value: float
    bound: float


@dataclass(frozen=True, eq=False)
class System:
    """low <= matrix @ variables <= high, least <= variables <= most; the first `whole` variables are whole numbers.

    entries: of the matrix: rows, columns and values, one row after the other.
    """

    entries: tuple[Ints, Ints, Floats]
    low: Floats
    high: Floats
    least: Floats
    most: Floats
    whole: int

    def only(self, kept: Bools) -> System:
        """Without the whole variables that are not kept: they are 0."""
        most = self.most.copy()
        most[: self.whole][~kept] = 0.0
        return replace(self, most=most)

    @cached_property
    def matrix(self) -> Any:
        """[constraints, variables], as scipy has it."""
        from scipy.sparse import coo_array

        row, column, value = self.entries
        shape = (len(self.low), len(self.most))
        return coo_array((value, (row, column)), shape=shape).tocsr()

    def relaxed(self, objective: Floats) -> Relaxed | None:
        """None: nothing keeps to the constraints. The value is -inf, and all else 0, where HiGHS had no answer."""
        from scipy.optimize import linprog
        from scipy.sparse import vstack

        scale = unit(objective)
        is_equal = self.low == self.high
        most, least = np.isfinite(self.high) & ~is_equal, np.isfinite(self.low) & ~is_equal
        with quiet():
            result = linprog(
                objective / scale,
                A_ub=vstack([self.matrix[most], -self.matrix[least]]),
                b_ub=np.concatenate([self.high[most], -self.low[least]]),
                A_eq=self.matrix[is_equal],
                b_eq=self.low[is_equal],
                bounds=np.stack([self.least, self.most], axis=1),
                method="highs-ds",
            )
        if result.status == 2:
            return None
        worth = np.zeros(len(self.low))
        if result.status != 0:
            return Relaxed(-np.inf, np.zeros(len(objective)), np.zeros(self.whole), worth)
        worth[most] -= result.ineqlin.marginals[: most.sum()] * scale
        worth[least] -= result.ineqlin.marginals[most.sum() :] * scale
        adds = result.lower.marginals[: self.whole] * scale
        return Relaxed(float(result.fun) * scale, result.x, adds, worth)

    def relaxed_alone(self, objective: Floats) -> Relaxed | None:
        """As `relaxed`, without scipy, for where nothing else needs it.

        Where several answers are best, it is another: near.py, which begins from it, leaves 1.3 % of ResNet18 v3 on a U50
        open and not 0.76 %.
        """
        import highspy

        scale = unit(objective)
        with quiet():
            highs = solver(self._linear(objective / scale), solver="simplex")
            highs.run()
        status = highs.getModelStatus()
        if status == highspy.HighsModelStatus.kInfeasible:
            return None
        if status != highspy.HighsModelStatus.kOptimal:
            nothing = np.zeros(self.whole), np.zeros(len(self.low))
            return Relaxed(-np.inf, np.zeros(len(objective)), *nothing)
        found = highs.getSolution()
        worth = np.abs(np.array(found.row_dual)) * scale
        worth[self.low == self.high] = 0.0
        adds = np.maximum(np.array(found.col_dual)[: self.whole], 0.0) * scale
        value = float(highs.getInfo().objective_function_value) * scale
        return Relaxed(value, np.array(found.col_value), adds, worth)

    def _linear(self, objective: Floats) -> Any:
        """The programme as highspy takes it, without what must be whole."""
        import highspy

        row, column, value = self.entries
        model = bounded(objective, (self.least, self.most), (self.low, self.high))
        model.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
        model.a_matrix_.start_ = np.searchsorted(row, np.arange(len(self.low) + 1))
        model.a_matrix_.index_, model.a_matrix_.value_ = column, value
        return model

    def search(self, objective: Floats, effort: int, gap: float) -> Searched | None:
        """The least value in whole numbers, or what is known of it after `effort` nodes; None: there is none.

        gap: the search may end when it knows that nothing is better by more than this share.
        """
        from scipy.optimize import Bounds, LinearConstraint, milp

        scale = unit(objective)
        with quiet():
            result = milp(
                objective / scale,
                integrality=(np.arange(len(self.most)) < self.whole).astype(int),
                bounds=Bounds(self.least, self.most),
                constraints=LinearConstraint(self.matrix, self.low, self.high),
                options={"mip_rel_gap": gap, "node_limit": effort},
            )
        # 2 is "infeasible"; scipy has no name for the end of a search by its number of nodes.
        if result.x is None and result.status == 2:
            return None
        assert result.x is not None or result.status in (1, 4), result.message
        bound = -np.inf if result.mip_dual_bound is None else float(result.mip_dual_bound) * scale
        if result.x is None:
            return Searched(None, np.inf, bound)
        return Searched(result.x, float(result.fun) * scale, bound)


def bounded(
    objective: Floats, variables: tuple[Floats, Floats], constraints: tuple[Floats, Floats]
) -> Any:
    """A programme of highspy's without its matrix. variables, constraints: the least and the most of each."""
    import highspy

    endless = highspy.kHighsInf
    model = highspy.HighsLp()
    model.num_row_, model.num_col_ = len(constraints[0]), len(objective)
    model.col_cost_ = objective
    model.col_lower_, model.col_upper_ = variables[0], np.minimum(variables[1], endless)
    model.row_lower_ = np.maximum(constraints[0], -endless)
    model.row_upper_ = np.minimum(constraints[1], endless)
    return model


def solver(model: Any, **options: Any) -> Any:
    """highspy's HiGHS with a programme, silent and with one thread, so that its answer is the same on every machine."""
    import highspy

    highs = highspy.Highs()
    for name, value in {"output_flag": False, "threads": 1, **options}.items():
        highs.setOptionValue(name, value)
    highs.passModel(model)
    return highs


def unit(objective: Floats) -> float:
    """The smallest that anything adds to a value: HiGHS takes a choice for the best that is no more than 1e-6 above its bound."""
    some = np.abs(objective[objective != 0])
    return float(some.min()) if len(some) else 1.0


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """HiGHS writes a line to file descriptor 1 now and then, whatever it is told (scipy 1.17, highspy 1.16)."""
    sys.stdout.flush()
    kept = os.dup(1)
    try:
        with open(os.devnull, "wb") as nowhere:  # noqa: PTH123
            os.dup2(nowhere.fileno(), 1)
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)
