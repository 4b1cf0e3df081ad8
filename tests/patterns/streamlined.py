"""FINN's own streamlining as a second judge of a pattern: the logits of its integer graph and of ours, on the same images."""

from __future__ import annotations

import copy
from pathlib import Path

import numpy as np
import torch
from qonnx.core.modelwrapper import ModelWrapper
from torch import nn

from nashc import emit
from support.export.qonnx import export
from support.finn import streamline as finn_streamline
from support.verification.execution import Runner
from tests.patterns.carry import accepted, module_of, random_images, with_random_weights


def both_logits(path: Path, folder: Path, images: int = 4) -> tuple[np.ndarray, np.ndarray]:
    """[images, classes] of the direct lowering and of FINN's streamlining; whole numbers of equal scale.

    No batch norm has a negative gain: FINN cannot pad the max-pool of a signed sum.
    """
    spec, graph, _ = accepted(path)
    files = emit.project(spec, graph)
    folder.mkdir(parents=True)
    for name in ("model.py", "lowering.py"):
        (folder / name).write_text(files[name], encoding="utf-8")
    model, lowering = module_of(folder, "model"), module_of(folder, "lowering")
    network = with_random_weights(model, 0)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.weight.data.abs_()
    exact = copy.deepcopy(network).double().eval()
    integers = lowering.integer_graph(exact)
    by_path = {
        name: integers.layers_of[id(module)]
        for name, module in exact.named_modules()
        if id(module) in integers.layers_of
    }
    with torch.no_grad():
        qonnx = export(network, model.INPUT_SHAPE, by_path)
    direct = ModelWrapper(integers.write())
    streamlined = finn_streamline.streamline(qonnx, model.INPUT_DTYPE)
    pixels = random_images(model, images, 0).transpose(0, 2, 3, 1)
    return _logits(direct, pixels), _logits(streamlined, pixels)


def _logits(graph: ModelWrapper, pixels: np.ndarray) -> np.ndarray:
    tensor = graph.get_nodes_by_op_type("TopK")[0].input[0]
    return Runner(graph, [tensor]).run(pixels)[tensor].reshape(len(pixels), -1)
