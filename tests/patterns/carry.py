"""One spec carried all the way without training: nashc's own code, the generated model with random weights, the
integer graph, QONNX, FINN's hardware layers and FINN's code generation, held against each other on the way."""

from __future__ import annotations

import copy
import importlib.util
import re
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch
from qonnx.core.modelwrapper import ModelWrapper
from torch import nn

from nashc import emit
from nashc.cost.backends import Wanted
from nashc.cost.estimate import estimate
from nashc.cost.folding_file import Place
from nashc.cost.folding_file import apply as apply_file
from nashc.cost.models import MODELS
from nashc.cost.ranges import load as load_ranges
from nashc.emit.settings import settings
from nashc.ir import Graph
from nashc.lower import lower
from nashc.schema import Spec, load
from nashc.vocab.boards import Board
from support.export.qonnx import export
from support.export.ranges import ranges
from support.files import write_json
from support.finn import estimates as finn_estimates
from support.finn import folding as finn_folding
from support.finn import hardware as finn_hardware
from support.finn import names as finn_names
from support.finn import options as finn_options
from support.finn import streams as finn_streams
from support.finn import widths as finn_widths
from support.integers.graph import IntegerGraph
from support.verification.comparison import Recorder, boundary_paths
from support.verification.execution import Runner


class Differs(AssertionError):
    """Two evaluations of one network disagree."""


@dataclass(frozen=True)
class Carried:
    values: int  # integers that were compared
    nodes: int  # hardware layers
    network: dict[str, Any]  # FINN's estimates in all
    seconds: dict[str, float]


def accepted(path: Path) -> tuple[Spec, Graph, dict[str, Any]]:
    """What `nashc check` accepts, cells and all, with the settings of its programs. Errors: SpecError."""
    spec = load(path)
    graph = lower(spec)
    return spec, graph, settings(spec, graph)["build"]


def carry(path: Path, folder: Path, seed: int = 0, images: int = 2) -> Carried:
    """Errors: Differs, or whatever exception a generated program or FINN raises: none may, once check accepts a spec.

    `finn_tool.start` must have been called.
    """
    seconds: dict[str, float] = {}
    started = time.monotonic()

    def lap(name: str) -> None:
        nonlocal started
        seconds[name], started = time.monotonic() - started, time.monotonic()

    spec, graph, build = accepted(path)
    assert spec.target and not spec.is_searched
    files = emit.project(spec, graph)
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("model.py", "lowering.py"):
        (folder / name).write_text(files[name], encoding="utf-8")
    model, lowering = module_of(folder, "model"), module_of(folder, "lowering")
    lap("compile")
    network = with_random_weights(model, seed)
    exact = copy.deepcopy(network).double().eval()
    integers: IntegerGraph = lowering.integer_graph(exact)
    onnx_model = integers.write()
    write_json(folder / "ranges.json", ranges(onnx_model))
    lap("lower")
    by_path = {
        name: integers.layers_of[id(module)]
        for name, module in exact.named_modules()
        if id(module) in integers.layers_of
    }
    with torch.no_grad():
        export(network, model.INPUT_SHAPE, by_path)
    lap("qonnx")
    pixels = random_images(model, images, seed)
    reference = _check_integers(exact, integers, ModelWrapper(onnx_model), pixels)
    lap("judge")

    hardware = finn_widths.minimise(finn_hardware.to_hardware(ModelWrapper(onnx_model)))
    _check_hardware(hardware, reference, pixels)
    lap("hardware")
    part, clock, fps = build["part"], build["clock_ns"], build["target_fps"]
    options = finn_options.options_of(build)
    cycles = None if fps is None else max(1, int(1e9 / clock / fps))
    built = finn_hardware.partition(hardware, folder / "partition")
    built = finn_hardware.specialise(finn_options.set_options(built, options), part)
    built = finn_folding.fold(built, cycles, build["mvau_wwidth_max"])
    built = finn_folding.apply_folding(built, build["folding"] or {})
    finn_streams.check(built)
    _check_names(built, graph)
    built = finn_widths.minimise(built)
    estimates = finn_estimates.estimate(built, part, build["board"], clock, folder / "report")
    written = finn_folding.folding_of(built)
    board = spec.target.board
    _check_estimates(graph, board, build, cycles, folder / "ranges.json", estimates, written)
    lap("estimates")
    nodes = len(built.graph.node)
    built, _ = finn_names.finn_names(_with_converters(built, part))
    finn_hardware.generate_code(built, part, clock)
    if finn_hardware.without_code(built):
        raise Differs(f"no code for {finn_hardware.without_code(built)}")
    lap("codegen")
    compared = sum(values.size for values in reference.values())
    return Carried(compared, nodes, estimates["network"], seconds)


def _check_names(model: ModelWrapper, graph: Graph) -> None:
    """Every hardware node is of a layer of the spec, but for the choice of the class at its end."""
    for node in model.graph.node:
        layer = finn_names.layer_of(node.name)
        if layer not in graph.by_name and layer != "classify":
            raise Differs(f"{node.name} is of no layer of the spec")


