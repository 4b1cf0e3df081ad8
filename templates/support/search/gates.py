"""The gates of the edges: which op runs in a step, and what its gradient says about the architecture.

An edge computes y = sum_j g_j op_j(x) with a one-hot gate g, so that one op runs. Its gradient dL/dg_j = <dL/dy, op_j(x)>
goes on to the architecture parameters alpha as if g were the soft shares s that it was drawn by:

    dL/dalpha_i = sum_j dL/dg_j s_j (delta_ij - s_i) / temperature        over the paths that were drawn

    binary_gate  all ops are paths, s = softmax(alpha): what the code of NASH does (ProxylessNAS, equation 4)
    two_path     two ops drawn from softmax(alpha) are the paths, s = the softmax over these two; afterwards both are
                 shifted so that the ops that were not drawn keep their probabilities (ProxylessNAS, section 3.2.1)
    gumbel       all ops, s = softmax((alpha + G) / temperature) with Gumbel noise G, whose largest entry runs
                 (straight-through Gumbel-softmax: Jang et al., 2017)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from support.progress import StageError


@dataclass(frozen=True)
class Gate:
    """One draw on one edge.

    sampled: the op that runs. paths: the ops whose gates get a gradient; shares: their soft weights, which sum to 1.
    """

    sampled: int
    paths: tuple[int, ...]
    shares: Tensor
    temperature: float = 1.0

    def gradient_of_alpha(self, grad_gates: Tensor, ops: int) -> Tensor:
        """dL/dalpha of all `ops` from dL/dg of the paths, in their order. Zero for the ops that are no paths."""
        shares = self.shares.to(grad_gates)
        of_paths = shares * (grad_gates - torch.dot(grad_gates, shares)) / self.temperature
        if len(self.paths) == ops:
            return of_paths
        known = dict(zip(self.paths, of_paths.unbind(), strict=True))
        nothing = grad_gates.new_zeros(())
        return torch.stack([known.get(op, nothing) for op in range(ops)])


Draw = Callable[[Tensor, torch.Generator], Gate]
"""From the alpha of one edge, detached and on the CPU, to its gate."""


def binary_gate(alpha: Tensor, generator: torch.Generator) -> Gate:
    """All ops are paths. alpha: [ops]."""
    shares = torch.softmax(alpha, 0)
    sampled = int(torch.multinomial(shares, 1, generator=generator))
    return Gate(sampled, tuple(range(len(alpha))), shares)


def two_path(alpha: Tensor, generator: torch.Generator) -> Gate:
    """Two ops are drawn, and which of them runs; of a single op that one. alpha: [ops]."""
    if len(alpha) == 1:
        return binary_gate(alpha, generator)
    probability = torch.softmax(alpha, 0)
    paths = tuple(sorted(torch.multinomial(probability, 2, generator=generator).tolist()))
    shares = torch.softmax(alpha[list(paths)], 0)
    sampled = paths[int(torch.multinomial(shares, 1, generator=generator))]
    return Gate(sampled, paths, shares)


def gumbel(temperature: float) -> Draw:
    """All ops are paths, and the one with the largest noisy alpha runs."""

    def draw(alpha: Tensor, generator: torch.Generator) -> Gate:
        noise = -torch.empty_like(alpha).exponential_(generator=generator).log()
        shares = torch.softmax((alpha + noise) / temperature, 0)
        sampled = int(torch.argmax(alpha + noise))
        return Gate(sampled, tuple(range(len(alpha))), shares, temperature)

    return draw


class Sampler:
    """Draws the gates of all edges from a generator of its own and alphas on the CPU, wherever the network is: the same
    seed and alphas give the same gates on every device and in every process of a distributed search."""

    def __init__(self, estimator: dict[str, Any], seed: int) -> None:
        """estimator: {"name": "binary_gate" | "two_path"} or {"name": "gumbel", "temperature": > 0}."""
        self._draw = _draw_of(estimator)
        self._keeps_shares = estimator["name"] == "two_path"
        self.generator = torch.Generator().manual_seed(seed)

    def for_architecture(
        self, alphas: Sequence[Tensor], device: torch.device | str = "cpu"
    ) -> list[Gate]:
        """device: where the shares are wanted."""
        gates = [self._draw(alpha, self.generator) for alpha in alphas]
        there = moved([gate.shares for gate in gates], device)
        return [replace(gate, shares=it) for gate, it in zip(gates, there, strict=True)]

    def for_weights(self, alphas: Sequence[Tensor]) -> list[Gate]:
        """The weights are trained as softmax(alpha) will have them, whatever the estimator."""
        return [binary_gate(alpha, self.generator) for alpha in alphas]

    def settled(
        self, before: Sequence[Tensor], after: Sequence[Tensor], gates: Sequence[Gate]
    ) -> Sequence[Tensor]:
        """What a step of the alphas shall have led to: with two-path's correction. before: what the gates were drawn by."""
        if not self._keeps_shares:
            return after
        found = []
        for old, new, gate in zip(before, after, gates, strict=True):
            pair = list(gate.paths)
            shift = torch.logsumexp(old[pair], 0) - torch.logsumexp(new[pair], 0)
            settled = old.clone()  # weight decay, too, moves the two alone
            settled[pair] = new[pair] + shift
            found.append(settled)
        return found


def moved(rows: Sequence[Tensor], device: torch.device | str) -> Sequence[Tensor]:
    """In one move: reading from a GPU waits for it once, not on each edge. What goes there waits for nothing."""
    lengths = [len(row) for row in rows]
    is_read = rows[0].device.type != "cpu"
    return torch.cat(list(rows)).to(device, non_blocking=not is_read).split(lengths)


def _draw_of(estimator: dict[str, Any]) -> Draw:
    match estimator["name"]:
        case "binary_gate":
            return binary_gate
        case "two_path":
            return two_path
        case "gumbel":
            return gumbel(estimator["temperature"])
        case other:
            raise StageError(
                f"no estimator is called {other!r}", "they are binary_gate, two_path and gumbel"
            )
