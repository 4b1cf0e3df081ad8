"""The float network inside the quantised one, and what a training takes from another: weights to start from, a teacher."""

from __future__ import annotations

import copy
from pathlib import Path

import torch
import torch.nn.functional as F
from brevitas.nn.mixin.base import QuantLayerMixin
from brevitas.proxy.quant_proxy import QuantProxyFromInjector
from torch import Tensor, nn

from support.progress import StageError
from support.training import checkpoint

# What a float network has no use for: an activation's learned range, kept at its first value if a file lacks it.
RANGE = ".act_quant."


def set_quantised(network: nn.Module, is_quantised: bool) -> None:
    """False: the same layers with float weights and activations (ReLU stays, a Hardtanh is the quantiser's own clamp)."""
    for module in network.modules():
        if isinstance(module, QuantProxyFromInjector):
            module.disable_quant = not is_quantised
        if isinstance(module, QuantLayerMixin):
            # A layer that promises a quant tensor has none to give in float.
            promises = module.__dict__.setdefault(
                "promises_quant_tensor", module.return_quant_tensor
            )
            module.return_quant_tensor = promises and is_quantised


def teacher_of(network: nn.Module) -> nn.Module:
    """A copy that computes in float and does not train."""
    teacher = copy.deepcopy(network).requires_grad_(False).eval()
    set_quantised(teacher, False)
    return teacher


def distilled(loss: Tensor, logits: Tensor, taught: Tensor, weight: float, t: float) -> Tensor:
    """(1 - weight) * loss + weight * t^2 * KL(teacher, student) of the softmax at temperature t (Hinton et al., 2015)."""
    divergence = F.kl_div(
        F.log_softmax(logits / t, 1),
        F.log_softmax(taught / t, 1),
        reduction="batchmean",
        log_target=True,
    )
    return (1 - weight) * loss + weight * t**2 * divergence


def start_from(path: Path, network: nn.Module) -> None:
    """Weights, batch norms and ranges of a network with the same layers, whatever its bit widths.

    Errors: StageError when the file is no safetensors file, or naming the tensors that are missing, left over or misfit.
    """
    tensors, _ = checkpoint.read(path, "start from the weights.safetensors of a training")
    wanted = network.state_dict()
    missing = [name for name in wanted if name not in tensors and RANGE not in name]
    left_over = [name for name in sorted(tensors) if name not in wanted and RANGE not in name]
    misfits = [
        f"{name} ({_by(tensors[name])} there, {_by(wanted[name])} here)"
        for name in wanted
        if name in tensors and tensors[name].shape != wanted[name].shape
    ]
    for what, names in (
        ("lacks", missing),
        ("has shapes that do not fit:", misfits),
        ("has, beyond this network,", left_over),
    ):
        if names:
            raise StageError(
                f"cannot start from {path}: it {what} {_some(names)}",
                "start from weights of a network with the same layers; their bit widths may differ",
            )
    with torch.no_grad():
        for name, tensor in wanted.items():
            if name in tensors:
                tensor.copy_(tensors[name])


def _by(tensor: Tensor) -> str:
    return "x".join(map(str, tensor.shape)) or "a number"


def _some(names: list[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
