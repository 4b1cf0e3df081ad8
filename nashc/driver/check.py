"""Whether anything of a spec is wrong, before anything runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from nashc.diagnostics import SpecError
from nashc.emit.settings import settings
from nashc.ir import Graph
from nashc.lower import lower
from nashc.schema import Spec, load


def check(path: Path, overrides: Mapping[str, str]) -> Graph:
    """The network of a spec in which nothing is wrong, nor in any of those that it compares with. Errors: SpecError."""
    spec, graph = _one(path, overrides)
    for variant in spec.compare:
        try:
            _one(path, {**overrides, **variant})
        except SpecError as error:
            words = " ".join(f"{name} = {value}" for name, value in variant.items())
            raise SpecError(
                replace(each, message=f"compared with {words}: {each.message}")
                for each in error.diagnostics
            ) from error
    return graph


def _one(path: Path, overrides: Mapping[str, str]) -> tuple[Spec, Graph]:
    spec = load(path, overrides)
    graph = lower(spec)
    settings(spec, graph)  # which finds the folding, and what a budget leaves to find
    return spec, graph
