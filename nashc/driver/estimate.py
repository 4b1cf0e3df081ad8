"""`nashc estimate`: the hardware figures of a spec, before anything is trained."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nashc.cost.backends import Wanted
from nashc.cost.cost import RESOURCES
from nashc.cost.estimate import Estimate, NodeCost, estimate, nodes_json
from nashc.cost.folding_file import Content, Place, apply, read, writeable
from nashc.cost.models import MODELS
from nashc.diagnostics import Diagnostic, SpecError
from nashc.driver.found import FOUND, found_of
from nashc.ir import Graph, TensorType
from nashc.lower import lower
from nashc.ops import REGISTRY
from nashc.report.figures import known_sum
from nashc.schema import Spec, load
from nashc.schema.models import Target
from nashc.text import pasted

BEFORE_TRAINING = "before training: sums and thresholds as wide as their types allow"


@dataclass(frozen=True)
class Question:
    """weights: the trained network, as `trained.ranges_of` takes it; None before training. folding: FINN's folding file, laid over FINN's
    own folding for the target."""

    spec: Path
    overrides: Mapping[str, str]
    model: str
    weights: Path | None = None
    folding: Path | None = None


@dataclass(frozen=True)
class Layer:
    """One layer of the spec: cycles of its slowest node, resources of all its nodes, weights, and products a frame.

    A resource is None where none of its nodes has a count of it.
    """

    name: str
    cycles: int
    lut: int | None
    bram18: int | None
    uram: int | None
    dsp: int | None
    weights: int
    macs: int


@dataclass(frozen=True)
class Answer:
    """The figures of one variant of a spec; `compare` holds those of its other variants.

    left_out: what the spec says of the build and the model has no regard to. given: nodes with a folding of their own, not FINN's.
    """

    spec: Spec
    target: Target
    found: Estimate
    layers: tuple[Layer, ...]
    is_trained: bool
    left_out: tuple[str, ...] = ()
    given: frozenset[str] = frozenset()
    compare: tuple[Answer, ...] = ()

    @property
    def fits(self) -> bool | None:
        """Whether the board has enough of everything.

        None where FINN does not know what it has, or all that is counted fits and something is not counted.
        """
        shares = self.found.shares(self.target.board)
        if shares is None:
            return None
        if any(share > 1 for share in shares.values()):
            return False
        return None if self.found.not_counted else True

    @property
    def types(self) -> str:
        """How wide sums and thresholds are taken to be, in words."""
        if self.is_trained:
            return "with the values of the trained network"
        return BEFORE_TRAINING

    def to_json(self) -> dict[str, Any]:
        found = self.found
        shares = found.shares(self.target.board)
        return {
            "model": found.model,
            "network": self.spec.name,
            "params": {name: str(value) for name, value in self.spec.params.items()},
            "types": self.types,
            "fps": found.fps,
            "latency_ms": found.latency_ms,
            "latency_means": found.latency_means,
            "cycles": found.cycles,
            **{name: found.total(name) for name in RESOURCES},
            "weights": sum(layer.weights for layer in self.layers),
            "macs": sum(layer.macs for layer in self.layers),
            "bottleneck": found.slowest.node.name,
            "clock_ns": self.target.clock,
            "board": self.target.board.name,
            # A board with none of a resource that is needed has no share; JSON knows no infinity.
            "shares": shares and {k: v if v < float("inf") else None for k, v in shares.items()},
            "fits": self.fits,
            "not_counted": found.not_counted,
            "left_out": list(self.left_out),
            "layers": [vars(layer) for layer in self.layers],
            "nodes": nodes_json(found),
            "compare": [other.to_json() for other in self.compare],
        }


def answer(question: Question) -> Answer:
    """The figures of a spec and of what it compares with. Errors: SpecError."""
    spec = load(question.spec, question.overrides)
    others = []
    if question.weights is None:
        for variant in spec.compare:
            others.append(_one(load(question.spec, {**question.overrides, **variant}), question))
    first = _one(spec, question)
    return Answer(**{**vars(first), "compare": tuple(others)})


def cost_of(spec: Spec, model: str) -> Answer:
    """The figures of a loaded spec alone, before training. Errors: SpecError."""
    return _one(spec, Question(spec.path, {}, model))


def _one(spec: Spec, question: Question) -> Answer:
    target = known_target(spec)
    graph = lower(spec)
    model = MODELS[question.model]
    wanted = Wanted.of(spec)
    known = None
    if question.weights:
        from nashc.driver.trained import ranges_of  # with what it loads of the driver

        known = ranges_of(question.weights, graph)
    nodes = model.hardware(graph, target.board.part, known, wanted)
    cycles = None if target.fps is None else max(1, int(1e9 / target.clock / target.fps))
    foldings = dict(model.fold(nodes, cycles, target.mvau_wwidth_max))
    content: Content = {}
    if question.folding:
        place, content = Place(str(question.folding)), read(question.folding)
        others = model.nodes_of_any_numbers(graph, target.board.part, wanted)
        foldings = apply(content, nodes, foldings, place, target.board, others)
    elif target.folding:
        from nashc.fold.of_target import folding_of_target

        content = target.folding.content or {}
        foldings = folding_of_target(spec, graph, nodes, foldings, model)
    is_optimal = target.folding is not None and not question.folding and not content
    given = frozenset(foldings if is_optimal else content)
    if known is not None and writeable(content):
        nodes = model.hardware(graph, target.board.part, known.without(writeable(content)), wanted)
    found = estimate(nodes, foldings, model, target.board.part, target.clock)
    left_out = tuple(name for name in model.leaves_out if getattr(spec.finn, name) != "auto")
    return Answer(spec, target, found, _layers(graph, found), known is not None, left_out, given)


def known_target(spec: Spec) -> Target:
    """The target of a spec whose network is known. Errors: NASH451, NASH452."""
    if spec.is_searched:
        text = f"`{spec.name}` has cells whose architecture is not known yet"
        span = spec.cells[0].span if spec.searches_cells else None
        finds, instead = "it", "write a genotype"
        if not spec.searches_cells:
            what = "bit widths" if spec.searches_bits else "numbers of channels"
            text = f"`{spec.name}` has layers whose {what} are not known yet"
            finds, instead = "them", "write one alternative instead of each list"
        search = f"`nashc run {pasted(spec.path)} --to search` finds {finds} and writes {FOUND} into the project"
        found = found_of(spec.path, spec.name)
        if found:
            search = f"a search has written {pasted(found)}"
        hint = f"{search}: estimate that, or {instead}"
        raise SpecError([Diagnostic("NASH451", text, span, help=hint)])
    if spec.target is None:
        text = f"`{spec.name}` does not say for which board"
        raise SpecError([Diagnostic("NASH452", text, help="add `target { board = U250 }`")])
    return spec.target


def _layers(graph: Graph, found: Estimate) -> tuple[Layer, ...]:
    rows: dict[str, list[NodeCost]] = {}
    for row in found.nodes:
        rows.setdefault(row.node.layer, []).append(row)
    return tuple(
        Layer(
            name=name,
            cycles=max(row.cycles for row in group),
            lut=known_sum(row.resource("lut") for row in group),
            bram18=known_sum(row.resource("bram18") for row in group),
            uram=known_sum(row.resource("uram") for row in group),
            dsp=known_sum(row.resource("dsp") for row in group),
            **_work(graph, name),
        )
        for name, group in rows.items()
    )


def _work(graph: Graph, layer: str) -> dict[str, int]:
    node = graph.by_name.get(layer)
    if node is None or "weight_bits" not in node.params:
        return {"weights": 0, "macs": 0}
    op = REGISTRY[node.op]
    inputs = tuple(TensorType(x.shape, x.dtype) for x in map(graph.node, node.inputs))
    result = TensorType(node.shape, node.dtype)
    work = op.work(op.params.model_validate(dict(node.params)), inputs, result)
    return {"weights": work.weight_bits // node.params["weight_bits"], "macs": work.macs}
