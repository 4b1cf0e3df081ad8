"""Most questions need no search: prices on resources give a choice that fits, or prove that none does.

With prices p >= 0 every choice costs at least the sum of each layer's cheapest row. If that sum exceeds what
the whole budget is worth at these prices, nothing fits: the prices are a certificate that a reader can check by
adding up (Lagrangian duality). If the cheapest rows happen to fit, they are the answer.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nashc.fold.tables import Floats, Ints, Problem

_ROUNDS = 80
_STEP = 4.0  # of the exponents of the prices; halved prices of slack resources matter more than its value


@dataclass(frozen=True, eq=False)
class Prices:
    """A proof that no choice fits: `least` (every layer's cheapest row at these prices) exceeds `worth`.

    price: [resources], per unit. worth: of the whole budget at these prices.
    """

    price: Floats
    least: float
    worth: float


class Rounded:
    """All rows of all tables as one array, for many price vectors in a row.

    rows: as `rows_worth_having` gives them.
    """

    def __init__(self, problem: Problem, rows: list[Ints]) -> None:
        longest = max(len(found) for found in rows)
        self._use = np.full((len(rows), longest, len(problem.resources)), np.inf)
        self._row = np.zeros((len(rows), longest), dtype=np.int64)
        for number, (table, found) in enumerate(zip(problem.tables, rows, strict=True)):
            self._use[number, : len(found)] = table.use[found]
            self._row[number, : len(found)] = found
        self._links = sum(
            (link.cost.min(axis=(0, 1)) for link in problem.links),
            np.zeros(len(problem.resources)),
        )

    def cheapest(self, price: Floats) -> tuple[Ints, float]:
        """Each table's cheapest row, and what they cost together with the cheapest links."""
        with np.errstate(invalid="ignore"):
            cost = np.where(price > 0, self._use * price, 0.0).sum(axis=2)
        cost[np.isinf(self._use[:, :, 0])] = np.inf
        best = cost.argmin(axis=1)
        layers = np.arange(len(best))
        return self._row[layers, best], float(cost[layers, best].sum() + self._links @ price)


def fit(problem: Problem, rows: list[Ints], budget: Floats) -> Ints | Prices | None:
    """A choice within the budget, a proof that there is none, or None: a search must decide.

    budget: [resources], inf where free. All rows lists must be filled.
    """
    bounded = np.isfinite(budget)
    if not bounded.any():
        return Rounded(problem, rows).cheapest(np.ones(len(budget)))[0]
    tables = Rounded(problem, rows)
    size = np.where(bounded, np.maximum(budget, 1.0), 1.0)
    for resource in np.flatnonzero(bounded):
        price = np.zeros(len(budget))
        price[resource] = 1.0
        least = tables.cheapest(price)[1]
        if least > budget[resource]:
            return Prices(price, least, float(budget[resource]))
    log_price = np.zeros(len(budget))
    for round_ in range(_ROUNDS):
        price = np.where(bounded, np.exp(log_price - log_price[bounded].max()), 0.0) / size
        choice, least = tables.cheapest(price)
        used = problem.total(choice)
        if (used <= budget).all():
            return choice
        worth = float(price[bounded] @ budget[bounded])
        if least > worth * (1 + 1e-9):
            return Prices(price, least, worth)
        over = np.where(bounded, (used - np.where(bounded, budget, 0)) / size, 0.0)
        log_price += _STEP / np.sqrt(round_ + 1) * np.clip(over, -1.0, 1.0)
    return None
