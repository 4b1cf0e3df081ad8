"""Small networks with everything that the compiler lowers: the paper's cells at a tiny size, and random ones."""

from __future__ import annotations

import random
from pathlib import Path

from tests.paths import SPECS

HEAD = """\
nash 1

use resnet18 from "nashc/resnet.nash"

network small {{
  input    = UINT8 {channels}x{side}x{side}
  classes  = {classes}
  backbone = resnet18(width = {width})
  bits {{
    stem     = w8
    backbone = {backbone}
    shortcut = w8a8
    nas      = {nas}
    head     = {head}
  }}
  {cell}
}}

{genotype}
train {{
  data = folder("images")
}}

target {{
  board = {board}
  clock = 200 MHz
  fps   = {fps}
  mvau_wwidth_max = {weight_width_max}
}}
"""


def small(name: str, seed: int) -> str:
    """A spec with the genotype of `specs/<name>.nash` at a tiny size; sizes, bits, board and target by the seed."""
    text = (SPECS / f"{name}.nash").read_text(encoding="utf-8")
    choose = random.Random(seed)
    return HEAD.format(
        genotype=text[text.index("genotype {") :],
        cell=text[text.index("cell in each") : text.index("  bits {")].strip(),
        channels=choose.choice([1, 3]),
        side=choose.choice([32, 48]),
        classes=choose.choice([6, 10]),
        width=choose.choice([4, 8, 12]),
        backbone=choose.choice(["w1a2", "w2a2", "w4a4", "w3a5", "w8a8"]),
        nas=choose.choice(["w1a8", "w4a4", "w2a6"]),
        head=choose.choice(["w8a4", "w8a2", "w4a8"]),
        board=choose.choice(["Pynq-Z1", "U250", "VCK190", "ZCU104"]),
        fps=choose.choice([100, 5000, 40000, 1000000]),
        weight_width_max=choose.choice([24, 100, 10000]),
    )


def write_small(folder: Path, name: str, seed: int) -> Path:
    path = folder / "small.nash"
    path.write_text(small(name, seed), encoding="utf-8")
    return path