def _check_estimates(
    graph: Graph,
    board: Board,
    build: dict[str, Any],
    cycles: int | None,
    known: Path,
    finn: dict[str, Any],
    written: dict[str, Any],
) -> None:
    """What `nashc estimate --weights` says of the folding that is built is FINN's own estimate, node by node.

    written: the folding.json of the build, which nashc takes and which changes nothing.
    """
    costs = MODELS["finn-plus-1.6"]
    asked = Wanted(*(build["finn"][name] for name in ("prefer", "mem_mode", "ram_style")))
    nodes = costs.hardware(graph, build["part"], load_ranges(known), asked)
    foldings = costs.fold(nodes, cycles, build["mvau_wwidth_max"])
    if build["folding"]:
        others = costs.nodes_of_any_numbers(graph, build["part"], asked)
        foldings = apply_file(build["folding"], nodes, foldings, Place("folding"), board, others)
    if apply_file(written, nodes, foldings, Place("written"), board) != foldings:
        raise Differs("the folding.json of the build is another one to nashc")
    ours = estimate(nodes, foldings, costs, build["part"], build["clock_ns"])
    columns = ("cycles", "lut", "bram18", "uram", "dsp")
    told = {
        row.node.name: (row.node.op_type, *(getattr(row, name) for name in columns))
        for row in ours.nodes
    }
    for layer in finn["layers"]:
        wanted, found = (layer["op"], *(layer[n] for n in columns)), told.pop(layer["name"], None)
        if found != wanted:
            raise Differs(f"estimate of {layer['name']}: FINN {wanted}, nashc {found}")
    if told:
        raise Differs(f"nashc has nodes that FINN has not: {sorted(told)}")


def _with_converters(model: ModelWrapper, part: str) -> ModelWrapper:
    """With the width converters that FINN puts in before it sizes FIFOs."""
    from finn.transformation.fpgadataflow.insert_dwc import InsertDWC
    from finn.transformation.fpgadataflow.specialize_layers import SpecializeLayers

    return model.transform(InsertDWC()).transform(SpecializeLayers(part))


def with_random_weights(model: ModuleType, seed: int) -> nn.Module:
    """A network nobody trained, batch norms of both signs; statistics such that few activations are saturated."""
    torch.manual_seed(seed)
    network = model.Network()
    draws = torch.Generator().manual_seed(seed + 1)
    norms = [m for m in network.modules() if isinstance(m, nn.BatchNorm2d)]
    for norm in norms:
        channels = norm.num_features
        norm.weight.data = torch.rand(channels, generator=draws) * 3 - 1.5
        norm.bias.data = torch.rand(channels, generator=draws) - 0.25
        norm.momentum = 1.0
    pixels = torch.from_numpy(random_images(model, 4, seed)).float()
    network.train()
    with torch.no_grad():
        network(pixels)
    for norm in norms:
        # One sample of a 1x1 image has no spread, and torch then keeps nan.
        norm.running_var.nan_to_num_(1.0)
        norm.running_var.clamp_(min=1e-3)
    return network.eval()


def random_images(model: ModuleType, count: int, seed: int) -> np.ndarray:
    """N x C x H x W whole numbers, smooth enough that neighbours resemble each other."""
    bits = int(re.fullmatch(r"UINT(\d)", model.INPUT_DTYPE).group(1))  # type: ignore[union-attr]
    draws = np.random.default_rng(seed)
    return draws.integers(0, 2**bits, (count, *model.INPUT_SHAPE)).astype(np.uint8)


def module_of(folder: Path, name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, folder / f"{name}.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def _check_integers(
    exact: nn.Module, integers: IntegerGraph, graph: ModelWrapper, pixels: np.ndarray
) -> dict[str, np.ndarray]:
    """Every tensor of the integer graph, after it was held to the float64 network at every activation."""
    made = {tensor for node in graph.graph.node for tensor in node.output}
    paths = boundary_paths(exact, integers.boundaries)
    expected = Recorder(exact, paths).run(pixels.astype(np.float64))
    runner = Runner(graph, made, checks_datatypes=True)
    found = runner.run(pixels.transpose(0, 2, 3, 1))
    for boundary in integers.boundaries:
        if boundary.tensor not in made:
            continue
        wanted = expected.integers[boundary.layer]
        got = found[boundary.tensor].reshape(wanted.shape)
        if not np.array_equal(got, wanted):
            raise Differs(
                f"{boundary.layer}: {int((got != wanted).sum())} of {wanted.size} integers differ"
            )
    logits = found[graph.get_metadata_prop("logits_tensor")]
    unit = float(graph.get_metadata_prop("logits_scale"))
    if not np.array_equal(logits, np.rint(expected.logits / unit)):
        raise Differs("logits")
    if runner.out_of_range:
        raise Differs(f"out of range in the integer graph: {runner.out_of_range[0]}")
    return found


def _check_hardware(
    hardware: ModelWrapper, reference: dict[str, np.ndarray], pixels: np.ndarray
) -> None:
    made = {tensor for node in hardware.graph.node for tensor in node.output}
    common = [tensor for tensor in reference if tensor in made]
    runner = Runner(hardware, common, checks_datatypes=True)
    found = runner.run(pixels.transpose(0, 2, 3, 1))
    for tensor in common:
        got, wanted = found[tensor].reshape(reference[tensor].shape), reference[tensor]
        if not np.array_equal(got, wanted):
            raise Differs(f"FINN's {tensor}: {int((got != wanted).sum())} of {wanted.size} differ")
    if runner.out_of_range:
        raise Differs(f"out of range in FINN's layers: {runner.out_of_range[0]}")
    chosen = found[runner.outputs[0]].reshape(-1)
    if not np.array_equal(chosen, reference["class"].reshape(-1)):
        raise Differs("FINN's class")
