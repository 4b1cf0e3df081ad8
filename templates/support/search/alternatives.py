"""What a search chooses between: an architecture parameter, and the gate that says which alternative is active."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from support.search.gates import Gate

ALPHA_STD = 1e-3


class Alternatives(nn.Module):
    """ops: words for the alternatives. alpha: their architecture parameters."""

    def __init__(self, ops: Sequence[str]) -> None:
        super().__init__()
        self.ops = tuple(ops)
        self.alpha = nn.Parameter(ALPHA_STD * torch.randn(len(self.ops)))
        self.sampled_counts = [0] * len(self.ops)
        self.trained_counts = [0] * len(self.ops)
        self._gate: Gate | None = None

    @property
    def gate(self) -> Gate:
        assert self._gate is not None, "gates are drawn before the network is called: set_gates"
        return self._gate

    def set_gate(self, gate: Gate) -> None:
        """For the calls until the next one. Counted: the draws of an epoch, and the weight updates since the start."""
        self._gate = gate
        self.sampled_counts[gate.sampled] += 1
        self.trained_counts[gate.sampled] += not self.alpha.requires_grad

    @property
    def is_asked(self) -> bool:
        """Whether alpha wants a gradient of this call."""
        return self.alpha.requires_grad and torch.is_grad_enabled()

    def probabilities(self) -> Tensor:
        """softmax(alpha), detached, on the CPU."""
        return torch.softmax(self.alpha.detach().cpu(), dim=0)

    def entropy_nats(self) -> float:
        probability = self.probabilities().double()
        return float(torch.special.entr(probability).sum())
