"""The two updates of a step (NASH, Algorithm 1): first the architecture, then the weights, each with the other frozen."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from support.budget.expected import Penalty
from support.layers.binary_conv import BinaryConv
from support.search.alternatives import Alternatives
from support.search.gates import Sampler, moved
from support.search.space import mixed_ops, set_gates
from support.training.classification import checked, told
from support.training.distributed import average_gradients
from support.training.mixed_precision import bfloat16_products
from support.training.optimisation import load_optimiser, optimiser, set_learning_rate


class Updates:
    """The supernet with its two optimisers and the sampler of its gates: what an update reads and writes."""

    def __init__(
        self,
        network: nn.Module,
        settings: dict[str, Any],
        cost: Penalty | None = None,
        bits: Iterable[Alternatives] = (),
    ) -> None:
        """network: on its device. settings: settings/search.json. cost: what the architecture's loss has besides.
        bits: what it chooses besides the ops of its cells (support/search/bits.py)."""
        self.network = network
        self.clip = settings.get("clip")
        self.is_mixed = settings.get("amp", False)
        self.cost = cost
        self.mixed: list[Alternatives] = [*mixed_ops(network.cells()), *bits]
        self.alphas = [mixed.alpha for mixed in self.mixed]
        self._versions: list[int] = []
        self._known: Sequence[Tensor] = ()
        of_architecture = {id(alpha) for alpha in self.alphas}
        self.weights = [it for it in network.parameters() if id(it) not in of_architecture]
        self.binary_convs = [it for it in network.modules() if isinstance(it, BinaryConv)]
        self.sampler = Sampler(settings["estimator"], settings["seed"])
        self.weight_optimiser = optimiser(self.weights, settings["weights"]["optimiser"])
        alphas = settings["alphas"]
        self.alpha_rate = alphas["lr"]
        options = {name: alphas[name] for name in ("lr", "betas", "weight_decay")}
        self.alpha_optimiser = optimiser(
            self.alphas, {"name": "adam", **options}, decays_vectors=True
        )

    def update_architecture(self, images: Tensor, labels: Tensor, where: str) -> list[float]:
        """What the network told before the update. where: for the error when the loss is no number any more."""
        _freeze(self.weights, True)
        _freeze(self.alphas, False)
        before, device = self.on_cpu(), self.alphas[0].device
        gates = self.sampler.for_architecture(before, device)
        set_gates(self.mixed, gates)
        logits = self._logits(images)
        loss = F.cross_entropy(logits, labels)
        loss.backward()
        for alpha in self.alphas:
            if alpha.grad is None:  # of the bit widths of ops that did not run
                alpha.grad = torch.zeros_like(alpha)
        average_gradients(self.alphas)
        found = told(logits, labels, loss)
        numbers = checked(found, self.alphas, None, f"{where}, architecture", self.alpha_rate)
        if self.cost:
            slopes = [before[0].new_tensor(it) for it in self.cost.gradient(self.shares())]
            for alpha, slope in zip(self.alphas, moved(slopes, device), strict=True):
                alpha.grad += slope
        self.alpha_optimiser.step()
        self.alpha_optimiser.zero_grad()
        self._write(self.sampler.settled(before, self.on_cpu(), gates))
        return numbers

    def on_cpu(self) -> Sequence[Tensor]:
        """The alphas. A GPU is waited for when they have changed, and then once."""
        versions = [alpha._version for alpha in self.alphas]
        if self._versions != versions:
            self._versions = versions
            self._known = moved([alpha.detach() for alpha in self.alphas], "cpu")
        return self._known

    def _write(self, alphas: Sequence[Tensor]) -> None:
        if alphas is self._known:
            return
        with torch.no_grad():
            for alpha, it in zip(self.alphas, moved(alphas, self.alphas[0].device), strict=True):
                alpha.copy_(it)
        self._versions, self._known = [alpha._version for alpha in self.alphas], alphas

    def shares(self) -> list[list[float]]:
        """softmax(alpha) of every edge, in float64."""
        return [torch.softmax(alpha.double(), 0).tolist() for alpha in self.on_cpu()]

    def update_weights(
        self, images: Tensor, labels: Tensor, rate: float, where: str
    ) -> list[float]:
        """What the network told before the update."""
        _freeze(self.weights, False)
        _freeze(self.alphas, True)
        set_learning_rate(self.weight_optimiser, rate)
        set_gates(self.mixed, self.sampler.for_weights(self.on_cpu()))
        logits = self._logits(images)
        loss = F.cross_entropy(logits, labels)
        loss.backward()
        average_gradients(self.weights)
        found = told(logits, labels, loss)
        numbers = checked(found, self.weights, self.clip, f"{where}, weights", rate)
        self.weight_optimiser.step()
        # At once, before the next activations take memory. To None, not to zero: an op that was not sampled keeps its
        # weights and its momentum as they are.
        self.weight_optimiser.zero_grad(set_to_none=True)
        for conv in self.binary_convs:
            conv.pack_again()
        return numbers

    def _logits(self, images: Tensor) -> Tensor:
        with bfloat16_products(images.device, self.is_mixed):
            logits: Tensor = self.network(images)
        return logits.to(images.dtype)

    def state(self) -> dict[str, Any]:
        return {
            "network": dict(self.network.state_dict()),
            "weight_optimiser": self.weight_optimiser.state_dict(),
            "alpha_optimiser": self.alpha_optimiser.state_dict(),
            "gates": self.sampler.generator.get_state(),
            "counts": [[mixed.sampled_counts, mixed.trained_counts] for mixed in self.mixed],
        }

    def load(self, state: dict[str, Any]) -> None:
        """All of `state` but the network, which is filled by `checkpoint.load_state`."""
        load_optimiser(self.weight_optimiser, state["weight_optimiser"])
        load_optimiser(self.alpha_optimiser, state["alpha_optimiser"])
        self.sampler.generator.set_state(state["gates"])
        for mixed, counts in zip(self.mixed, state["counts"], strict=True):
            mixed.sampled_counts, mixed.trained_counts = counts


def _freeze(parameters: Iterable[nn.Parameter], frozen: bool) -> None:
    for parameter in parameters:
        parameter.requires_grad_(not frozen)
