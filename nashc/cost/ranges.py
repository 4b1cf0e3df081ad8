"""What a trained network's numbers say about its hardware, as `export.py` writes it: ranges.json."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from nashc.cost.types import Range
from nashc.diagnostics import Diagnostic, SpecError
from nashc.ir import Graph

FORMAT = 1


@dataclass(frozen=True)
class Ranges:
    """By name of the node of the integer graph.

    weights, accumulators: of each matrix product; accumulators for every input that the input's data type allows.
    thresholds: of each activation. signs: factors of batch norms that multiply some channels by -1. turned: what is
    taken off some channels after a pool, to turn them round. kinds: of matrix products and activations, as
    `integer.kinds` tells them; files from before they were written have none.
    """

    weights: Mapping[str, Range]
    accumulators: Mapping[str, Range]
    thresholds: Mapping[str, Range]
    signs: Mapping[str, Range]
    turned: Mapping[str, Range]
    kinds: Mapping[str, str] = field(default_factory=dict)

    def without(self, writeable: Collection[str]) -> Ranges:
        """As FINN minimises when these units' weights or thresholds may be written at run time: for any numbers of their types."""
        read = [
            {name: values for name, values in ranges.items() if name not in writeable}
            for ranges in (self.accumulators, self.thresholds)
        ]
        return replace(self, accumulators=read[0], thresholds=read[1])


def turning(graph: Graph) -> Ranges:
    """Those of a network in which training turned channels round wherever it can: with every node that there may be."""
    norms = [node.name for node in graph.nodes if node.op == "batchnorm"]
    pools = [node.name for node in graph.nodes if node.op == "maxpool"]
    return Ranges({}, {}, {}, dict.fromkeys(norms, (-1, 1)), dict.fromkeys(pools, (0, 3)))


def load(path: Path) -> Ranges:
    """Read ranges.json. Errors: NASH453 if it is something else."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        if data["format"] != FORMAT:
            raise ValueError
        layers: dict[str, dict[str, Any]] = data["layers"]

        def column(key: str) -> dict[str, Range]:
            return {name: _range(layer[key]) for name, layer in layers.items() if key in layer}

        return Ranges(
            column("weights"),
            column("accumulator"),
            column("thresholds"),
            column("signs"),
            column("turned"),
            {name: str(layer["kind"]) for name, layer in layers.items() if "kind" in layer},
        )
    except OSError as error:
        raise _wrong(path, f"{path} cannot be read: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise _wrong(path, f"{path} is not the ranges.json of an exported network") from error


def _range(value: Any) -> Range:
    low, high = value
    if type(low) is not int or type(high) is not int or low > high:
        raise ValueError(value)
    return low, high


def _wrong(path: Path, text: str) -> SpecError:
    hint = "`nashc run SPEC --to export` writes it among its results, export.py into results/export"
    return SpecError([Diagnostic("NASH453", text, help=hint)])
