"""The folding that the target of a spec asks for: `folding = optimal`, or a file."""

from __future__ import annotations

from collections.abc import Mapping

from nashc.cost.backends import Wanted
from nashc.cost.fold import Folding
from nashc.cost.folding_file import Place, apply
from nashc.cost.models import MODELS, Model
from nashc.cost.nodes import HwNode
from nashc.fold.ask import Folded, ask
from nashc.fold.hardware import Hardware
from nashc.fold.wish import wish
from nashc.ir import Graph
from nashc.schema import Spec

MODEL = "finn-plus-1.6"
"""The model of the FINN that builds."""


def folding_of_target(
    spec: Spec,
    graph: Graph,
    nodes: tuple[HwNode, ...],
    foldings: Mapping[str, Folding],
    model: Model,
) -> dict[str, Folding]:
    """The folding of all nodes; foldings: what those get that a file does not name.

    The best is that of the untrained network, with which the build begins whatever is trained.
    Errors: NASH454 for a file that does not fit, NASH461 where nothing fits the budget.
    """
    target = spec.target
    assert target and target.folding
    content = target.folding.content or {}
    if target.folding.kind == "optimal":
        found = best(spec, graph, model.builds_like or model)
        content = found.file()
        foldings = model.fold(nodes, found.estimate.cycles, target.mvau_wwidth_max)
    place = Place("the folding file", spec.spans.value(("target", "folding")))
    others = model.nodes_of_any_numbers(graph, target.board.part, Wanted.of(spec))
    return apply(content, nodes, foldings, place, target.board, others)


def check_file(spec: Spec, graph: Graph) -> None:
    """Errors: NASH454 if the spec names a folding file that does not fit its layers."""
    target = spec.target
    if target is None or target.folding is None or target.folding.kind != "file":
        return
    model = MODELS[MODEL]
    nodes = model.hardware(graph, target.board.part, None, Wanted.of(spec))
    cycles = None if target.fps is None else max(1, int(1e9 / target.clock / target.fps))
    foldings = model.fold(nodes, cycles, target.mvau_wwidth_max)
    folding_of_target(spec, graph, nodes, foldings, model)


def settings_of_target(spec: Spec, graph: Graph | None) -> tuple[float | None, object]:
    """For the build program: the frame rate for what no folding names, and the content of FINN's folding file.

    A trained network has layers that are not known before (signs of batch norms); FINN folds these for the rate.
    """
    target = spec.target
    assert target
    if target.folding is None:
        return target.fps, None
    if target.folding.kind == "file":
        return target.fps, target.folding.content
    assert graph, spec.name
    found = best(spec, graph, MODELS[MODEL])
    # A rate whose cycles are those of the folding, however it is rounded.
    return 1e9 / target.clock / (found.estimate.cycles + 0.5), found.file()


def best(spec: Spec, graph: Graph, model: Model) -> Folded:
    """What `nashc fold` finds without options, within the budget of the spec."""
    target = spec.target
    assert target and target.folding
    nodes = model.hardware(graph, target.board.part, None, Wanted.of(spec))
    asked = wish(target.board, budget=target.folding.budget, aim=target.fps)
    return ask(
        Hardware(nodes, model, target.board.part, target.mvau_wwidth_max), asked, target.clock
    )
