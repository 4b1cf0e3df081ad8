"""settings/*.json: what varies in the programs that are copied."""

from __future__ import annotations

import json
from typing import Any

from nashc.emit.searched_bits import settings_of_bits
from nashc.emit.searched_channels import settings_of_channels
from nashc.ir import Graph
from nashc.schema import Spec
from nashc.schema.models import Data
from nashc.space import hardware_terms


def text(values: dict[str, Any]) -> str:
    return json.dumps(values, indent=2, sort_keys=True, ensure_ascii=True) + "\n"


def table_text(values: dict[str, Any]) -> str:
    """The same with each item of a list of the first level on a line of its own."""
    lines = []
    for name, value in sorted(values.items()):
        items = [json.dumps(item, sort_keys=True) for item in value] if _is_table(value) else []
        said = (
            "[\n    " + ",\n    ".join(items) + "\n  ]"
            if items
            else json.dumps(value, sort_keys=True)
        )
        lines.append(f"  {json.dumps(name)}: {said}")
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _is_table(value: Any) -> bool:
    return isinstance(value, list) and any(isinstance(item, dict) for item in value)


def settings(spec: Spec, graph: Graph | None = None) -> dict[str, dict[str, Any]]:
    """The settings of each program by file name, without `.json`; graph: what `folding = optimal` is found for."""
    found: dict[str, dict[str, Any]] = {}
    terms = hardware_terms(spec)
    if spec.search and (spec.cells or spec.searches_places):
        found["search"] = _search(spec)
        if spec.searches_bits and graph:
            found["search"]["bits"] = settings_of_bits(spec, graph)
        if spec.searches_channels:
            found["search"]["channels"] = settings_of_channels(spec)
        # A budget changes nothing that a search learns, so the search does not read it.
        if terms and terms.weights:
            found["search"]["cost"] = dict(terms.weights)
            found["search_costs"] = dict(terms.table)
        if terms and spec.search.budget.is_asked:
            policy = found["search"]["policy"]
            found["derive"] = {"policy": policy, "limits": dict(terms.limits), **terms.table}
    if spec.train:
        train = spec.train.model_dump(exclude={"data", "warmup"})
        train["schedule"] = {**train["schedule"], "warmup": spec.train.warmup}
        found["train"] = {**train, "data": _data(spec, spec.train.data)}
        found["data"] = found["train"]["data"]
    if spec.target:
        found["build"] = _build(spec, graph)
    found["export"] = {"lowering": spec.finn.lowering if spec.finn else "direct"}
    return found


def _search(spec: Spec) -> dict[str, Any]:
    search = spec.search
    assert search
    alphas = search.alphas
    return {
        "epochs": search.epochs,
        "batch": search.batch,
        "seed": search.seed,
        "clip": search.clip,
        "seeds": search.seeds,
        "precision": search.precision,
        "estimator": search.estimator.model_dump(),
        "policy": spec.cells[0].settings.policy if spec.cells else None,
        "weights": {
            "optimiser": search.optimiser.model_dump(),
            "schedule": search.schedule.model_dump(),
        },
        "alphas": {"lr": alphas.lr, "betas": [0.0, 0.999], "weight_decay": alphas.weight_decay},
        "data": _data(spec, search.data),
        **({"amp": True} if search.amp else {}),
    }


def _data(spec: Spec, data: Data) -> dict[str, Any]:
    image = spec.network.input
    return {
        "kind": data.kind,
        "path": data.path,
        "channels": image.channels,
        "height": image.height,
        "width": image.width,
        "classes": spec.network.classes,
        "augment": {"flip": data.flip, "crop": data.crop},
    }


def _build(spec: Spec, graph: Graph | None) -> dict[str, Any]:
    target = spec.target
    assert target and spec.finn
    fps: float | None = target.fps
    folding = None
    if target.folding and not spec.is_searched:
        from nashc.fold.of_target import settings_of_target  # numpy and scipy, when asked for

        fps, folding = settings_of_target(spec, graph)
    return {
        "board": target.board.name,
        "part": target.board.part,
        "shell": target.board.shell,
        "resources": dict(vars(target.board.resources)),
        "clock_ns": target.clock,
        "target_fps": fps,
        "mvau_wwidth_max": target.mvau_wwidth_max,
        "folding": folding,
        "finn": {
            **spec.finn.model_dump(exclude={"lowering"}),
            "floorplan": {place.pattern: place.region for place in spec.floorplan},
        },
    }
