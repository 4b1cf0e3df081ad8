"""The integers of a Brevitas network at its activations, and why two evaluations may differ in some of them.

Brevitas computes in float32. Where the exact value before an activation lies within float32 rounding of the border of
two quantisation steps, it may land on the wrong one: a tie. Such a flip is no mistake of a lowering. The same network
in float64 says where the value really was.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from support.integers.values import Boundary

# How far from a border, in steps and relative to the value, float32 arithmetic may carry a value: sums of some
# thousand products. A wrong threshold is off by an accumulator step, mostly much more.
TIE_TOLERANCE = 2e-4


@dataclass(frozen=True)
class Activations:
    """logits [N, classes]; by layer: integers, and where the value lay before rounding (both [N, H, W, C])."""

    logits: np.ndarray
    integers: dict[str, np.ndarray]
    positions: dict[str, np.ndarray]


@dataclass(frozen=True)
class Flip:
    """The first layer at which an image differs; it is a tie if every difference lies on a border."""

    image: int
    layer: str
    count: int
    is_tie: bool
    detail: str


class Recorder:
    """Runs a network and records what goes through its activation modules."""

    def __init__(self, network: nn.Module, paths: dict[str, list[Boundary]]) -> None:
        """paths: path of an activation module -> its boundaries in the order of calls."""
        self.network = network
        self.dtype = next(network.parameters()).dtype
        self._paths = paths
        self._modules = dict(network.named_modules())

    def run(self, images: np.ndarray) -> Activations:
        """images: [n, c, h, w]. The integers of each activation lie channels last."""
        integers: dict[str, np.ndarray] = {}
        positions: dict[str, np.ndarray] = {}
        hooks = [
            self._modules[path].register_forward_hook(self._hook(boundaries, integers, positions))
            for path, boundaries in self._paths.items()
        ]
        try:
            with torch.no_grad():
                logits = _plain(self.network(torch.from_numpy(images).to(self.dtype)))
        finally:
            for hook in hooks:
                hook.remove()
        return Activations(logits.numpy(), integers, positions)

    def _hook(
        self,
        boundaries: list[Boundary],
        integers: dict[str, np.ndarray],
        positions: dict[str, np.ndarray],
    ) -> Any:
        calls = iter(boundaries)

        def record(_module: nn.Module, inputs: tuple[Any, ...], output: Any) -> None:
            boundary = next(calls)
            # Several calls with the same tensor are one call for torch's export, and for us.
            values = _plain(output).double() / boundary.scale
            integers[boundary.layer] = _channels_last(torch.round(values))
            positions[boundary.layer] = _channels_last(_plain(inputs[0]).double() / boundary.scale)

        return record


def boundary_paths(network: nn.Module, boundaries: list[Boundary]) -> dict[str, list[Boundary]]:
    """Path of each activation module (of the network that was lowered) -> its boundaries in the order of calls."""
    path_of = {id(module): path for path, module in network.named_modules()}
    paths: dict[str, list[Boundary]] = {}
    for boundary in boundaries:
        paths.setdefault(path_of[id(boundary.module)], []).append(boundary)
    return paths


def flips(found: dict[str, np.ndarray], exact: Activations, layers: list[str]) -> list[Flip]:
    """The first difference of each image, in the order of the layers; later ones may follow from it."""
    result = []
    open_images = np.ones(len(exact.logits), bool)
    for layer in layers:
        if layer not in found:
            continue
        expected, got = exact.integers[layer], found[layer]
        differs = expected != got
        for image in np.flatnonzero(differs.reshape(len(differs), -1).any(axis=1) & open_images):
            where = differs[image]
            wanted, given = expected[image][where], got[image][where]
            position = exact.positions[layer][image][where]
            border = np.minimum(wanted, given) + 0.5
            off = np.abs(position - border) / np.maximum(1.0, np.abs(position))
            is_tie = bool((np.abs(wanted - given) == 1).all() and (off <= TIE_TOLERANCE).all())
            worst = int(np.argmax(off))
            detail = (
                f"{given[worst]:.0f} instead of {wanted[worst]:.0f}, "
                f"the exact value is {position[worst]:.6f} steps"
            )
            result.append(Flip(int(image), layer, int(where.sum()), is_tie, detail))
            open_images[image] = False
    return result


def _plain(value: Any) -> torch.Tensor:
    return (value.value if hasattr(value, "value") else value).detach()


def _channels_last(values: torch.Tensor) -> np.ndarray:
    return (values.permute(0, 2, 3, 1) if values.ndim == 4 else values).numpy()
