"""A running average of a network's weights: it tests better than the weights of the last step, and is what gets exported."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import torch
from torch import nn

from support.training.checkpoint import load_state


class Average:
    """Of a network whose tensors stay where they are.

    After each step average += (1 - decay) * (weights - average), parameters and batch norm statistics alike.

    The first steps count for more, lest the average remember where training started: decay is at most (1 + n) / (10 + n)
    at step n.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.network = copy.deepcopy(network).requires_grad_(False)
        self.decay, self.steps = decay, 0
        # Once: to ask Brevitas' modules takes half as long as a forward pass.
        pairs = list(zip(_tensors(self.network), _tensors(network), strict=True))
        self._averaged = [pair for pair in pairs if pair[0].is_floating_point()]
        self._copied = [pair for pair in pairs if not pair[0].is_floating_point()]

    @torch.no_grad()
    def update(self) -> None:
        """After a step of the network."""
        self.steps += 1
        share = 1 - min(self.decay, (1 + self.steps) / (10 + self.steps))
        torch._foreach_lerp_(*zip(*self._averaged, strict=True), share)
        for mine, new in self._copied:
            mine.copy_(new)

    def state(self) -> dict[str, Any]:
        return {"network": dict(self.network.state_dict()), "steps": self.steps}

    def load(self, path: Path, state: dict[str, Any]) -> None:
        load_state(path, self.network, state["network"])
        self.steps = state["steps"]


def _tensors(network: nn.Module) -> list[torch.Tensor]:
    return list(network.state_dict().values())
