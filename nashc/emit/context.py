"""What each template may use: one frozen dataclass per template.

Only names checked by the grammar, numbers and text made by `code.py` go into these: no string of a
spec reaches a template.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from nashc.emit.code import Layer, Part
from nashc.emit.lowering import Call


@dataclass(frozen=True, kw_only=True)
class ModelFile:
    TEMPLATE: ClassVar[str] = "brevitas/model.py.j2"
    name: str
    spec_name: str
    input_shape: tuple[int, int, int]
    input_dtype: str
    input_scale: str
    classes: int
    has_adds: bool
    quantisers: tuple[str, ...]
    parts: tuple[Part, ...]
    network_class: str
    network_doc: str
    network_layers: tuple[Layer, ...]
    calls: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class SupernetFile:
    TEMPLATE: ClassVar[str] = "brevitas/supernet.py.j2"
    name: str
    spec_name: str
    input_shape: tuple[int, int, int]
    input_scale: str
    classes: int
    precision: str
    quantisers: tuple[str, ...]
    searched_layers: tuple[str, ...]
    channel_layers: tuple[str, ...]
    has_small_maps: bool
    op_sets: tuple[tuple[str, tuple[str, ...]], ...]
    parts: tuple[Part, ...]
    network_class: str
    network_doc: str
    network_layers: tuple[Layer, ...]
    calls: tuple[str, ...]
    cells: tuple[tuple[str, tuple[tuple[int, int, str], ...]], ...]


@dataclass(frozen=True, kw_only=True)
class LoweringFile:
    TEMPLATE: ClassVar[str] = "finn/lowering.py.j2"
    name: str
    spec_name: str
    calls: tuple[Call, ...]
    output: str


@dataclass(frozen=True, kw_only=True)
class ReadmeFile:
    TEMPLATE: ClassVar[str] = "project/README.md.j2"
    name: str
    spec_name: str
    version: str
    has_search: bool
    has_budget: bool
    has_model: bool
