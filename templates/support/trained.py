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
from torch import nn

from support import data
from support.checkpoint import code_digest, load_weights
from support.files import read_json
from support.integer_graph import IntegerGraph


@dataclass(frozen=True)
class Trained:
    model: ModuleType  # model.py: NAME, INPUT_SHAPE, ...
    network: nn.Module  # float32, evaluating
    exact: nn.Module  # the same weights in float64: Brevitas without its rounding
    graph: IntegerGraph  # lowered from `exact`
    about: dict[str, Any]

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


def load(folder: Path, weights: Path) -> Trained:
    """folder: where model.py and lowering.py lie. Errors: StageError for missing weights or those of another network."""
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
    model = importlib.import_module("model")
    lowering = importlib.import_module("lowering")
    network = model.Network()
    about = load_weights(weights, network, code_digest(folder / "model.py"))
    network.eval()
    exact = in_float64(network)
    return Trained(model, network, exact, lowering.integer_graph(exact), about)


def in_float64(network: nn.Module) -> nn.Module:
    """A copy in float64 with the same integers for weights.

    A weight on the border between two integers is what float32, in which it was trained, made of it; rounded again in
    float64 it could become the other one, and the copy another network.
    """
    exact = copy.deepcopy(network).double().eval()
    modules = dict(exact.named_modules())
    with torch.no_grad():
        for path, module in network.named_modules():
            if hasattr(module, "quant_weight"):
                rounded = module.quant_weight()
                integers = (rounded.value.double() / rounded.scale.double()).round()
                copied = modules[path]
                copied.weight.copy_(integers * copied.quant_weight().scale)
    return exact


def test_images(folder: Path, path: str | None, limit: int | None) -> tuple[np.ndarray, np.ndarray]:
    """The test images of what it was trained on, or the first `limit`: uint8 N x C x H x W, and labels."""
    settings = folder / "settings" / "train.json"
    stage = read_json(settings) if settings.is_file() else {}
    return data.load(data.data_settings(folder, stage, path), "test", limit=limit)
