"""FINN's own folding for a target: SetFolding of FINN+ 1.6.1, in the two passes that our build program makes.

Source: transformation/fpgadataflow/set_folding.py; templates/support/finn_folding.py, fold.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, replace
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


@dataclass(frozen=True)
class _Folder:
    cycles: Cycles
    target: int
    weight_width_max: int
    rules: Rules

    def alone(self, node: HwNode) -> Folding:
        """Of any node but a pool; the window before a pool is folded with it."""
        match node.kind:
            case "MVAU":
                return self.mvau(node)
            case "ConvolutionInputGenerator":
                return unfolded(node) if node["depthwise"] else self.window(node)
            case "FMPadding" | "DownSampler":
                return self.first(node, "simd")
            case _:
                return self.first(node, "pe")

    def is_met(self, counts: Ints) -> Bools:
        met: Bools = counts < self.target if self.rules.is_strict else counts <= self.target
        return met

    def first(self, node: HwNode, setting: str) -> Folding:
        """The smallest divisor that meets the target, the largest if none does."""
        start = unfolded(node)
        values = divisors(limit(node, setting))
        met = self.is_met(self.cycles(node, vary(start, setting, values)))
        index = int(met.argmax()) if met.any() else len(values) - 1
        value = values[index]
        return replace(start, pe=value) if setting == "pe" else replace(start, simd=value)

    def window(self, node: HwNode) -> Folding:
        chosen = self.first(node, "simd")
        is_full = chosen.simd == limit(node, "simd")
        if self.rules.has_parallel_windows and is_full and self.count(node, chosen) > self.target:
            return replace(chosen, parallel_window=1)
        return chosen

    def pool(self, node: HwNode, window: HwNode) -> tuple[Folding, Folding]:
        """The pool and the sliding window before it, which has the same parallelism."""
        chosen = self.first(node, "pe")
        values = tuple(value for value in divisors(limit(node, "pe")) if value >= chosen.pe)
        start = unfolded(window)
        if not self.rules.pools_speed_windows:
            return chosen, replace(start, simd=chosen.pe)
        met = self.is_met(self.cycles(window, vary(start, "simd", values)))
        pe = values[int(met.argmax()) if met.any() else len(values) - 1]
        return replace(chosen, pe=pe), replace(start, simd=pe)

    def mvau(self, node: HwNode) -> Folding:
        start = replace(unfolded(node), pe=1, simd=1)
        bits = node.width("weightDataType")
        simds = divisors(node["MW"])
        met = self.is_met(self.cycles(node, vary(start, "simd", simds)))
        for index, value in enumerate(simds):
            simd = value
            if met[index]:
                break
            if bits * value > self.weight_width_max:
                simd = simds[max(0, index - 1)]
                break
        start = replace(start, simd=simd)
        is_limited = start.mem_mode == "internal_decoupled"
        pes, widest = divisors(node["MH"]), self.rules.widest_stream if is_limited else None
        met = self.is_met(self.cycles(node, vary(start, "pe", pes)))
        for index, value in enumerate(pes):
            pe = value
            if widest is not None and value * simd * bits > widest and node.backend == "hls":
                pe = pes[max(0, index - 1)]
                break
            if met[index]:
                break
        return replace(start, pe=pe)

    def count(self, node: HwNode, folding: Folding) -> int:
        return int(self.cycles(node, one(folding))[0])


@cache  # most layers of a network share their widths
def vary(start: Folding, setting: str, values: tuple[int, ...]) -> Foldings:
    """The same folding with each value of one setting."""
    size = len(values)
    base = one(start)
    columns = {name: np.repeat(getattr(base, name), size) for name in vars(base)}
    return Foldings(**{**columns, setting: np.array(values, np.int64)})


def fold_once(
    nodes: tuple[HwNode, ...],
    cycles: Cycles,
    target: int,
    weight_width_max: int,
    rules: Rules = FINN_PLUS,
) -> dict[str, Folding]:
    """One pass of SetFolding: each node as small as it can be and still need at most `target` cycles."""
    folder = _Folder(cycles, target, weight_width_max, rules)
    by_name = {node.name: node for node in nodes}
    known: dict[Hashable, Folding] = {}
    found: dict[str, Folding] = {}
    for node in nodes:
        if node.kind == "Pool":
            window = by_name[node.inputs[0]]
            found[node.name], found[window.name] = folder.pool(node, window)
            continue
        if node.signature not in known:
            known[node.signature] = folder.alone(node)
        found[node.name] = known[node.signature]
    return found


def mended(
    nodes: tuple[HwNode, ...], foldings: dict[str, Folding], weight_width_max: int
) -> dict[str, Folding]:
    """What our build makes of FINN's folding so that FINN can write the code of every node; a pool and the sliding
    window before it work alike.
    """
    found = {node.name: narrow(node, foldings[node.name], weight_width_max) for node in nodes}
    pools = [node for node in nodes if node.kind == "Pool"]
    for pool in pools:
        window = pool.inputs[0]
        found[window] = replace(found[window], simd=found[pool.name].pe)
    found = {node.name: mend(node, found[node.name]) for node in nodes}
    for pool in pools:
        found[pool.name] = replace(found[pool.name], pe=found[pool.inputs[0]].simd)
    return found


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
    found = fold_for(nodes, cycles, target, weight_width_max, rules)
    if target is None:
        return found
    different = {(node.signature, found[node.name]): node for node in nodes}
    slowest = max(int(cycles(node, one(folding))[0]) for (_, folding), node in different.items())
    if slowest <= target:
        return found
    return fold_for(nodes, cycles, slowest, weight_width_max, rules)


def fold_for(
    nodes: tuple[HwNode, ...],
    cycles: Cycles,
    pace: int | None,
    weight_width_max: int,
    rules: Rules = FINN_PLUS,
) -> dict[str, Folding]:
    """One pass for a pace in cycles, None for no folding; what FINN could not write is mended.

    Nodes fold independently, but for a pool and the window before it. weight_width_max: FINN's mvau_wwidth_max, bits of
    weights that one processing element reads in a cycle.
    """
    if pace is None:
        found = {node.name: unfolded(node) for node in nodes}
    else:
        found = fold_once(nodes, cycles, pace, weight_width_max, rules)
    return mended(nodes, found, weight_width_max) if rules.is_mended else found
