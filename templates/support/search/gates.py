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
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

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
        return grad_gates.new_zeros(ops).index_put_((torch.tensor(self.paths),), of_paths)


Draw = Callable[[Tensor, torch.Generator], Gate]
"""From the alpha of one edge, detached and on the CPU, to its gate."""


def binary_gate(alpha: Tensor, generator: torch.Generator) -> Gate:
    shares = torch.softmax(alpha, 0)
    sampled = int(torch.multinomial(shares, 1, generator=generator))
    return Gate(sampled, tuple(range(len(alpha))), shares)


def two_path(alpha: Tensor, generator: torch.Generator) -> Gate:
    if len(alpha) == 1:
        return binary_gate(alpha, generator)
    probability = torch.softmax(alpha, 0)
    paths = tuple(sorted(torch.multinomial(probability, 2, generator=generator).tolist()))
    shares = torch.softmax(alpha[list(paths)], 0)
    sampled = paths[int(torch.multinomial(shares, 1, generator=generator))]
    return Gate(sampled, paths, shares)


def gumbel(temperature: float) -> Draw:
    def draw(alpha: Tensor, generator: torch.Generator) -> Gate:
        noise = -torch.empty_like(alpha).exponential_(generator=generator).log()
        shares = torch.softmax((alpha + noise) / temperature, 0)
        sampled = int(torch.argmax(alpha + noise))
        return Gate(sampled, tuple(range(len(alpha))), shares, temperature)

    return draw


class Sampler:
    """Draws the gates of all edges from a generator of its own, on the CPU wherever the network is: the same seed and
    alphas give the same gates on every device and in every process of a distributed search."""

    def __init__(self, estimator: dict[str, Any], seed: int) -> None:
        """estimator: {"name": "binary_gate" | "two_path"} or {"name": "gumbel", "temperature": > 0}."""
        self._draw = _draw_of(estimator)
        self._keeps_shares = estimator["name"] == "two_path"
        self.generator = torch.Generator().manual_seed(seed)

    def for_architecture(self, alphas: Sequence[Tensor]) -> list[Gate]:
        return self._gates(alphas, self._draw)

    def for_weights(self, alphas: Sequence[Tensor]) -> list[Gate]:
        """The weights are trained as softmax(alpha) will have them, whatever the estimator."""
        return self._gates(alphas, binary_gate)

    def settle(
        self, alphas: Sequence[nn.Parameter], before: Sequence[Tensor], gates: Sequence[Gate]
    ) -> None:
        """After a step of the alphas: two-path's correction. before: the alphas as they were when the gates were drawn."""
        if not self._keeps_shares:
            return
        with torch.no_grad():
            drawn_by, moved_to = _on_cpu(before), _on_cpu(alphas)
            for alpha, old, new, gate in zip(alphas, drawn_by, moved_to, gates, strict=True):
                pair = list(gate.paths)
                shift = torch.logsumexp(old[pair], 0) - torch.logsumexp(new[pair], 0)
                settled = old.clone()  # weight decay, too, moves the two alone
                settled[pair] = new[pair] + shift
                alpha.copy_(settled)

    def _gates(self, alphas: Sequence[Tensor], draw: Draw) -> list[Gate]:
        return [draw(alpha, self.generator) for alpha in _on_cpu(alphas)]


def _on_cpu(alphas: Sequence[Tensor]) -> Sequence[Tensor]:
    """In one move: a GPU is waited for once, not on each edge."""
    lengths = [len(alpha) for alpha in alphas]
    return torch.cat([alpha.detach() for alpha in alphas]).cpu().split(lengths)


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
