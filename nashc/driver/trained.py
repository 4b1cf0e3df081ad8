"""The ranges.json of a trained network, found from what a user has at hand: it, its folder, a project, or the weights."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from nashc.diagnostics import Diagnostic, SpecError
from nashc.driver.store import RECORD
from nashc.text import pasted

NAME = "ranges.json"


def ranges_file(given: Path) -> Path:
    """given: a ranges.json; a folder with one, such as a result of export or a whole project; or exported weights.

    Errors: NASH453 if there is none, or there are several.
    """
    if given.is_dir():
        found = _in_folder(given)
        if not found:
            text = f"{given} holds no {NAME}: nothing in it is the export of a trained network"
            raise SpecError([_diagnostic(text, "`nashc run SPEC --to export` makes it")])
    elif given.suffix == ".json" or not given.exists():
        return given
    else:
        found = _of_weights(given)
        if not found:
            text = f"{given} has no {NAME} beside it: which values its layers take is known once it is exported"
            way = (
                "`nashc run SPEC --to export`, or in the compiled project "
                f"`python export.py --weights {pasted(given)} --out DIR`, and then --weights DIR"
            )
            raise SpecError([_diagnostic(text, way)])
    if len(found) > 1:
        text = f"{given} has {len(found)} exports with a {NAME}"
        raise SpecError([_diagnostic(text, f"name one: {', '.join(map(_told, found))}")])
    return found[0]


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
