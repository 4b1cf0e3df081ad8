"""The best network within a hardware budget, found exactly: branch and bound over what each node may keep. Pure Python.

Each candidate of a node has a loss, 0 for what the node would keep without a budget; the network with the least sum of losses
that stays within the limits is sought. For each pace (support/search_costs.py) this is a knapsack with several limits and one
choice from every node, with a little coupling: nodes that read the same value share what it costs.

Bounds come from prices on the limited resources (Lagrangian duality): for any prices >= 0, the candidates' losses plus what
they cost at these prices, minus what the budget is worth, is at most the loss of any network within the budget.
nashc asks the same code at compile time whether anything fits, so that a search never ends without an answer.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from support.search_costs import FIGURES, Option, Part, SearchCosts, Vector, total

CYCLES = FIGURES.index("cycles")
MOST_VISITS = 400_000
"""A second or two: nashc asks at compile time whether anything fits at all, which takes far fewer."""
_TELL_EVERY = 50_000
_ROUNDS = 150
_EPSILON = 1e-9
"""Losses are sums of floats: what differs by less is equal."""


Tell = Callable[[int, int], None]


@dataclass(frozen=True)
class Candidate:
    """What a node may keep, and how much worse than its best that is, >= 0."""

    option: Option
    loss: float


@dataclass(frozen=True)
class Answer:
    """picks: for each node the index of its candidate. bound: no network within the limits has a lower loss than that."""

    picks: tuple[int, ...]
    loss: float
    bound: float

    @property
    def is_best(self) -> bool:
        """Proven: the bound is the loss itself."""
        return self.loss <= self.bound + _EPSILON


class Undecided(Exception):
    """The most that may be looked at were, none of them was within the limits, and what is left may hold one."""


def best_within(
    costs: SearchCosts,
    nodes: Sequence[Sequence[Candidate]],
    limits: Mapping[str, int],
    most_visits: int = MOST_VISITS,
    tell: Tell | None = None,
) -> Answer | None:
    """The candidates with the least loss whose network stays within limits, by figure; None if there are none.

    most_visits: partial networks that are looked at for a pace before the best one so far is taken.
    tell: is told from time to time how many were looked at, of how many at most. Errors: Undecided.
    """
    greedy = tuple(
        min(range(len(node)), key=lambda index, node=node: node[index].loss) for node in nodes
    )
    figures = costs.of_network(node[pick].option for node, pick in zip(nodes, greedy, strict=True))
    if is_within(figures, limits):
        return Answer(greedy, _loss(nodes, greedy), _loss(nodes, greedy))
    best: Answer | None = None
    left = math.inf
    for pace in range(len(costs.paces)):
        search = _AtPace(costs, nodes, limits, pace, best, most_visits, tell)
        best, left = search.run(), min(left, search.left)
    if best is None and left < math.inf:
        best = _any_within(costs, nodes, limits)
    return best and Answer(best.picks, best.loss, min(best.loss, left))


def _any_within(
    costs: SearchCosts, nodes: Sequence[Sequence[Candidate]], limits: Mapping[str, int]
) -> Answer | None:
    """Whether nashc found one at compile time, when nothing had a loss yet: that one will do. Errors: Undecided."""
    free = [[Candidate(candidate.option, 0.0) for candidate in node] for node in nodes]
    if free == [list(node) for node in nodes]:
        raise Undecided
    found = best_within(costs, free, limits)
    return found and Answer(found.picks, _loss(nodes, found.picks), -math.inf)


def nearest(
    costs: SearchCosts, nodes: Sequence[Sequence[Candidate]], limits: Mapping[str, int]
) -> Answer | None:
    """As `nearest_by`, among what the nodes may keep."""
    free = [[Candidate(candidate.option, 0.0) for candidate in node] for node in nodes]

    def figures_of(picks: Sequence[int]) -> Mapping[str, int]:
        return costs.of_network(node[pick].option for node, pick in zip(free, picks, strict=True))

    return nearest_by(lambda most: best_within(costs, free, most), figures_of, limits)


def nearest_by(
    best: Callable[[Mapping[str, int]], Answer | None],
    figures_of: Callable[[Sequence[int]], Mapping[str, int]],
    limits: Mapping[str, int],
) -> Answer | None:
    """Where nothing is within limits: the network for which the resources' limits must grow by the smallest factor.

    None if none keeps the limit of the cycles. best: any network within limits. figures_of: of the network with these picks.
    """
    cycles = {name: limit for name, limit in limits.items() if name == "cycles"}

    def excess(answer: Answer) -> float:
        figures = figures_of(answer.picks)
        return max(
            figures[name] / max(limit, 1) for name, limit in limits.items() if name not in cycles
        )

    found = best(cycles)
    low, high = 1.0, excess(found) if found and len(cycles) < len(limits) else 0.0
    while found and high - low > 1e-4 * high:
        middle = (low + high) / 2
        wider = {
            name: limit if name in cycles else int(limit * middle) for name, limit in limits.items()
        }
        try:
            smaller = best(wider)
        except Undecided:
            smaller = None
        if smaller:
            found, high = smaller, min(middle, excess(smaller))
        else:
            low = middle
    return found


def is_within(figures: Mapping[str, int], limits: Mapping[str, int]) -> bool:
    return all(figures[name] <= limit for name, limit in limits.items())


def _loss(nodes: Sequence[Sequence[Candidate]], picks: Sequence[int]) -> float:
    return sum(node[pick].loss for node, pick in zip(nodes, picks, strict=True))


@dataclass
class _Row:
    """A candidate at one pace, limited resources only.

    first: what its value costs if nobody else reads it. share: the part of that which the bounds put to its node's account.
    """

    index: int
    option: Option
    loss: float
    cost: Vector
    first: Vector
    share: float
    needs: bool

    @property
    def shared(self) -> list[float]:
        return [own + self.share * more for own, more in zip(self.cost, self.first, strict=True)]


@dataclass(frozen=True)
class _Reading:
    """One more reader of a value: how many there are then, what that costs more, and whether it needs this pace."""

    after: tuple[int, int]
    change: Vector
    needs: bool


@dataclass(frozen=True)
class _Bounding:
    """A row at the prices that were found: worth of its cost, of its cost with its share of the value, of that share."""

    row: _Row
    priced: float
    shared: float
    of_value: float


@dataclass
class _State:
    """A partial network: its first nodes have chosen.

    counted: of each value, the worth of the shares that are put to the account of these nodes.
    """

    picks: list[int] = field(default_factory=list)
    readers: dict[str, tuple[int, int]] = field(default_factory=dict)
    counted: dict[str, float] = field(default_factory=dict)


class _AtPace:
    """The search among the networks that are folded for one pace."""

    def __init__(
        self,
        costs: SearchCosts,
        nodes: Sequence[Sequence[Candidate]],
        limits: Mapping[str, int],
        pace: int,
        best: Answer | None,
        most_visits: int,
        tell: Tell | None,
    ) -> None:
        self.costs, self.nodes, self.pace, self.best = costs, nodes, pace, best
        self.slowest = costs.paces[pace]
        self.faster = costs.paces[pace - 1] if pace else -1
        self.given = limits
        self.limited = [index for index, name in enumerate(FIGURES) if name in limits]
        self.limited = [index for index in self.limited if index != CYCLES]
        self.limits = [limits[FIGURES[index]] for index in self.limited]
        self.most_visits, self.tell = most_visits, tell
        self.most_cycles = limits.get("cycles")
        # Of each value, how many nodes may read it.
        read = [{candidate.option.reads for candidate in node} for node in nodes]
        self.readers = Counter(name for names in read for name in names)
        # Of each node, the values that it is the last one to read; sorted, since floats are added in this order.
        last = {name: index for index, names in enumerate(read) for name in names}
        self.last_read = [
            sorted(name for name, place in last.items() if place == index)
            for index in range(len(nodes))
        ]
        # The lowest bound of what was not looked at any more; without end if all was.
        self.left = math.inf
        self._visits = self._told = 0
        self._readings: dict[tuple[str, tuple[int, int], bool], _Reading | None] = {}
        self._worths: dict[tuple[str, tuple[int, int]], float] = {}

    def run(self) -> Answer | None:
        """The best of this pace, or `best` if that is better."""
        unread = [self.costs.value(name, 0, 0) for name in self.costs.values]
        if not all(map(self._is_allowed, (self.costs.fixed, *unread))):
            return self.best
        self.rows = [list(self._rows(node)) for node in self.nodes]
        if not all(self.rows):
            return self.best
        base = total([part.cost[self.pace] for part in (self.costs.fixed, *unread)])
        self.base = tuple(base[index] for index in self.limited)
        # Whether a part that needs this pace may still come: without one, FINN folds for a faster pace.
        self.may_need = [False] * (len(self.rows) + 1)
        for node in reversed(range(len(self.rows))):
            here = any(row.needs for row in self.rows[node])
            self.may_need[node] = self.may_need[node + 1] or here
        self.values_may_need = any(
            part.slowest > self.faster
            for rows in self.costs.values.values()
            for row in rows
            for part in row
        )
        self.worst = sum(max(row.loss for row in rows) for rows in self.rows)
        self._raise_bound()
        self._sum_up()
        self.bounding = [sorted(map(self._bounding, rows), key=_promise) for rows in self.rows]
        values = self.costs.values
        state = _State([], dict.fromkeys(values, (0, 0)), dict.fromkeys(values, 0.0))
        needs = self._needs(self.costs.fixed)
        self._descend(state, 0.0, self.base, self._worth(self.base), needs)
        return self.best

    # ---- what may be chosen ----------------------------------------------------------------------

    def _is_allowed(self, part: Part) -> bool:
        cycles = part.cost[self.pace][CYCLES]
        return part.slowest <= self.slowest and (
            self.most_cycles is None or cycles <= self.most_cycles
        )

    def _needs(self, part: Part) -> bool:
        return part.slowest > self.faster

    def _rows(self, node: Sequence[Candidate]) -> Iterator[_Row]:
        """The candidates of a node that are worth a look: none that another one beats in everything."""
        found: list[_Row] = []
        for index, candidate in enumerate(node):
            option = candidate.option
            if not self._is_allowed(option.part):
                continue
            cost = self._limited(option.part)
            first = self._limited(self.costs.value(option.reads, *_one(option)))
            unread = self._limited(self.costs.value(option.reads, 0, 0))
            more = tuple(after - before for after, before in zip(first, unread, strict=True))
            share = 1 / self.readers[option.reads]
            needs = self._needs(option.part)
            found.append(_Row(index, option, candidate.loss, cost, more, share, needs))
        for row in found:
            if not any(self._beats(other, row) for other in found if other is not row):
                yield row

    def _beats(self, a: _Row, b: _Row) -> bool:
        if (a.option.reads, a.option.is_wide) != (b.option.reads, b.option.is_wide):
            return False
        if a.needs != b.needs:
            return False
        first, second = (a.loss, *a.cost), (b.loss, *b.cost)
        is_no_worse = all(x <= y for x, y in zip(first, second, strict=True))
        return is_no_worse and (first != second or a.index < b.index)

    def _limited(self, part: Part) -> Vector:
        cost = part.cost[self.pace]
        return tuple(cost[index] for index in self.limited)

    # ---- bounds ------------------------------------------------------------------------------------

    def _worth(self, use: Sequence[float]) -> float:
        return sum(price * used for price, used in zip(self.price, use, strict=True))

    def _raise_bound(self) -> None:
        """Prices of the limited resources, and shares of the values, that make the bound high.

        Subgradient steps after Polyak; a value's shares move to the nodes that would read it. Any prices >= 0 and shares that
        sum to 1 give a bound, so rounding or stopping early does no harm. On the way networks come up that may be good.
        """
        size = [max(1, limit) for limit in self.limits]
        self.price = [0.0] * len(size)
        best, highest = (self.price, self._shares()), float("-inf")
        step_size = 1.0
        for _ in range(_ROUNDS):
            chosen = [
                min(rows, key=lambda row: row.loss + self._worth(row.shared)) for rows in self.rows
            ]
            self._try([row.index for row in chosen])
            columns = zip(self.base, *(row.shared for row in chosen), strict=True)
            over = [sum(use) - limit for use, limit in zip(columns, self.limits, strict=True)]
            bound = sum(row.loss for row in chosen) + self._worth(over)
            if bound > highest + _EPSILON:
                best, highest = (self.price, self._shares()), bound
            else:
                step_size *= 0.95
            goal = self.best.loss if self.best else self.worst + 1.0
            slope = [excess / unit for excess, unit in zip(over, size, strict=True)]
            length = sum(part * part for part in slope)
            if length == 0 or bound > goal + _EPSILON:
                break
            step = step_size * max(goal - bound, _EPSILON) / length
            self.price = [
                max(0.0, price + step * part / unit)
                for price, part, unit in zip(self.price, slope, size, strict=True)
            ]
            self._move_shares(chosen, step_size)
        self.price, shares = best
        for rows, of_node in zip(self.rows, shares, strict=True):
            for row in rows:
                row.share = of_node[row.option.reads]

    def _shares(self) -> list[dict[str, float]]:
        """For each node its share of each value that it may read."""
        return [{row.option.reads: row.share for row in rows} for rows in self.rows]

    def _move_shares(self, chosen: Sequence[_Row], by: float) -> None:
        """More of a value to the account of the nodes that chose it."""
        shares = self._shares()
        for of_node, row in zip(shares, chosen, strict=True):
            of_node[row.option.reads] += 0.3 * by
        sums: dict[str, float] = {}
        for of_node in shares:
            for name, share in of_node.items():
                sums[name] = sums.get(name, 0.0) + share
        for rows, of_node in zip(self.rows, shares, strict=True):
            for row in rows:
                row.share = of_node[row.option.reads] / sums[row.option.reads]

    def _try(self, picks: list[int]) -> None:
        """Take a network if it is the best so far, after changing node by node what makes it better."""
        if not self._take(picks):
            return
        for node, candidates in enumerate(self.nodes):
            for index, candidate in enumerate(candidates):
                if candidate.loss < candidates[picks[node]].loss:
                    changed = [*picks[:node], index, *picks[node + 1 :]]
                    if self._take(changed):
                        picks = changed

    def _take(self, picks: Sequence[int]) -> bool:
        loss = _loss(self.nodes, picks)
        if not self._is_better(loss):
            return False
        pairs = zip(self.nodes, picks, strict=True)
        figures = self.costs.of_network(node[pick].option for node, pick in pairs)
        if not is_within(figures, self.given):
            return False
        self.best = Answer(tuple(picks), loss, -math.inf)
        return True

    def _sum_up(self) -> None:
        """For the nodes from each one on: the least use of each resource, the least loss, and that at these prices."""
        count = len(self.rows)
        self.least_use: list[Vector] = [tuple(0 for _ in self.limits)] * (count + 1)
        self.least_loss, self.least_priced, self.least_shared = (
            [0.0] * (count + 1) for _ in range(3)
        )
        for node in reversed(range(count)):
            rows = self.rows[node]
            least = (min(column) for column in zip(*(row.cost for row in rows), strict=True))
            self.least_use[node] = tuple(
                map(sum, zip(self.least_use[node + 1], least, strict=True))
            )
            priced = min(row.loss + self._worth(row.cost) for row in rows)
            shared = min(row.loss + self._worth(row.shared) for row in rows)
            self.least_loss[node] = self.least_loss[node + 1] + min(row.loss for row in rows)
            self.least_priced[node] = self.least_priced[node + 1] + priced
            self.least_shared[node] = self.least_shared[node + 1] + shared
        self.worth = self._worth(self.limits)

    # ---- the search --------------------------------------------------------------------------------

    def _descend(
        self, state: _State, loss: float, use: Sequence[int], shared: float, needs: bool
    ) -> None:
        """use: of the resources so far. shared: its worth, with shares of the values that later nodes may read. needs: this pace."""
        node = len(state.picks)
        if node == len(self.rows):
            if needs or self.pace == 0:
                self.best = Answer(tuple(state.picks), loss, -math.inf)
            return
        if not (needs or self.pace == 0 or self.may_need[node] or self.values_may_need):
            return
        least_use, least_loss = self.least_use[node + 1], self.least_loss[node + 1]
        least_priced = self.least_priced[node + 1] - self.worth
        least_shared = self.least_shared[node + 1] - self.worth
        for it in self.bounding[node]:
            row = it.row
            self._visits += 1
            name = row.option.reads
            before = state.readers[name]
            reading = self._reading(name, before, row.option.is_wide)
            if reading is None:
                continue
            used = [
                total + own + more
                for total, own, more in zip(use, row.cost, reading.change, strict=True)
            ]
            if any(
                now + rest > limit
                for now, rest, limit in zip(used, least_use, self.limits, strict=True)
            ):
                continue
            counted = state.counted[name]
            state.readers[name], state.counted[name] = reading.after, counted + it.of_value
            with_shares = shared + it.shared + self._closed(node, state)
            bound = max(least_loss, self._worth(used) + least_priced, with_shares + least_shared)
            if self._is_better(loss + row.loss + bound):
                if self._visits > self.most_visits:
                    self.left = min(self.left, loss + row.loss + bound)
                else:
                    if self.tell and self._visits >= self._told + _TELL_EVERY:
                        self._told = self._visits
                        most = len(self.costs.paces) * self.most_visits
                        self.tell(self.pace * self.most_visits + self._visits, most)
                    state.picks.append(row.index)
                    needs_now = needs or row.needs or reading.needs
                    self._descend(state, loss + row.loss, used, with_shares, needs_now)
                    state.picks.pop()
            state.readers[name], state.counted[name] = before, counted

    def _reading(self, name: str, before: tuple[int, int], is_wide: bool) -> _Reading | None:
        """None if a frame takes too long with that."""
        key = (name, before, is_wide)
        if key not in self._readings:
            after = (before[0] + (not is_wide), before[1] + is_wide)
            value = self.costs.value(name, *after)
            pair = zip(
                self._limited(value), self._limited(self.costs.value(name, *before)), strict=True
            )
            change = tuple(new - old for new, old in pair)
            reading = _Reading(after, change, self._needs(value))
            self._readings[key] = reading if self._is_allowed(value) else None
        return self._readings[key]

    def _closed(self, node: int, state: _State) -> float:
        """What values cost beyond the shares of them, of those that no node after this one may read."""
        return sum(
            self._of_value(name, state.readers[name]) - state.counted[name]
            for name in self.last_read[node]
        )

    def _of_value(self, name: str, readers: tuple[int, int]) -> float:
        """The worth of what these readers add to its cost."""
        key = (name, readers)
        if key not in self._worths:
            unread = self._limited(self.costs.value(name, 0, 0))
            pair = zip(self._limited(self.costs.value(name, *readers)), unread, strict=True)
            self._worths[key] = self._worth([new - old for new, old in pair])
        return self._worths[key]

    def _bounding(self, row: _Row) -> _Bounding:
        priced, shared = self._worth(row.cost), self._worth(row.shared)
        return _Bounding(row, priced, shared, shared - priced)

    def _is_better(self, loss: float) -> bool:
        """Whether a network of at least this loss could be worth having."""
        if self.best is None:
            return loss <= self.worst + _EPSILON
        return loss < self.best.loss - _EPSILON


def _promise(it: _Bounding) -> tuple[float, int]:
    """By which the candidates of a node are tried, the smallest first."""
    return it.row.loss + it.shared, it.row.index


def _one(option: Option) -> tuple[int, int]:
    return (0, 1) if option.is_wide else (1, 0)
