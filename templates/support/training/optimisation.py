"""Optimisers and learning rates as settings say them. A rate depends on the step alone: nothing of it needs saving."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import SGD, Adam, AdamW, Optimizer

from support.progress import StageError


def optimiser(
    parameters: Iterable[nn.Parameter], settings: dict[str, Any], *, decays_vectors: bool = False
) -> Optimizer:
    """settings: {"name": "adam" | "adamw" | "sgd", "lr", and what that optimiser takes by torch's names}.

    Weight decay is for weights: not for the scales of quantisers, which live in the logarithm where decay means
    "towards 1", nor for batch norms; decays_vectors: for all of them, as the parameters of an architecture.
    """
    options = {key: value for key, value in settings.items() if key != "name"}
    if "betas" in options:
        options["betas"] = tuple(map(float, options["betas"]))
    kinds = {"adam": Adam, "adamw": AdamW, "sgd": SGD}
    if settings["name"] not in kinds:
        raise StageError(
            f"no optimiser is called {settings['name']!r}", f"they are {', '.join(kinds)}"
        )
    decay = options.pop("weight_decay", 0.0)
    wanted = list(parameters)
    weights = [it for it in wanted if it.dim() > 1 or decays_vectors]
    others = [it for it in wanted if it.dim() <= 1 and not decays_vectors]
    groups = [
        {"params": weights, "weight_decay": decay},
        {"params": others, "weight_decay": 0.0},
    ]
    try:
        kind = without_compiler(kinds[settings["name"]])
        return kind([group for group in groups if group["params"]], **options)
    except (TypeError, ValueError) as error:
        raise StageError(f"the optimiser {settings['name']} does not take this: {error}") from error


def without_compiler(kind: type[Optimizer]) -> type[Optimizer]:
    """The same optimiser, without the wrappers that import torch's compiler in order to be left alone by it: 140 MB of
    memory (torch 2.12, optim/optimizer.py and _compile.py)."""
    wrapped = ("add_param_group", "load_state_dict", "state_dict", "zero_grad")
    plain: dict[str, Any] = {name: inspect.unwrap(getattr(kind, name)) for name in wrapped}
    step = inspect.unwrap(kind.step)
    plain["step"] = torch.no_grad()(_decaying_in_place(step) if kind is SGD else step)
    return type(kind.__name__, (kind,), plain)


def _decaying_in_place(step: Callable[..., Any]) -> Callable[..., Any]:
    """SGD's step, of the same numbers: decay is added to the gradients where they lie, which torch's makes a copy of each for."""

    def decayed_step(self: Optimizer) -> None:
        decays = [group["weight_decay"] for group in self.param_groups]
        for group, decay in zip(self.param_groups, decays, strict=True):
            if moving := [it for it in group["params"] if it.grad is not None and decay]:
                torch._foreach_add_([it.grad for it in moving], moving, alpha=decay)
            group["weight_decay"] = 0.0
        step(self)
        for group, decay in zip(self.param_groups, decays, strict=True):
            group["weight_decay"] = decay

    return decayed_step


def learning_rate(peak: float, schedule: dict[str, Any] | None, epoch: float, epochs: int) -> float:
    """The rate at `epoch`, a fraction within the epoch included.

    schedule: {"name": "constant"}, "cosine" (to 0), "polynomial" (to 0, with "power"), "step" ("by" each "every" epochs) or
    "multistep" ("by" at each epoch of "at"); all of them with "warmup": epochs in which the rate rises from 0.
    """
    schedule = schedule or {"name": "constant"}
    warmup = schedule.get("warmup", 0)
    peak *= min(1.0, epoch / warmup) if warmup else 1.0
    match schedule["name"]:
        case "constant":
            return peak
        case "cosine":
            return peak * 0.5 * (1 + math.cos(math.pi * epoch / epochs))
        case "polynomial":
            return peak * max(0.0, 1 - epoch / epochs) ** schedule["power"]
        case "step":
            return peak * schedule["by"] ** (epoch // schedule["every"])
        case "multistep":
            return peak * schedule["by"] ** sum(epoch >= at for at in schedule["at"])
        case other:
            raise StageError(
                f"no schedule is called {other!r}",
                "they are constant, cosine, polynomial, step and multistep",
            )


def check_warmup(schedule: dict[str, Any] | None, epochs: int, float_epochs: int) -> None:
    """Errors: StageError where a rate still rises when its epochs end, the float ones or the quantised."""
    warmup = (schedule or {}).get("warmup", 0)
    for kind, count in (("float epochs", float_epochs), ("epochs", epochs)):
        if count and warmup >= count:
            raise StageError(
                f"the rate still rises when the {kind} end: the warm-up is {warmup:g} of {count}",
                f"take more than {warmup:g} {kind}, or a shorter `warmup` in the spec",
            )


def set_learning_rate(optimiser: Optimizer, rate: float) -> None:
    for group in optimiser.param_groups:
        group["lr"] = rate


def load_optimiser(optimiser: Optimizer, state: dict[str, Any]) -> None:
    """As optimiser.load_state_dict, with the moments laid out in memory as their parameters are.

    A checkpoint holds plain rows. An update that mixes layouts takes other kernels, and these round otherwise: training
    would go on well, but not to the same bits. Counts of steps stay on the CPU, where torch has them: each would be read
    back from a GPU at each step.
    """
    optimiser.load_state_dict(state)
    for parameter, moments in optimiser.state.items():
        for name, value in moments.items():
            if name != "step" and isinstance(value, Tensor) and value.shape == parameter.shape:
                moments[name] = torch.empty_like(parameter.detach()).copy_(value)


def device_called(name: str) -> torch.device:
    """name: "auto", or what torch calls it. Errors: StageError when it does not add up there."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        float(torch.ones(1, device=device))  # a GPU too old for this torch fails no earlier
    except (RuntimeError, AssertionError) as error:
        why = str(error).partition("\n")[0].partition(". ")[0]
        raise StageError(
            f"torch cannot use the device {name!r} here: {why}", "--device cpu"
        ) from error
    return device
