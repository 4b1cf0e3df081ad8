"""Small specs at random: backbones of the user's own, cells, bit widths, boards. Many have mistakes; check says so."""

from __future__ import annotations

from random import Random

from nashc.ir import Graph

BLOCKS = """
block basic(out, stride = 1, project = false) {
  main     = conv1: conv 3x3(out, stride) -> bn -> act -> conv2: conv 3x3(out) -> bn
  shortcut = if project then down: conv 1x1(out, stride) -> bn else input
  add(main, shortcut) -> act
}

block bottle(out, stride = 1, project = false) {
  main     = reduce: conv 1x1(4) -> bn -> act -> mid: conv 3x3(4, stride) -> bn -> act -> expand: conv 1x1(out) -> bn
  shortcut = if project then down: conv 1x1(out, stride) -> bn else input
  add(main, shortcut) -> act
}

block wide(out) {
  left   = l: conv 3x3(out) -> bn
  right  = r: conv 1x1(out) -> bn
  middle = m: conv 5x5(out) -> bn
  add(left, right, middle) -> act
}

block twice(out) {
  sum1 = a: conv 3x3(out) -> bn
  left = add(sum1, input) -> act -> b: conv 3x3(out) -> bn
  add(left, sum1) -> act
}
"""
WIDTHS = (4, 5, 6, 8)
BOARDS = ("Pynq-Z1", "U250", "ZCU104", "VCK190", "Ultra96")


def network(draw: Random) -> str:
    """The text of a spec without a genotype."""
    parts = [f"  stem: {_stem(draw)}"]
    for index in range(draw.randint(1, 3)):
        parts.append(f"  group{index}: {_group(draw)}")
    parts.append(f"  head: {_head(draw)}")
    body = "\n".join(parts)
    side = draw.choice((8, 8, 8, 9, 10, 12, 16))
    other = side if draw.random() < 0.9 else draw.choice((8, 9, 12))
    return f"""nash 1
{_own_block(draw)}{BLOCKS}
backbone net() {{
{body}
}}

network net {{
  input    = UINT{draw.choice((8, 8, 8, 4, 2, 1))} {draw.choice((1, 2, 3))}x{side}x{other}
  classes  = {draw.choice((2, 3, 5, 10))}
  backbone = net
  bits {{
{_bits(draw)}  }}
  activation {{
    before_add = {draw.choice(("hardtanh", "identity"))}
  }}
{_cell(draw)}}}

target {{
  board = {draw.choice(BOARDS)}
  clock = {draw.choice(("5 ns", "100 MHz"))}
  fps   = {draw.choice((1000, 100000, 10000000))}
  mvau_wwidth_max = {draw.choice((24, 1000, 10000))}
}}
"""


def _width(draw: Random) -> int:
    return draw.choice(WIDTHS)


def _conv(draw: Random, label: str = "") -> str:
    stride = draw.choice(("", "", "", ", stride = 2"))
    pad = draw.choice(("", "", "", "", ", pad = 0", ", pad = 2"))
    size = draw.choice((1, 3, 3, 5))
    return f"{label}conv {size}x{size}({_width(draw)}{stride}{pad})"


def _maxpool(draw: Random) -> str:
    size = draw.choice((2, 3, 3))
    stride = draw.choice((1, 2, size))
    pad = draw.choice(("", "", ", pad = 0"))
    return f"maxpool {size}x{size}(stride = {stride}{pad})"


def _stem(draw: Random) -> str:
    conv = f"conv {draw.choice((3, 3, 5, 7))}x{draw.choice((3,))}"
    conv = conv[: conv.index("x")] + "x" + conv[5 : conv.index("x")]
    conv += f"({_width(draw)}{draw.choice(('', '', ', stride = 2'))})"
    return draw.choice(
        (
            f"{conv} -> bn -> act",
            f"{conv} -> bn -> act",
            f"{conv} -> {_maxpool(draw)} -> bn -> act",
            f"{conv} -> bn -> act -> {_maxpool(draw)}",
            f"{conv} -> act",
            f"{conv} -> {_maxpool(draw)} -> act",
            f"{conv} -> bn -> {_maxpool(draw)} -> act",
            f"act -> {conv} -> bn -> act",
            f"{_maxpool(draw)} -> {conv} -> bn -> act",
        )
    )


def _group(draw: Random) -> str:
    kind = draw.random()
    if kind < 0.6:
        out = _width(draw)
        blocks = [
            draw.choice(
                (
                    f"basic({out}, stride = 2, project = true)",
                    f"basic({out}, project = true)",
                    f"bottle({out}, project = true)",
                    f"wide({out})",
                )
            )
        ]
        for _ in range(draw.randint(0, 1)):
            blocks.append(
                draw.choice(
                    (
                        f"basic({out})",
                        f"bottle({out})",
                        f"twice({out})",
                        f"wide({out})",
                        f"own({out})",
                    )
                )
            )
        return " -> ".join(blocks)
    if kind < 0.75:
        return f"own({_width(draw)})"
    return _plain(draw, draw.randint(1, 5))


