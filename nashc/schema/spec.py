"""The resolved spec: everything that later rooms need, nothing of how it was written but the spans."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from nashc import __version__
from nashc.schema.backbone import BackboneUse, definitions
from nashc.schema.bit_rules import BitRule
from nashc.schema.cells import Cell
from nashc.schema.files import Module
from nashc.schema.floorplan import Place
from nashc.schema.genotype import Choice
from nashc.schema.mistakes import SpanTable
from nashc.schema.models import Finn, Network, Search, Target, Train
from nashc.text import Span
from nashc.vocab.bits import Bits


@dataclass(frozen=True)
class Setting:
    """One effective value and where it came from; for people."""

    path: str
    value: str
    origin: str


@dataclass(frozen=True, eq=False)
class Spec:
    """A legal spec with every value in place."""

    name: str
    path: Path
    params: Mapping[str, Any]
    network: Network
    backbone: BackboneUse
    bit_rules: tuple[BitRule, ...]
    cells: tuple[Cell, ...]
    genotype: Mapping[str, tuple[Choice, ...]] | None
    genotype_spans: Mapping[str, Span]
    search: Search | None
    train: Train | None
    target: Target | None
    finn: Finn | None
    floorplan: tuple[Place, ...]
    compare: tuple[Mapping[str, str], ...]
    overrides: Mapping[str, str]
    module: Module
    spans: SpanTable

    @property
    def is_searched(self) -> bool:
        """Whether a search has to find something first: what the cells hold, bit widths, or numbers of channels."""
        return self.searches_cells or self.searches_places

    @property
    def searches_places(self) -> bool:
        """Whether a list lets a search choose."""
        return self.searches_bits or self.searches_channels

    @property
    def searches_cells(self) -> bool:
        return bool(self.cells) and self.genotype is None

    @property
    def searches_bits(self) -> bool:
        return any(rule.alternatives for rule in self.bit_rules)

    @property
    def searches_channels(self) -> bool:
        return bool(self.backbone.lists)

    def with_channels(self, chosen: Mapping[str, int]) -> Spec:
        """The spec with these numbers, by place, where it lets a search choose; the largest elsewhere."""
        return replace(self, backbone=self.backbone.with_channels(chosen, self.params))

    def with_bits(self, chosen: Mapping[str, Bits]) -> Spec:
        """The spec with these widths, by place, where it lets a search choose; the first alternative elsewhere."""
        rules = (
            replace(rule, alternatives=(), chosen=chosen) if rule.alternatives else rule
            for rule in self.bit_rules
        )
        return replace(self, bit_rules=tuple(rules))

    def bits_of(self, path: str, role: str) -> Bits:
        """Bit widths of a layer: its role's, overridden by every rule that matches, the last one winning."""
        bits: Bits = getattr(self.network.bits, role)
        for rule in self.bit_rules:
            if rule.matches(path):
                bits = rule.bits_at(path).over(bits)
        return bits

    @property
    def sources(self) -> tuple[Path, ...]:
        """The file and those it extends, the most basic first."""
        return tuple(Path(module.file.source.path) for module in self.module.chain)

    @property
    def digest(self) -> str:
        """sha256 of what the spec means: values and definitions, not comments or layout."""
        text = json.dumps(self.meaning(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()

    def meaning(self) -> dict[str, Any]:
        """The spec as plain data for JSON."""
        return {
            "nashc": __version__.rsplit(".", 1)[0],
            "name": self.name,
            "network": _plain(self.network.model_dump()),
            "backbone": {
                "definitions": definitions(self.backbone.definition),
                "args": _plain(dict(self.backbone.args)) | self._lists(),
            },
            "bit_rules": [
                [rule.pattern, *map(str, rule.alternatives or (rule.bits,))]
                for rule in self.bit_rules
            ],
            "cells": [
                {
                    "scope": [cell.each, cell.scope],
                    "settings": _plain(cell.settings.model_dump()),
                    "edges": [
                        [*e, [str(op) for op in ops]] for e, ops in sorted(cell.edge_ops.items())
                    ],
                }
                for cell in self.cells
            ],
            "genotype": None
            if self.genotype is None
            else {k: [[str(c.op), c.source] for c in v] for k, v in self.genotype.items()},
            **{
                name: _plain(section.model_dump()) if section else None
                for name, section in (
                    ("search", self.search),
                    ("train", self.train),
                    ("target", self.target),
                    ("finn", self.finn),
                )
            },
            "floorplan": [[place.pattern, place.region] for place in self.floorplan],
        }

    def _lists(self) -> dict[str, Any]:
        return {it.argument: list(it.alternatives) for it in self.backbone.lists}

    def effective(self) -> list[Setting]:
        """Every value in force with the place it came from, `default` where nobody wrote it."""
        rows = [
            Setting(f"param.{k}", str(v), self._origin(("param", k)))
            for k, v in self.params.items()
        ]
        sections: dict[str, BaseModel | None] = {
            "network": self.network,
            "search": self.search,
            "train": self.train,
            "target": self.target,
            "finn": self.finn,
        }
        for name, section in sections.items():
            rows.extend(self._rows((name,), section) if section else [])
            rows.extend(self._of_network() if name == "network" else ())
        for cell in self.cells:
            key = f"cell in {'each ' if cell.each else ''}{cell.scope}"
            rows.extend(self._rows((key,), cell.settings))
        for scope, choices in (self.genotype or {}).items():
            text = ", ".join(f"{choice.op} from {choice.source}" for choice in choices)
            rows.append(Setting(f"genotype.{scope}", text, str(self.genotype_spans[scope])))
        return rows

    def _of_network(self) -> Iterator[Setting]:
        """The arguments of the backbone, and the bit widths that name layers."""
        use = self.backbone
        args = {**use.args, **self._lists()}
        for name, source in use.sources.items():
            origin = str(source.span) if name in use.given else "default"
            yield Setting(f"network.backbone.{name}", _words(args[name]), origin)
        for rule in self.bit_rules:
            value = list(rule.alternatives) if rule.alternatives else rule.bits
            yield Setting(f"network.bits.{rule.pattern}", _words(value), str(rule.span))

    def _rows(self, path: tuple[str, ...], section: BaseModel) -> list[Setting]:
        rows = []
        for key, value in section:
            here = (*path, key)
            if isinstance(value, BaseModel):
                rows.extend(self._rows(here, value))
            else:
                rows.append(Setting(".".join(here), _words(value), self._origin(here)))
        return rows

    def _origin(self, path: tuple[str, ...]) -> str:
        if path[0] == "param" and path[1] in self.overrides:
            return "--set"
        span = self.spans.values.get(path)
        return str(span) if span else "default"


def _words(value: Any) -> str:
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_words, value)) + "]"
    if value is None:
        return "none"
    if isinstance(value, dict):
        return f"{len(value)} entries"
    return str(getattr(value, "name", value))


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    return str(getattr(value, "name", value))
