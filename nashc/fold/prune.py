"""Rows that another row beats in everything are removed: no best folding needs them."""

from __future__ import annotations

import numpy as np

from nashc.fold.tables import Bools, Floats, Ints, Problem

_FEW = 128
_AT_ONCE = 2_000_000
"""Pairs that are compared in one step; bounds the memory."""


def front(columns: Floats) -> Ints:
    """Numbers of the rows, ascending, that no other row beats or equals in all columns; of equals the first stays.

    columns: [rows, what is to be small]. Of up to three columns the work is that of sorting; of more it is up to rows times survivors.
    """
    if columns.shape[1] <= 2:
        return _of_two(columns)
    if len(columns) <= _FEW:
        return _by_pairs(columns)
    if columns.shape[1] == 3:
        return np.sort(_of_three(columns, np.lexsort(columns.T[::-1])))
    order = np.lexsort(columns.T[::-1])
    return np.sort(order[_of_many(_ranks(columns[order, 1:]), 0, len(order))])


def _ranks(columns: Floats) -> Ints:
    """[columns, rows], in the place of each number its rank, which is compared faster."""
    return np.stack([np.unique(column, return_inverse=True)[1] for column in columns.T]).astype(
        np.int16 if len(columns) < 1 << 15 else np.int32
    )


def _of_many(ranks: Ints, start: int, stop: int) -> Ints:
    """As `_of_three`, of the rows from start to stop. ranks: [columns but the first, rows], rows in the order of all columns."""
    if stop - start <= _FEW:
        own = np.arange(start, stop)
        stands_before = np.tri(len(own), k=-1, dtype=bool)
        return np.asarray(own[~_beaten(ranks[:, own], ranks[:, own], stands_before)])
    half = (start + stop) // 2
    earlier, later = _of_many(ranks, start, half), _of_many(ranks, half, stop)
    at_once = max(1, _AT_ONCE // len(earlier))
    parts = [later[first : first + at_once] for first in range(0, len(later), at_once)]
    kept = [part[~_beaten(ranks[:, part], ranks[:, earlier])] for part in parts]
    return np.concatenate([earlier, *kept])


def _beaten(ranks: Ints, by: Ints, counts: Bools | None = None) -> Bools:
    """[rows], of which others are no worse in any column. counts: [rows, others], the pairs that count; without it all do."""
    is_no_worse = np.ones((ranks.shape[1], by.shape[1]), bool) if counts is None else counts
    for own, other in zip(ranks, by, strict=True):
        is_no_worse &= other[None, :] <= own[:, None]
    return np.asarray(is_no_worse.any(axis=1))


def _by_pairs(columns: Floats) -> Ints:
    is_no_worse = np.ones((len(columns), len(columns)), bool)
    for column in columns.T:  # several times faster than all of them at once
        is_no_worse &= column[:, None] <= column[None]
    number = np.arange(len(columns))
    is_first = ~is_no_worse.T | (number[:, None] < number[None])
    return np.flatnonzero(~(is_no_worse & is_first).any(axis=0))


def _of_two(columns: Floats) -> Ints:
    """Of one column or two."""
    order = np.lexsort(columns.T[::-1])
    second = columns[order, -1]
    is_less = np.append(True, second[1:] < np.minimum.accumulate(second)[:-1])[: len(order)]
    return np.sort(order[is_less])


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
    known: dict[object, Ints] = {}  # many tables are alike
    for table, ports in zip(problem.tables, problem.ports, strict=True):
        columns = [table.use]
        if interval is None:
            columns.append(table.cycles[:, None])
        if latency_counts:
            columns.append(table.latency[:, None])
        rows = (
            np.arange(len(table)) if interval is None else np.flatnonzero(table.cycles <= interval)
        )
        whole = np.hstack(columns)
        key = (whole.tobytes(), rows.tobytes(), *(port.tobytes() for port in ports))
        if key not in known:
            known[key] = _front_by_port(whole, rows, ports)
        found.append(known[key])
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