def _plain(draw: Random, length: int) -> str:
    """Layers in likely order, sometimes one left out, doubled or put elsewhere."""
    steps: list[str] = []
    for index in range(length):
        steps += [_conv(draw, f"c{index}: "), f"n{index}: bn", f"a{index}: act"]
        if draw.random() < 0.2:
            steps.append(f"p{index}: {_maxpool(draw)}")
        if len(steps) >= length + 2:
            break
    if draw.random() < 0.3:
        at = draw.randrange(len(steps))
        steps.pop(at)
    if draw.random() < 0.2:
        at = draw.randrange(len(steps) + 1)
        steps.insert(
            at, draw.choice(("x: act", "x: bn", f"x: {_maxpool(draw)}", _conv(draw, "x: ")))
        )
    return " -> ".join(steps or ["act"])


def _own_block(draw: Random) -> str:
    """A block of two or three branches that meet, each of random layers."""
    names = ["left", "right", "third"][: draw.randint(2, 3)]
    lines = []
    for name in names:
        steps = [draw.choice(("input", "input", *names[: names.index(name)]))]
        for index in range(draw.randint(0, 2)):
            label = f"{name[0]}{index}"
            steps.append(f"{label}: conv {draw.choice((1, 3))}x{3}(out)")
            steps[-1] = (
                f"{label}: conv {steps[-1].split('conv ')[1][0]}x{steps[-1].split('conv ')[1][0]}(out)"
            )
            if draw.random() < 0.8:
                steps.append(f"{label}n: bn")
            if draw.random() < 0.5:
                steps.append(f"{label}a: act")
            if draw.random() < 0.15:
                steps.append(f"{label}p: maxpool 3x3")
        lines.append(f"  {name} = {' -> '.join(steps)}")
    end = draw.choice((" -> act", " -> act", " -> act", ""))
    chosen = ", ".join(names if draw.random() < 0.8 else [names[0], names[0]])
    body = "\n".join(lines)
    return f"\nblock own(out) {{\n{body}\n  add({chosen}){end}\n}}\n"


def _head(draw: Random) -> str:
    return draw.choice(
        (
            "avgpool -> fc: linear(classes)",
            "avgpool -> fc: linear(classes)",
            "avgpool -> fc: linear(classes)",
            "avgpool -> fc1: linear(6) -> act -> fc: linear(classes)",
            "avgpool -> fc1: linear(6) -> fc: linear(classes)",
            "avgpool -> fc1: linear(6) -> bn -> act -> fc: linear(classes)",
            "avgpool -> act -> fc: linear(classes)",
            "maxpool 2x2(stride = 2, pad = 0) -> avgpool -> fc: linear(classes)",
            "conv 1x1(8) -> bn -> act -> avgpool -> fc: linear(classes)",
            "conv 3x3(8) -> maxpool 3x3(stride = 2) -> bn -> act -> avgpool -> fc: linear(classes)",
        )
    )


def _bits(draw: Random) -> str:
    lines = []
    for role in ("stem", "backbone", "shortcut", "nas", "head"):
        if draw.random() < 0.75:
            low = 2 if role == "shortcut" and draw.random() < 0.8 else 1
            w, a = draw.choice((1, 1, 2, 3, 4, 8)), draw.choice((low, low, 2, 3, 4, 6, 8))
            lines.append(f"    {role} = w{w}a{a}\n")
    if draw.random() < 0.3:
        lines.append(f"    group*.block0.* = w{draw.randint(1, 8)}\n")
    return "".join(lines)


def _cell(draw: Random) -> str:
    if draw.random() < 0.3:
        return ""
    scope = draw.choice(("each group", "each block", "each layer", "network", "group0"))
    ops = draw.choice(
        (
            "zero, maxpool 3x3, identity, conv 1x1, conv 3x3, conv 5x5",
            "zero, maxpool 3x3, identity, conv 1x1",
            "identity, conv 3x3, conv 7x7",
            "maxpool 3x3, conv 1x1",
        )
    )
    policy = draw.choice(("v1", "v2", "v3", "v4"))
    return f"  cell in {scope} {{\n    ops = [{ops}]\n    policy = {policy}\n  }}\n"


def genotype(draw: Random, graph: Graph) -> str:
    """A genotype for the cells of a graph whose edges are still choices: any operation but zero for each node."""
    edges: dict[tuple[str, int], list[tuple[int, str]]] = {}
    for node in graph.nodes:
        if node.op == "choice":
            p = node.params
            found = [(p["source"], op) for op in p["ops"] if op != "zero"]
            edges.setdefault((p["cell"], p["target"]), []).extend(found)
    cells: dict[str, list[str]] = {}
    for (cell, _), options in sorted(edges.items()):
        source, op = draw.choice(options)
        cells.setdefault(cell, []).append(f"{op} from {source}")
    if not cells:
        return ""
    lines = "".join(f"  {cell} = {', '.join(nodes)}\n" for cell, nodes in cells.items())
    return f"\ngenotype {{\n{lines}}}\n"
