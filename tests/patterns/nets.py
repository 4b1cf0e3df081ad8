"""Hypothesis strategies of small specs: everything the language allows, with few mistakes, simplest choices first.

What is drawn shrinks towards one plain convolution; some specs have mistakes, and check says so.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from hypothesis import strategies as st

from nashc.diagnostics import SpecError
from nashc.ir import Graph
from nashc.lower import lower
from nashc.schema import load
from nashc.vocab.boards import BOARDS
from tests.patterns import parts

Value = TypeVar("Value")


class Pick:
    """Hypothesis's draw with the words used here; of options the first is the simplest."""

    def __init__(self, draw: Callable[..., object]) -> None:
        self._draw = draw

    def one(self, options: Sequence[Value]) -> Value:
        return self._draw(st.sampled_from(options))  # type: ignore[return-value]

    def number(self, least: int, most: int) -> int:
        return self._draw(st.integers(least, most))  # type: ignore[return-value]

    def seldom(self, tenths: int = 1) -> bool:
        """True in so many of ten cases, and never where a case is shrunk."""
        return self.number(0, 9) > 9 - tenths


@st.composite
def specs(draw: Callable[..., object]) -> str:
    """The text of a spec; where it has cells that check accepts, with a genotype of operations that they allow."""
    pick = Pick(draw)
    text = network(pick)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "net.nash"
        path.write_text(text)
        try:
            graph = lower(load(path))
        except SpecError:
            return text
    return text + genotype(pick, graph)


def network(pick: Pick) -> str:
    """The text of a spec without a genotype."""
    use, backbone, call = _backbone(pick)
    side = pick.one((8, 4, 5, 6, 7, 9, 10, 12, 13, 16))
    other = pick.one((8, 9, 12)) if pick.seldom() else side
    return f"""nash 1
{use}{backbone}
network net {{
  input    = UINT{pick.one((8, 1, 2, 4, 7))} {pick.one((1, 2, 3))}x{side}x{other}
  classes  = {pick.one((2, 3, 5, 10))}
  backbone = {call}
{_bits(pick)}  activation {{
    before_add = {pick.one(("hardtanh", "identity"))}
  }}
{_cells(pick)}}}

{_target(pick)}"""


def _backbone(pick: Pick) -> tuple[str, str, str]:
    """What it uses, its own text, and how the network calls it."""
    if pick.seldom():
        name = "resnet18"
        arguments = f"width = {pick.one((1, 2, 3))}, small_stem = {pick.one(('true', 'false'))}"
        return f'use {name} from "nashc/resnet.nash"\n', "", f"{name}({arguments})"
    lines = [f"  stem: {parts.stem(pick)}"]
    for name in pick.one((("group0",), ("group0", "group1"), ("a", "group0", "b_c"))):
        lines.append(f"  {name}: {parts.group(pick)}")
    lines.append(f"  head: {parts.head(pick)}")
    body = "\n".join(lines)
    return "", f"{parts.own_block(pick)}{parts.BLOCKS}\nbackbone net() {{\n{body}\n}}\n", "net"


def _bits(pick: Pick) -> str:
    lines = []
    for role in ("stem", "backbone", "shortcut", "nas", "head"):
        if not pick.seldom(3):
            low = 1 if role != "shortcut" or pick.seldom() else 2
            weights, acts = pick.one((1, 2, 3, 4, 8, 5, 6, 7)), pick.number(low, 8)
            lines.append(f"    {role} = w{weights}a{acts}\n")
    if pick.seldom(3):
        lines.append(
            f"    {pick.one(('*.fc', 'group*.block0.*', 'stem.*'))} = w{pick.number(1, 8)}\n"
        )
    if pick.seldom(2):
        lines.append(f"    *.act = a{pick.number(1, 8)}\n")
    return f"  bits {{\n{''.join(lines)}  }}\n" if lines else ""


OPS = (
    "identity, conv 1x1, conv 3x3",
    "zero, identity, conv 1x1, conv 3x3, conv 5x5",
    "conv 1x1, conv 7x7",
)
POOLS = (", maxpool 3x3", ", maxpool 3x3", "")


def _cells(pick: Pick) -> str:
    if pick.seldom(3):
        return ""
    scope = pick.one(
        ("each group", "each block", "each layer", "network", "group0", "group0.block0")
    )
    policy = pick.one(("v3", "v1", "v2", "v4"))
    pools = "" if policy == "v4" and not pick.seldom() else pick.one(POOLS)
    ops = pick.one(OPS) + pools
    across = f"    identity_across = {pick.one(('forbid', 'two_convs'))}\n"
    edges = ""
    if pick.seldom(2):
        edges = "".join(
            f"    edge {source} -> {target} = [identity, conv {pick.one(('1x1', '3x3'))}]\n"
            for source, target in pick.one((((0, 1),), ((0, 1), (1, 2)), ((0, 1), (0, 2), (1, 3))))
        )
    found = f"  cell in {scope} {{\n    ops = [{ops}]\n    policy = {policy}\n{across}{edges}  }}\n"
    if scope == "group0" and pick.seldom(3):
        found += f"  cell in group1 {{\n    policy = {pick.one(('v3', 'v2'))}\n  }}\n"
    return found


def _target(pick: Pick) -> str:
    board = pick.one(("Pynq-Z1", "U250", "VCK190", *sorted(BOARDS)))
    fps = pick.one(("", "  fps = 1000\n", "  fps = 100000\n", "  fps = 100000000\n"))
    folding = pick.one(("", "", "", "  folding = optimal\n"))
    clock, width = pick.one(("5 ns", "100 MHz")), pick.one((10000, 24, 1000, 1))
    finn = ""
    if pick.seldom(3):
        finn = f"""
finn {{
  prefer    = {pick.one(("auto", "hls", "rtl"))}
  mem_mode  = {pick.one(("auto", "internal_decoupled", "internal_embedded"))}
  ram_style = {pick.one(("auto", "block", "distributed"))}
}}
"""
    return f"""target {{
  board = {board}
  clock = {clock}
{fps}{folding}  mvau_wwidth_max = {width}
}}
{finn}"""


def genotype(pick: Pick, graph: Graph) -> str:
    """A genotype for the cells of a graph whose edges are still choices: any operation but zero for each node."""
    edges: dict[tuple[str, int], list[tuple[int, str]]] = {}
    for node in graph.nodes:
        if node.op == "choice":
            p = node.params
            found = [(p["source"], op) for op in p["ops"] if op != "zero"]
            edges.setdefault((p["cell"], p["target"]), []).extend(found)
    cells: dict[str, list[str]] = {}
    for (cell, _), options in sorted(edges.items()):
        source, op = pick.one(options)
        cells.setdefault(cell, []).append(f"{op} from {source}")
    if not cells:
        return ""
    lines = "".join(f"  {cell} = {', '.join(nodes)}\n" for cell, nodes in cells.items())
    return f"\ngenotype {{\n{lines}}}\n"
