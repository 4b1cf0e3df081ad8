"""Small networks of all kinds with the question of their folding, for tests without FINN and with it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from nashc.cost.cost import RESOURCES
from nashc.cost.estimate import Estimate, estimate
from nashc.cost.fold import Folding
from nashc.cost.hardware import hardware
from nashc.cost.models import MODELS
from nashc.cost.ranges import Ranges
from nashc.cost.set_folding import set_folding
from nashc.fold.hardware import Hardware
from nashc.lower import lower
from nashc.schema import Spec, load
from nashc.schema.models import Target
from tests.cost.specs import write_small

MODEL = MODELS["finn-plus-1.6"]


@dataclass(frozen=True)
class Network:
    spec: Spec
    target: Target
    hardware: Hardware

    def figures(self, foldings: dict[str, Folding]) -> Estimate:
        board, clock = self.target.board, self.target.clock
        return estimate(self.hardware.nodes, foldings, MODEL, board.part, clock)

    def finns_folding(self, fps: float) -> dict[str, Folding]:
        cycles = max(1, int(1e9 / self.target.clock / fps))
        width = self.target.mvau_wwidth_max
        return set_folding(self.hardware.nodes, MODEL.cycles, cycles, width)


def network(path: Path, ranges: Ranges | None = None) -> Network:
    spec = load(path, {})
    assert spec.target
    part, width = spec.target.board.part, spec.target.mvau_wwidth_max
    nodes = hardware(lower(spec), part, ranges)
    return Network(spec, spec.target, Hardware(nodes, MODEL, part, width))


def small(folder: Path, name: str, seed: int) -> Network:
    path = write_small(folder, name, seed)
    # Images of any size: those of cifar10 have one.
    path.write_text(path.read_text().replace('cifar10("images")', 'folder("images")'))
    return network(path)


def used(figures: Estimate) -> dict[str, float]:
    return {name: float(figures.total(name)) for name in RESOURCES}
