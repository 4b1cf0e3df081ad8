"""FINN's folding file: attributes by node name, as FINN's own steps and ours read and write it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nashc.cost.fold import (
    ATTRIBUTES,
    TRIGGERS,
    WORDS,
    WRITEABLE,
    Folding,
    divisors,
    idle_of,
    limit,
    one,
    settings_of,
    words_of,
)
from nashc.cost.nodes import HwNode
from nashc.cost.options import has_parallel_window
from nashc.cost.parts import dsp_block
from nashc.cost.streams import WIDEST_STREAM, narrow, widest
from nashc.cost.windows import is_written, mend
from nashc.diagnostics import Diagnostic, SpecError
from nashc.diagnostics.model import nearest
from nashc.schema.folding_file import HELP, NoFolding, parse_folding
from nashc.text import Span
from nashc.vocab.boards import Board

Content = Mapping[str, Mapping[str, Any]]
DEFAULTS = "Defaults"
MOST_HINT = 400
"""Characters of a help that names all layers there are."""
MOST_DEPTH = 2**31 - 1
"""Of a memory that is chosen by its depth: an integer of SystemVerilog."""
_SETTING = {attribute: name for name, attribute in ATTRIBUTES.items()}


def read(path: Path) -> Content:
    """The content of a file. Errors: NASH454."""
    try:
        return parse_folding(path.read_text(encoding="utf-8"))
    except OSError as error:
        text, hint = f" cannot be read: {(error.strerror or '').lower()}", HELP
    except UnicodeDecodeError:
        text, hint = " is no text", HELP
    except NoFolding as error:
        text, hint = f" {error}", HELP
    raise SpecError([Place(str(path)).wrong(text, hint)])


@dataclass(frozen=True)
class Place:
    """What a mistake names: the file, as words, and where a spec names it."""

    file: str
    span: Span | None = None

    def wrong(self, text: str, hint: str = "") -> Diagnostic:
        return Diagnostic("NASH454", f"{self.file}{text}", self.span, help=hint)


def apply(
    content: Content,
    nodes: tuple[HwNode, ...],
    foldings: Mapping[str, Folding],
    place: Place,
    board: Board,
    others: tuple[HwNode, ...] = (),
) -> dict[str, Folding]:
    """The foldings with those of the file in their place. Errors: NASH454, all that are wrong at once.

    others: nodes of the network with other numbers, such as before training; a file may set them, here without effect.
    """
    by_name = {node.name: node for node in (*others, *nodes)}
    found, mistakes = dict(foldings), []
    for name, attributes in content.items():
        if name == DEFAULTS:
            continue
        if name not in by_name:
            text = f" names a layer that the hardware does not have: {name}"
            hint = nearest(name, by_name)
            if len(hint) > MOST_HINT:
                hint = f"`nashc estimate SPEC --json` names all {len(by_name)} of them"
            mistakes.append(place.wrong(text, hint))
            continue
        for attribute, value in attributes.items():
            problem, legal = _problem(by_name[name], attribute, value)
            if problem:
                mistakes.append(place.wrong(f": {name}: {problem}", legal))
            elif attribute in _SETTING and name in found:
                changed: dict[str, Any] = {_SETTING[attribute]: value}
                found[name] = found[name]._replace(**changed)
    if mistakes:
        raise SpecError(mistakes)
    changed_nodes = [node for node in nodes if found[node.name] != foldings[node.name]]
    windows = {node.inputs[0]: node for node in nodes if node.kind == "Pool"}
    told = [_together(node, found, windows) for node in changed_nodes]
    told += [_in_uram(node, found[node.name], content.get(node.name, {}), board) for node in nodes]
    mistakes = [place.wrong(*words) for words in dict.fromkeys(words for words in told if words)]
    if mistakes:
        raise SpecError(mistakes)
    return found


def _in_uram(
    node: HwNode, folding: Folding, given: Mapping[str, Any], board: Board
) -> tuple[str, str] | None:
    """What is wrong with a memory in UltraRAM, and what would be right. given: the node's attributes in the file.

    Only Versal's can be filled with constants. Source: finn-plus 1.6.1, code_generation_ipgen of
    matrixvectoractivation.py, thresholding_hls.py and elementwise_binary_hls.py.
    """
    style, mode = (given.get(name, getattr(folding, name)) for name in ("ram_style", "mem_mode"))
    if style != "ultra":
        return None
    others = ", ".join(word for word in words_of(node, "ram_style") if word != "ultra")
    if not board.resources.uram:
        return f": {node.name}: ram_style = ultra: {board.name} has no URAM", f"legal are {others}"
    if dsp_block(board.part) == "DSP58" or not _is_filled(node, mode):
        return None
    text = f": {node.name}: ram_style = ultra: only Versal's URAM can hold constants"
    is_for_all = node.kind.startswith("Elementwise") or mode == "internal_embedded"
    if not is_for_all and given.get(WRITEABLE) == 1:
        return None
    return text, f"legal are {others}" + ("" if is_for_all else f', or "{WRITEABLE}": 1 besides')


def _is_filled(node: HwNode, mem_mode: str) -> bool:
    """Whether FINN lays constants into the memory that `ram_style` is about."""
    match node.kind:
        case "MVAU":
            return mem_mode == "internal_decoupled"
        case _ if node.kind.startswith("Elementwise") and node.attrs["rhs_style"] == "input":
            return mem_mode == "internal_decoupled"
    return node.kind != "ConvolutionInputGenerator"


def writeable(content: Content) -> frozenset[str]:
    """The units whose weights or thresholds may be written at run time."""
    return frozenset(name for name, its in content.items() if its.get(WRITEABLE) == 1)


def content_of(nodes: tuple[HwNode, ...], foldings: Mapping[str, Folding]) -> dict[str, Any]:
    """What the file of these foldings holds, in the order of the nodes."""
    return {DEFAULTS: {}, **{node.name: foldings[node.name].attributes(node) for node in nodes}}


def _problem(node: HwNode, attribute: str, value: Any) -> tuple[str, str]:
    """What is wrong with one value, and what would be right; both empty if nothing is."""
    idle = idle_of(node).get(attribute)
    if idle is not None:
        return _no_choice(attribute, value, idle)
    setting = _SETTING.get(attribute)
    if setting is None or setting not in settings_of(node):
        known = ", ".join(ATTRIBUTES[name] for name in settings_of(node))
        return f"{node.op_type} has no folding attribute {attribute}", f"it has {known}"
    if setting in WORDS:
        return _no_choice(attribute, value, words_of(node, setting))
    if type(value) is not int:
        legal = f"0 to {MOST_DEPTH}" if setting in TRIGGERS else "0, 1"
        if setting in ("pe", "simd"):
            legal = ", ".join(map(str, divisors(limit(node, setting))))
        return f"{attribute} = {json.dumps(value)} is not a whole number", f"legal are {legal}"
    if setting in TRIGGERS:
        is_depth = 0 <= value <= MOST_DEPTH
        legal = f"legal are 0 to {MOST_DEPTH}, 0 for none"
        return ("", "") if is_depth else (f"{attribute} = {value} is no depth", legal)
    if setting == "parallel_window":
        is_bit = value in (0, 1)
        return ("", "") if is_bit else (f"{attribute} = {value} is neither 0 nor 1", "")
    most = limit(node, setting)
    if value < 1 or most % value:
        legal = ", ".join(map(str, divisors(most)))
        return f"{attribute} = {value} does not divide {most}", f"legal are {legal}"
    return "", ""


def _no_choice(attribute: str, value: Any, legal: tuple[int | str, ...]) -> tuple[str, str]:
    # True is 1 to Python, and no attribute to FINN.
    if value in legal and type(value) is type(legal[0]):
        return "", ""
    values = ", ".join(map(str, legal))
    return f"{attribute} = {value} is no choice here", f"legal are {values}"


def _together(
    node: HwNode, foldings: Mapping[str, Folding], pools: Mapping[str, HwNode]
) -> tuple[str, str] | None:
    """What is wrong with values that are legal each for itself, and what would be right.

    pools: by the name of the sliding window before it.
    """
    folding = foldings[node.name]
    bits = int(widest(node, one(folding))[0])
    if bits > WIDEST_STREAM:
        fitting = narrow(node, folding, bits).attributes(node)
        values = ", ".join(f'"{key}": {fitting[key]}' for key in ("PE", "SIMD") if key in fitting)
        text = f": {node.name}: a stream of {bits} bits, HLS takes {WIDEST_STREAM}"
        return text, f'"{node.name}": {{{values}}}'
    pool = pools.get(node.inputs[0] if node.kind == "Pool" else node.name)
    if pool:
        window, pe = pool.inputs[0], foldings[pool.name].pe
        if foldings[window].simd != pe:
            text = f": {pool.name} and the window before it must work alike: PE = {pe}, SIMD = {foldings[window].simd}"
            return text, f'"{window}": {{"SIMD": {pe}}}'
    if folding.parallel_window and not has_parallel_window(node, folding):
        channels = node["IFMChannels"]
        hint = "leave parallel_window out"
        if not node["depthwise"] and folding.simd != channels:
            hint = f'"{node.name}": {{"SIMD": {channels}, "parallel_window": 1}}'
        return f": {node.name}: a parallel window takes all channels of a convolution at once", hint
    if node.kind == "ConvolutionInputGenerator" and not is_written(node, one(folding))[0]:
        right = mend(node, folding).attributes(node)
        values = ", ".join(f'"{key}": {right[key]}' for key in ("SIMD", "parallel_window"))
        text = f": {node.name}: FINN has no such window over so few pixels"
        return text, f'"{node.name}": {{{values}}}'
    return None
