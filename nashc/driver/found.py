"""The found architecture as a spec of its own: `found.nash` extends the searched spec by what was chosen."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from nashc.diagnostics import Diagnostic, SpecError

FOUND = "found.nash"
_EXTENDS = re.compile(r'^extends "(?P<base>[^"]+)"', re.MULTILINE)
_SEARCH = re.compile(r"^# search (?P<key>[0-9a-f]+): (?P<origin>.*)$", re.MULTILINE)
_BLOCKS = re.compile(r"^(?:genotype|network \w+) \{\n.*?^\}\n?", re.MULTILINE | re.DOTALL)
_DERIVATION = re.compile(
    r"^# derivation (?P<digest>[0-9a-f]+): within (?P<limits>.*)$", re.MULTILINE
)


@dataclass(frozen=True)
class Derivation:
    """How a budget chose among the networks of a search. digest: of all that this depends on. limits: in words."""

    digest: str
    limits: str


def found_text(
    *,
    base: Path,
    folder: Path,
    overrides: Mapping[str, str],
    key: str,
    blocks: str,
    origin: str,
    derivation: Derivation | None = None,
) -> str:
    """The text of `folder/found.nash`.

    base: the searched spec. blocks: what its stages wrote. origin: a few words on the search.
    """
    extends = f'extends "{_relative(base, folder)}"'
    if overrides:
        values = "; ".join(f"{name} = {value}" for name, value in sorted(overrides.items()))
        extends += f" with {{ {values} }}"
    derived = (
        f"# derivation {derivation.digest}: within {derivation.limits}\n" if derivation else ""
    )
    return (
        f"# The architecture that a search found for {base.name}. A spec like any other: read it, keep\n"
        "# it, change a copy of it, and give it to nashc.\n"
        f"# search {key}: {origin}\n"
        f"{derived}"
        f"nash 1\n\n{extends}\n\n{blocks}"
    )


def found_blocks(text: str) -> str:
    """The genotype, the chosen bit widths and numbers of channels, in a spec or in what `search.py` wrote."""
    blocks = [match.rstrip("\n") + "\n" for match in _BLOCKS.findall(text.replace("\r\n", "\n"))]
    if not blocks:
        raise ValueError("nothing that a search chose")
    return "\n".join(blocks)


def usual_folder(name: str) -> Path:
    """Where the project of a spec with this name is written, unless its user says otherwise."""
    return Path("build", name)


def found_of(base: Path, name: str) -> Path | None:
    """The found.nash in the usual folder of the spec `base`, if it came from a search of that spec."""
    path = usual_folder(name) / FOUND
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None
    match = _EXTENDS.search(text)
    is_of_base = match and (path.parent / match["base"]).resolve() == base.resolve()
    return path if is_of_base else None


def search_of(text: str) -> tuple[str, str] | None:
    """Key and origin, as `found_text` wrote them, of the search that a found.nash came from."""
    match = _SEARCH.search(text)
    return (match["key"], match["origin"]) if match else None


def derivation_in(text: str) -> Derivation | None:
    """As `found_text` wrote it."""
    match = _DERIVATION.search(text)
    return Derivation(match["digest"], match["limits"]) if match else None


def _relative(base: Path, folder: Path) -> str:
    path = Path(os.path.relpath(base, folder)).as_posix()
    if '"' in path or "\n" in path:
        message = f"the path {path} has a quote or a line break in it, which no spec can name"
        raise SpecError([Diagnostic("NASH001", message, help="rename the file or its folder")])
    return path
