"""Stems, groups, blocks and heads of backbones that a user might write, good and bad."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.patterns.nets import Pick

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
  left = first: add(sum1, input) -> act -> b: conv 3x3(out) -> bn
  add(left, sum1) -> act
}
"""
WIDTHS = (4, 1, 2, 3, 5, 6, 8)
# Labels that Python, torch or the hardware might stumble over.
LABELS = ("c", "x", "weight", "image", "conv_bn", "g", "join0", "model", "T", "window1", "class")


def _conv(pick: Pick, label: str = "") -> str:
    stride = pick.one(("", "", "", ", stride = 2", ", stride = 3"))
    pad = pick.one(("", "", "", "", ", pad = 0", ", pad = 2"))
    size = pick.one((1, 3, 3, 2, 5))
    return f"{label}conv {size}x{size}({pick.one(WIDTHS)}{stride}{pad})"


def _maxpool(pick: Pick) -> str:
    size = pick.one((3, 2, 3, 4))
    stride = pick.one((1, 2, size))
    pad = pick.one(("", "", ", pad = 0"))
    return f"maxpool {size}x{size}(stride = {stride}{pad})"


def stem(pick: Pick) -> str:
    size = pick.one((3, 1, 5, 7))
    conv = f"conv {size}x{size}({pick.one(WIDTHS)}{pick.one(('', '', ', stride = 2'))})"
    if pick.seldom():
        odd = (f"{conv} -> act", f"{conv} -> bn -> {_maxpool(pick)} -> act", "act", conv)
        return pick.one(odd)
    return pick.one(
        (
            f"{conv} -> bn -> act",
            f"{conv} -> bn -> act",
            f"{conv} -> {_maxpool(pick)} -> bn -> act",
            f"{conv} -> bn -> act -> {_maxpool(pick)}",
            f"{conv} -> {_maxpool(pick)} -> act",
            f"act -> {conv} -> bn -> a: act",
            f"{_maxpool(pick)} -> {conv} -> bn -> act",
        )
    )


def group(pick: Pick) -> str:
    kind = pick.number(0, 9)
    if kind < 2:
        return _plain(pick, 1 + kind)
    if kind == 9:
        return _plain(pick, pick.number(3, 5))
    if kind == 8:
        return f"own({pick.one(WIDTHS)})"
    out = pick.one(WIDTHS)
    options = ("basic({})", "bottle({})", "twice({})", "wide({})", "own({})", "basic({}) * 2")
    blocks = [
        pick.one(
            (
                f"basic({out}, project = true)",
                f"basic({out}, stride = 2, project = true)",
                f"bottle({out}, project = true)",
                f"bottle({out}, stride = 2, project = true)",
                f"wide({out})",
            )
        )
    ]
    if pick.seldom(5):
        blocks.append(pick.one(options).format(out))
    if pick.seldom(2):
        blocks[0] = f"{pick.one(LABELS)}: {blocks[0]}"
    return " -> ".join(blocks)


def _plain(pick: Pick, length: int) -> str:
    """Layers in likely order, sometimes one left out, doubled or put elsewhere."""
    steps: list[str] = []
    for index in range(length):
        label = pick.one(LABELS) if pick.seldom() else f"c{index}"
        steps += [_conv(pick, f"{label}: "), f"n{index}: bn", f"a{index}: act"]
        if pick.seldom(2):
            steps.append(f"p{index}: {_maxpool(pick)}")
    if pick.seldom(2):
        steps.pop(pick.number(0, len(steps) - 1))
    if pick.seldom(2):
        added = ("x: act", "x: bn", f"x: {_maxpool(pick)}", _conv(pick, "x: "))
        steps.insert(pick.number(0, len(steps)), pick.one(added))
    return " -> ".join(steps or ["act"])


def own_block(pick: Pick) -> str:
    """A block of two or three branches that meet, each of random layers."""
    names = ["left", "right", "third"][: pick.number(2, 3)]
    if pick.seldom(2):
        names[-1] = "shortcut"
    lines = []
    for name in names:
        steps = [pick.one(("input", "input", *names[: names.index(name)]))]
        for index in range(pick.number(0, 2)):
            label = f"{name[0]}{index}"
            size = pick.one((1, 3))
            steps.append(f"{label}: conv {size}x{size}(out)")
            steps += [] if pick.seldom(2) else [f"{label}n: bn"]
            # A sum of products cannot go into the next convolution.
            steps += [] if index and pick.seldom(5) else [f"{label}a: act"]
            steps += [f"{label}p: maxpool 3x3"] if pick.seldom(1) else []
        lines.append(f"  {name} = {' -> '.join(steps)}")
    end = " -> x: maxpool 3x3 -> act" if pick.seldom() else "" if pick.seldom() else " -> act"
    chosen = ", ".join([names[0], names[0]] if pick.seldom(2) else names)
    body = "\n".join(lines)
    return f"\nblock own(out) {{\n{body}\n  add({chosen}){end}\n}}\n"


def head(pick: Pick) -> str:
    if pick.seldom():
        bad = ("avgpool -> fc1: linear(6) -> fc: linear(classes)", "fc: linear(classes)")
        return pick.one(bad)
    return pick.one(
        (
            "avgpool -> fc: linear(classes)",
            "avgpool -> fc: linear(classes)",
            "avgpool -> fc1: linear(6) -> act -> fc: linear(classes)",
            "avgpool -> act -> fc: linear(classes)",
            "maxpool 2x2(stride = 2, pad = 0) -> avgpool -> fc: linear(classes)",
            "conv 1x1(8) -> bn -> act -> avgpool -> fc: linear(classes)",
            "conv 3x3(8) -> maxpool 3x3(stride = 2) -> bn -> act -> avgpool -> fc: linear(classes)",
        )
    )
