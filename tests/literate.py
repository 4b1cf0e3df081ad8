"""Markdown files whose blocks are tests: specs that load, specs with mistakes, and what is said of them.

A block ```nash holds a spec that must load and lower. Further words behind `nash`:
  error         the spec has mistakes; a block ```diagnostic behind it holds what nashc prints
  part          items of a file; they must parse
  network       statements of a network, train, cell, ... : put into `HOSTS` and loaded
  file=NAME     a file for the later blocks of this document, which may `use` or `extend` it
A block ```nir holds the graph of the spec in front of it. `pytest --update` writes the diagnostic and
nir blocks anew.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path

import pytest

from nashc.diagnostics import Diagnostic, SpecError, render_text
from nashc.schema import load
from nashc.syntax import parse
from nashc.text import read_source

_BLOCK = re.compile(r"^```(?P<info>[a-z][^\n]*)\n(?P<text>.*?)^```$", re.DOTALL | re.MULTILINE)

_NETWORK = """nash 1
use basic from "nashc/resnet.nash"
backbone tiny(width = 8) {
  stem:   conv 3x3(width) -> bn -> act
  group0: basic(width)
  group1: basic(2 * width, stride = 2, project = true)
  head:   avgpool -> fc: linear(classes)
}
network tiny {
  input    = UINT8 1x8x8
  classes  = 10
  backbone = tiny
%s}
"""
HOSTS = {
    "part": "nash 1\n%s",
    "network": _NETWORK,
    "cell": _NETWORK % "  cell in each group {\n%s  }\n",
    "bits": _NETWORK % "  bits {\n%s  }\n",
    "search": _NETWORK % "" + "search {\n%s}\n",
    "searched": _NETWORK % "  cell in each group { policy = v3 }\n"
    + "search {\n  data = digits\n%s}\ntarget { board = Pynq-Z1; fps = 5000 }\n",
    "choosing": _NETWORK % "  bits {\n%s  }\n"
    + "search { data = digits; precision = quantised }\ntarget { board = Pynq-Z1; fps = 5000 }\n",
    "widening": _NETWORK.replace("backbone = tiny\n", "")
    + "search { data = digits; precision = quantised }\n",
    "weighed": _NETWORK % "  bits { group* = [w1a2, w4a4] }\n"
    + "search {\n  data = digits; precision = quantised\n%s}\n"
    + "target { board = Pynq-Z1; fps = 5000 }\n",
    "train": _NETWORK % "" + "train {\n%s}\n",
    "target": _NETWORK % "" + "target {\n%s}\n",
    "backbone": _NETWORK.split("backbone tiny")[0]
    + "%s"
    + "network"
    + _NETWORK.split("network")[1] % "",
    "spec": _NETWORK % "" + "%s",
}


@dataclass(frozen=True)
class Block:
    """One fenced block of a document; [start, end) are the characters of its text in the file."""

    info: tuple[str, ...]
    text: str
    start: int
    end: int

    @property
    def kind(self) -> str:
        return self.info[0]

    @property
    def spec(self) -> str:
        """The block as a whole spec file."""
        for word in self.info[1:]:
            if word in HOSTS:
                return HOSTS[word] % self.text
        return self.text


def blocks(path: Path) -> list[Block]:
    """All blocks of a file that name a language."""
    return [
        Block(tuple(found["info"].split()), found["text"], found.start("text"), found.end("text"))
        for found in _BLOCK.finditer(path.read_text(encoding="utf-8"))
    ]


def mistakes(block: Block, folder: Path) -> tuple[Diagnostic, ...]:
    """What nashc says of a block as `spec.nash` in a folder, which must be the working folder."""
    path = folder / "spec.nash"
    path.write_text(block.spec, encoding="utf-8")
    try:
        if "part" in block.info:
            parse(read_source(path))
            return ()
        spec = load(path)
        if find_spec("nashc.lower"):
            from nashc.lower import lower
            from nashc.space import hardware_terms

            lower(spec)
            hardware_terms(spec)
    except SpecError as error:
        return error.diagnostics
    return ()


def check(path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch, update: bool) -> None:
    """Run a document from top to bottom; the first block that is not as written fails."""
    monkeypatch.chdir(folder)
    text, changes = path.read_text(encoding="utf-8"), []
    last: Block | None = None
    for block in blocks(path):
        where = f"{path.name}:{text[: block.start].count(chr(10))}"
        match block.kind:
            case "nash":
                last = block
                name = next(
                    (w.removeprefix("file=") for w in block.info if w.startswith("file=")), ""
                )
                if name:
                    (folder / name).parent.mkdir(parents=True, exist_ok=True)
                    (folder / name).write_text(block.text, encoding="utf-8")
                    continue
                found = mistakes(block, folder)
                if "error" in block.info:
                    assert found, f"{where}: this has no mistake\n{block.spec}"
                else:
                    assert not found, f"{where}:\n{render_text(found)}"
            case "diagnostic" | "nir":
                assert last is not None, f"{where}: no spec in front of this"
                expected = _expected(block, last, folder)
                if update:
                    changes.append(replace(block, text=expected))
                else:
                    assert expected == block.text, where
    for block in reversed(changes):
        text = text[: block.start] + block.text + text[block.end :]
    if changes:
        path.write_text(text, encoding="utf-8")


def _expected(block: Block, spec: Block, folder: Path) -> str:
    if block.kind == "diagnostic":
        return render_text(mistakes(spec, folder)) + "\n"
    from nashc.ir import dump
    from nashc.lower import lower

    return dump(lower(load(folder / "spec.nash")))
