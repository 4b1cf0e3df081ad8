"""The order of the passes, top to bottom."""

from __future__ import annotations

from collections.abc import Callable

from nashc.diagnostics import Problems
from nashc.ir import Graph
from nashc.passes.attach_cells import attach_cells
from nashc.passes.check_bit_rules import check_bit_rules
from nashc.passes.check_finn import check_finn
from nashc.passes.check_floorplan import check_floorplan
from nashc.passes.check_names import check_names
from nashc.passes.check_searched_bits import check_searched_bits
from nashc.passes.infer_types import infer_types
from nashc.passes.quantise_joins import quantise_joins
from nashc.schema import Spec

Pass = Callable[[Graph, Spec, Problems], Graph]

PIPELINE: tuple[Pass, ...] = (
    infer_types,  # shapes of the backbone, which the cells need
    attach_cells,  # NAS branches: choices, or the operations of the genotype
    quantise_joins,  # one shared quantiser in front of every add
    check_names,
    infer_types,
    check_bit_rules,
    check_searched_bits,
    check_floorplan,
    check_finn,
)


def run(graph: Graph, spec: Spec, problems: Problems) -> Graph:
    """The graph after all passes; stops after a pass that found mistakes."""
    for step in PIPELINE:
        graph = step(graph, spec, problems)
        problems.check()
    return graph
