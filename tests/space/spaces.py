"""Small search spaces of every shape, and networks drawn from them."""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nashc.cost.cost import RESOURCES
from nashc.driver.estimate import Question, answer
from nashc.lower import lower
from nashc.schema import load
from nashc.space.alternatives import Alternatives, alternatives
from nashc.space.pricing import MODEL
from nashc.space.table import SpaceTable
from support.budget.costs import FIGURES, SearchCosts
from support.budget.joint_costs import JointCosts
from support.derivation.cells import MAX_POOL, Edge
from support.derivation.places import Place

_SPEC = """nash 1
use basic from "nashc/resnet.nash"
backbone tiny(width = 8) {
  stem:   conv 3x3(width) -> bn -> act
  group0: basic(width) * 2
  group1: basic(2 * width, stride = 2, project = true)
  head:   avgpool -> fc: linear(classes)
}
network tiny {
  input    = UINT8 1x8x8
  classes  = 10
  backbone = tiny(width = 8)
%(cells)s
  bits { backbone = %(backbone)s; nas = %(nas)s }
}
search { data = digits }
target { board = U250%(fps)s }
%(finn)s
"""


@dataclass(frozen=True)
class Space:
    """fps: 0 leaves FINN's nodes unfolded."""

    cells: str
    backbone: str = "w2a2"
    nas: str = "w1a8"
    fps: int = 0
    finn: str = ""

    def write(self, folder: Path) -> Path:
        path = folder / "space.nash"
        values = {**vars(self), "fps": f"; fps = {self.fps}" if self.fps else ""}
        path.write_text(_SPEC % values, encoding="utf-8")
        return path


def costs_of(path: Path) -> SearchCosts:
    return SearchCosts.of(SpaceTable(load(path)).to_json())


def choices_of(path: Path) -> Alternatives:
    spec = load(path)
    return alternatives(lower(spec), spec.cells[0].settings.policy)


def edges_drawn(path: Path, seed: int) -> dict[str, list[Edge]]:
    """The edges of all cells as a search might leave them."""
    rnd = random.Random(seed)
    graph = lower(load(path))
    found: dict[str, list[Edge]] = {}
    for node in graph.nodes:
        if node.op == "choice":
            p = node.params
            weights = _shares(len(p["ops"]), rnd)
            changes = graph.node(node.inputs[0]).shape[-1] != p["out"]
            edge = Edge(p["source"], p["target"], p["ops"], weights, changes, (1,) * len(weights))
            found.setdefault(p["cell"], []).append(edge)
    return {
        cell: sorted(edges, key=lambda it: (it.node, it.source)) for cell, edges in found.items()
    }


def places_drawn(costs: JointCosts, rnd: random.Random) -> list[Place]:
    """Bit widths or channels as a search might leave them."""
    return [Place(name, its, _shares(len(its), rnd), (1,) * len(its)) for name, its in costs.places]


def _shares(count: int, rnd: random.Random) -> tuple[float, ...]:
    """Softmax of drawn alphas."""
    powers = [2.0 ** rnd.uniform(-4, 4) for _ in range(count)]
    return tuple(power / sum(powers) for power in powers)


def without_max_pools(cells: dict[str, list[Edge]]) -> dict[str, list[Edge]]:
    """For policy v4."""
    return {
        cell: [
            Edge(
                it.source,
                it.node,
                tuple(op for op in it.ops if op != MAX_POOL),
                tuple(w for op, w in zip(it.ops, it.weights, strict=True) if op != MAX_POOL),
                it.changes_channels,
                it.trained[: len(it.ops) - (MAX_POOL in it.ops)],
            )
            for it in edges
        ]
        for cell, edges in cells.items()
    }


def estimated(path: Path, block: str) -> dict[str, int]:
    """What `nashc estimate` says of the network with what a search found: a genotype, bit widths, channels."""
    found = path.with_name("found.nash")
    found.write_text(f'nash 1\nextends "{path.name}"\n{block}', encoding="utf-8")
    total: dict[str, Any] = answer(Question(found, {}, MODEL)).to_json()
    assert set(FIGURES) == {"cycles", *RESOURCES}
    return {figure: total[figure] for figure in FIGURES}
