"""FINN's own folding for a target: SetFolding of FINN+ 1.6.1, in the two passes that our build program makes.

Source: transformation/fpgadataflow/set_folding.py; templates/support/finn/folding.py, fold.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from functools import cache

import numpy as np

from nashc.cost.fold import Bools, Folding, Foldings, Ints, divisors, limit, one, unfolded
from nashc.cost.nodes import HwNode
from nashc.cost.streams import WIDEST_STREAM, narrow
from nashc.cost.windows import mend

# The part of a cost model that folding needs.
Cycles = Callable[[HwNode, Foldings], Ints]


@dataclass(frozen=True)
class Rules:
    """In what FINN's versions differ. is_strict: a node must need less than the target, not just no more.

    widest_stream: bits of weights that an MVAU_hls may read in a cycle. pools_speed_windows: a pool unfolds further if
    the window before it is too slow. has_parallel_windows: a window that is too slow with all channels takes all pixels.
    is_mended: our build changes what FINN could not write.
    """

    is_strict: bool = False
    widest_stream: int | None = WIDEST_STREAM
    pools_speed_windows: bool = True
    has_parallel_windows: bool = True
    is_mended: bool = True


FINN_PLUS = Rules()


class Counts:
    """The cycles of nodes in many foldings, each counted once: they are the same whatever the target."""

    def __init__(self, cycles: Cycles) -> None:
        self._cycles = cycles
        self._known: dict[Hashable, Ints] = {}

    def over(self, node: HwNode, start: Folding, setting: str, values: tuple[int, ...]) -> Ints:
        """With each value of one setting. values: all that come from the node, or the last of these."""
        key = (node.signature, start, setting, len(values))
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = self._cycles(node, vary(start, setting, values))
        return found

    def of(self, node: HwNode, folding: Folding) -> int:
        return int(self._cycles(node, one(folding))[0])


@dataclass(frozen=True)
class _Folder:
    """pace: the cycles that a node may take, None for nodes as FINN makes them."""

    counts: Counts
    pace: int | None
    weight_width_max: int
    rules: Rules

    def single(self, node: HwNode) -> Folding:
        """Of any node but a pool; the window before a pool is folded with it."""
        chosen = self.alone(node)
        return mend(node, self.narrowed(node, chosen)) if self.rules.is_mended else chosen

    def pair(self, pool: HwNode, window: HwNode) -> tuple[Folding, Folding]:
        """The pool and the sliding window before it, which work alike."""
        of_pool, of_window = self.pool(pool, window)
        if not self.rules.is_mended:
            return of_pool, of_window
        of_pool = self.narrowed(pool, of_pool)
        of_window = mend(window, of_window._replace(simd=of_pool.pe))
        return of_pool._replace(pe=of_window.simd), of_window

    def narrowed(self, node: HwNode, folding: Folding) -> Folding:
        return narrow(node, folding, self.weight_width_max)

    def alone(self, node: HwNode) -> Folding:
        """What FINN makes of it."""
        if self.pace is None:
            return unfolded(node)
        match node.kind:
            case "MVAU":
                return self.mvau(node)
            case "ConvolutionInputGenerator":
                return unfolded(node) if node["depthwise"] else self.window(node)
            case "FMPadding" | "DownSampler":
                return self.first(node, "simd")
            case _:
                return self.first(node, "pe")

    def is_met(self, node: HwNode, start: Folding, setting: str, values: tuple[int, ...]) -> Bools:
        """Whether the target is, with each value of a setting."""
        assert self.pace is not None
        counts = self.counts.over(node, start, setting, values)
        met: Bools = counts < self.pace if self.rules.is_strict else counts <= self.pace
        return met

    def first(self, node: HwNode, setting: str) -> Folding:
        """The smallest divisor that meets the target, the largest if none does."""
        start = unfolded(node)
        values = divisors(limit(node, setting))
        value = _first(values, self.is_met(node, start, setting, values))
        return start._replace(pe=value) if setting == "pe" else start._replace(simd=value)

    def window(self, node: HwNode) -> Folding:
        chosen = self.first(node, "simd")
        is_full = chosen.simd == limit(node, "simd")
        assert self.pace is not None
        can_widen = self.rules.has_parallel_windows and is_full
        if can_widen and self.counts.of(node, chosen) > self.pace:
            return chosen._replace(parallel_window=1)
        return chosen

    def pool(self, node: HwNode, window: HwNode) -> tuple[Folding, Folding]:
        """What FINN makes of it and of the sliding window before it, which has the same parallelism."""
        if self.pace is None:
            return unfolded(node), unfolded(window)
        chosen = self.first(node, "pe")
        values = tuple(value for value in divisors(limit(node, "pe")) if value >= chosen.pe)
        start = unfolded(window)
        if not self.rules.pools_speed_windows:
            return chosen, start._replace(simd=chosen.pe)
        pe = _first(values, self.is_met(window, start, "simd", values))
        return chosen._replace(pe=pe), start._replace(simd=pe)

    def mvau(self, node: HwNode) -> Folding:
        start = unfolded(node)
        bits = node.width("weightDataType")
        simds = divisors(node["MW"])
        met = self.is_met(node, start, "simd", simds)
        for index, value in enumerate(simds):
            simd = value
            if met[index]:
                break
            if bits * value > self.weight_width_max:
                simd = simds[max(0, index - 1)]
                break
        start = start._replace(simd=simd)
        is_limited = start.mem_mode == "internal_decoupled"
        pes, widest = divisors(node["MH"]), self.rules.widest_stream if is_limited else None
        met = self.is_met(node, start, "pe", pes)
        for index, value in enumerate(pes):
            pe = value
            if widest is not None and value * simd * bits > widest and node.backend == "hls":
                pe = pes[max(0, index - 1)]
                break
            if met[index]:
                break
        return start._replace(pe=pe)


def _first(values: tuple[int, ...], met: Bools) -> int:
    """The first that meets the target, the last if none does."""
    index = int(met.argmax())
    return values[index] if met[index] else values[-1]


@cache  # most layers of a network share their widths
def vary(start: Folding, setting: str, values: tuple[int, ...]) -> Foldings:
    """The same folding with each value of one setting."""
    size = len(values)
    base = one(start)
    columns = {name: np.repeat(getattr(base, name), size) for name in vars(base)}
    return Foldings(**{**columns, setting: np.array(values, np.int64)})


def set_folding(
    nodes: tuple[HwNode, ...],
    cycles: Cycles,
    target: int | None,
    weight_width_max: int,
    rules: Rules = FINN_PLUS,
) -> dict[str, Folding]:
    """FINN's folding by node name, for `target` cycles a frame; None leaves all as FINN makes it.

    Where a node cannot meet the target, all are folded again for what the slowest can do.
    """
    counts = Counts(cycles)
    found = fold_for(nodes, counts, target, weight_width_max, rules)
    if target is None:
        return found
    different = {(node.signature, found[node.name]): node for node in nodes}
    slowest = max(counts.of(node, folding) for (_, folding), node in different.items())
    if slowest <= target:
        return found
    return fold_for(nodes, counts, slowest, weight_width_max, rules)


def fold_for(
    nodes: tuple[HwNode, ...],
    counts: Counts,
    pace: int | None,
    weight_width_max: int,
    rules: Rules = FINN_PLUS,
) -> dict[str, Folding]:
    """One pass for a pace in cycles, None for no folding; what FINN could not write is mended.

    Nodes fold independently, but for a pool and the window before it. weight_width_max: FINN's mvau_wwidth_max, bits of
    weights that one processing element reads in a cycle.
    """
    folder = _Folder(counts, pace, weight_width_max, rules)
    by_name = {node.name: node for node in nodes}
    known: dict[Hashable, Folding] = {}
    pools: dict[Hashable, tuple[Folding, Folding]] = {}
    found: dict[str, Folding] = {}
    for node in nodes:
        if node.kind == "Pool":
            window = by_name[node.inputs[0]]
            pair = (node.signature, window.signature)
            if pair not in pools:
                pools[pair] = folder.pair(node, window)
            found[node.name], found[window.name] = pools[pair]
            continue
        if node.signature not in known:
            known[node.signature] = folder.single(node)
        found[node.name] = known[node.signature]
    return found
