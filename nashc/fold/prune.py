"""Rows that another row beats in everything are removed: no best folding needs them."""

from __future__ import annotations

import numpy as np

from nashc.fold.tables import Floats, Ints, Problem

_FEW = 64


def front(columns: Floats) -> Ints:
    """Numbers of the rows, ascending, that no other row beats or equals in all columns; of equals the first stays.

    columns: [rows, what is to be small]. Of up to three columns the work is that of sorting; of more it is rows times survivors.
    """
    if len(columns) <= _FEW:
        return _by_pairs(columns)
    if columns.shape[1] <= 3:
        three = np.pad(columns, ((0, 0), (0, 3 - columns.shape[1])))
        return np.sort(_of_three(three, np.lexsort(three.T[::-1])))
    order = np.lexsort((np.arange(len(columns)), columns.sum(axis=1)))
    kept: list[int] = []
    while len(order):
        best = order[0]  # nothing left has a smaller sum, so that nothing left beats it
        kept.append(int(best))
        order = order[(columns[order] < columns[best]).any(axis=1)]
    return np.array(sorted(kept), dtype=np.int64)


def _by_pairs(columns: Floats) -> Ints:
    is_no_worse = (columns[:, None] <= columns[None]).all(axis=2)
    number = np.arange(len(columns))
    is_first = ~is_no_worse.T | (number[:, None] < number[None])
    return np.flatnonzero(~(is_no_worse & is_first).any(axis=0))


def _of_three(columns: Floats, order: Ints) -> Ints:
    """Halves apart, and then what is left of the later half against the earlier one. order: by the first column, then the others."""
    if len(order) <= _FEW:
        return np.asarray(order[_by_pairs(columns[order])])
    half = len(order) // 2
    earlier, later = _of_three(columns, order[:half]), _of_three(columns, order[half:])
    by_second = earlier[np.argsort(columns[earlier, 1], kind="stable")]
    least_third = np.minimum.accumulate(columns[by_second, 2])
    at = np.searchsorted(columns[by_second, 1], columns[later, 1], side="right") - 1
    is_beaten = (at >= 0) & (least_third[at] <= columns[later, 2])
    return np.concatenate([earlier, later[~is_beaten]])


def rows_worth_having(
    problem: Problem, interval: float | None, *, latency_counts: bool
) -> list[Ints]:
    """For each table the rows of its front, compared only within equal stream widths of its links.

    interval: rows that take longer are left out, and cycles count no further. None: cycles are compared too.
    A table may end up empty when the interval is shorter than all of its rows.
    """
    found = []
    for table, ports in zip(problem.tables, problem.ports, strict=True):
        columns = [table.use]
        if interval is None:
            columns.append(table.cycles[:, None])
        if latency_counts:
            columns.append(table.latency[:, None])
        rows = (
            np.arange(len(table)) if interval is None else np.flatnonzero(table.cycles <= interval)
        )
        found.append(_front_by_port(np.hstack(columns), rows, ports))
    return found


def _front_by_port(columns: Floats, rows: Ints, ports: tuple[Ints, ...]) -> Ints:
    if not ports or not len(rows):
        return np.asarray(rows[front(columns[rows])], dtype=np.int64)
    _, classes = np.unique(np.stack([port[rows] for port in ports]), axis=1, return_inverse=True)
    kept = []
    for port in range(int(classes.max()) + 1):
        members = rows[classes.ravel() == port]
        kept.append(members[front(columns[members])])
    return np.asarray(np.sort(np.concatenate(kept)), dtype=np.int64)
