"""The network of this folder with its trained weights, and its lowering to integers."""

from __future__ import annotations

import copy
import importlib
import sys
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from support.data import datasets as data
from support.deferred_imports import import_brevitas
from support.files import read_settings
from support.integers.graph import IntegerGraph
from support.training.checkpoint import code_digest, load_weights


@dataclass(frozen=True)
class Trained:
    """What train.py left, in the forms that an export needs."""

    model: ModuleType  # model.py: NAME, INPUT_SHAPE, ...
    network: nn.Module  # float32, evaluating; `exact` where that alone was asked for
    exact: nn.Module  # the same weights in float64: Brevitas without its rounding
    graph: IntegerGraph  # lowered from `exact`
    about: dict[str, Any]

    def forget_weights(self) -> None:
        """Their memory is free; the graph has all of them. Brevitas holds its parameters in more than one place."""
        for parameter in self.exact.parameters():
            parameter.data = parameter.data.new_empty(0)

    def layers_by_path(self) -> dict[str, list[str]]:
        """Path of a torch module -> its layers in the order of calls."""
        paths = dict(self.exact.named_modules())
        flat = {name.replace(".", "_"): name for name in self.graph.maxpools}
        pools = {path: flat.get(path.replace(".", "_")) for path in paths}
        found = {path: [layer] for path, layer in pools.items() if layer}
        return found | {
            path: self.graph.layers_of[id(module)]
            for path, module in paths.items()
            if id(module) in self.graph.layers_of
        }


def load(folder: Path, weights: Path, *, only_exact: bool = False) -> Trained:
    """folder: where model.py and lowering.py lie. only_exact: without the float32 network, in a third less memory.

    Errors: StageError for missing weights or those of another network.
    """
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
    import_brevitas()
    model = importlib.import_module("model")
    lowering = importlib.import_module("lowering")
    network = model.Network()
    about = load_weights(weights, network, code_digest(folder / "model.py"))
    network.eval()
    exact = turned_to_float64(network) if only_exact else in_float64(network)
    return Trained(
        model, exact if only_exact else network, exact, lowering.integer_graph(exact), about
    )


def in_float64(network: nn.Module) -> nn.Module:
    """A copy in float64 with the same integers for weights."""
    return turned_to_float64(copy.deepcopy(network).eval())


def turned_to_float64(network: nn.Module) -> nn.Module:
    """The network itself, in float64 with the same integers for weights.

    A weight on the border between two integers is what float32, in which it was trained, made of it; rounded again in
    float64 it could become the other one, and the network another one.
    """
    layers = [module for module in network.modules() if hasattr(module, "quant_weight")]
    with torch.no_grad():
        integers = [_integers(layer) for layer in layers]
        network.double()
        for layer, values in zip(layers, integers, strict=True):
            torch.mul(values, layer.quant_weight().scale, out=layer.weight)
    return network


def _integers(layer: Any) -> Tensor:
    """int8: no weight has more than 8 bits."""
    rounded = layer.quant_weight()
    return (rounded.value.double() / rounded.scale.double()).round_().to(torch.int8)


def test_images(folder: Path, path: str | None, limit: int | None) -> tuple[np.ndarray, np.ndarray]:
    """The test images of what it was trained on, or the first `limit`: uint8 N x C x H x W, and labels."""
    settings = folder / "settings" / "train.json"
    stage = read_settings(folder, "train") if settings.is_file() else {}
    return data.load(data.data_settings(folder, stage, path), "test", limit=limit)
