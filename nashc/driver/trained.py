"""The ranges of a trained network, found from what a user has at hand: it, its folder, a project, or the weights."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from nashc.cost import ranges
from nashc.cost.integer import integer_graph, kinds
from nashc.diagnostics import Diagnostic, SpecError
from nashc.driver.store import RECORD
from nashc.ir import Graph
from nashc.text import pasted

NAME = "ranges.json"


def ranges_of(given: Path, graph: Graph) -> ranges.Ranges:
    """given: a ranges.json; a folder with one, such as a result of export or a whole project; or exported weights.

    Of several exports it is the one of this network. Errors: NASH453 if there is none, or there are several.
    """
    found = {path: ranges.load(path) for path in _ranges_files(given)}
    others = {path: _difference(known, graph) for path, known in found.items()}
    ours = [path for path, other in others.items() if not other]
    if len(ours) == 1:
        return found[ours[0]]
    if len(found) == 1:
        [(path, other)] = others.items()
        text = f"{path} is of another network than `{graph.name}`: {other}"
        raise SpecError([_diagnostic(text, "export the network of this spec")])
    text = f"{given} has {len(found)} exports with a {NAME}"
    if not ours:
        listed = ", ".join(f"{_told(path)}: {other}" for path, other in others.items())
        text += f", each of another network than `{graph.name}`"
        raise SpecError([_diagnostic(text, f"export the network of this spec; {listed}")])
    raise SpecError([_diagnostic(text, f"name one: {', '.join(map(_told, ours))}")])


def _difference(known: ranges.Ranges, graph: Graph) -> str:
    """What tells the network of the ranges from this one, if anything does."""
    steps = integer_graph(graph, known)
    here = kinds(steps)
    products = {step.name for step in steps if step.op == "MatMul"}
    if other := sorted(products ^ set(known.weights)):
        return f"only one of them has {other[0]}"
    differ = (name for name, kind in known.kinds.items() if here.get(name, kind) != kind)
    name = next(differ, None)
    return f"{name} is {known.kinds[name]} there and {here[name]} here" if name else ""


def _ranges_files(given: Path) -> list[Path]:
    if given.is_dir():
        found = _in_folder(given)
        if not found:
            text = f"{given} holds no {NAME}: nothing in it is the export of a trained network"
            raise SpecError([_diagnostic(text, "`nashc run SPEC --to export` makes it")])
    elif given.suffix == ".json" or not given.exists():
        return [given]
    else:
        found = _of_weights(given)
        if not found:
            text = f"{given} has no {NAME} beside it: which values its layers take is known once it is exported"
            way = (
                "`nashc run SPEC --to export`, or in the compiled project "
                f"`python export.py --weights {pasted(given)} --out DIR`, and then --weights DIR"
            )
            raise SpecError([_diagnostic(text, way)])
    return found


def _in_folder(folder: Path) -> list[Path]:
    if (folder / NAME).is_file():
        return [folder / NAME]
    results = (folder, folder / "export", folder / "results" / "export")
    beneath = [path for each in results for path in (each / NAME, *sorted(each.glob(f"*/{NAME}")))]
    return [path for path in beneath if path.is_file()]


def _of_weights(weights: Path) -> list[Path]:
    """Beside the weights, or among the exports that were made of these very weights."""
    if (weights.parent / NAME).is_file():
        return [weights.parent / NAME]
    # results/train/KEY/weights.safetensors
    exports = sorted(weights.resolve().parent.parent.parent.glob(f"export/*/{NAME}"))
    with weights.open("rb") as content:
        digest = hashlib.file_digest(content, "sha256").hexdigest()
    return [path for path in exports if digest in _inputs(path.parent)]


def _inputs(folder: Path) -> set[Any]:
    try:
        record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
        return set(record["material"]["inputs"].values())
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return set()


def _told(path: Path) -> str:
    """The folder of an export, and the variant of which it is."""
    try:
        label = json.loads((path.parent / RECORD).read_text(encoding="utf-8"))["label"]
    except (OSError, ValueError, KeyError, TypeError):
        label = ""
    return f"{path.parent}{f' ({label})' if label else ''}"


def _diagnostic(text: str, help: str) -> Diagnostic:
    return Diagnostic("NASH453", text, help=help)
