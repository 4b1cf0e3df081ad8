"""Two small networks of one family: a plain one, and one whose cells are known."""

from pathlib import Path

PLAIN = """\
nash 1

use basic from "nashc/resnet.nash"

param bits: bits = w2a2 in [w1a2, w2a2, w4a4]
param seed: int = 1
param fps: int = 10000

backbone tiny(width = 8) {
  stem:   conv 3x3(width) -> bn -> act
  group0: basic(width)
  group1: basic(2 * width, stride = 2, project = true)
  head:   avgpool -> fc: linear(classes)
}

network plain {
  input    = UINT8 1x8x8
  classes  = 10
  backbone = tiny(width = 8)
  bits {
    stem     = w8
    backbone = bits
    shortcut = w8a8
    nas      = w1a8
    head     = w8a4
  }
}

train {
  data      = digits
  epochs    = 2
  batch     = 64
  optimiser = adam(lr = 4e-3)
  seed      = seed
}

target {
  board = Pynq-Z1
  clock = 100 MHz
  fps   = fps
}
"""
CELL = """
  cell in each group {
    ops    = [zero, maxpool 3x3, identity, conv 1x1, conv 3x3]
    policy = v3
  }
"""
FOUND = f"""\
nash 1

extends "plain.nash"

param strength: float = 0.0

network v3 {{{CELL}}}

genotype {{
  group0 = identity from 0, maxpool 3x3 from 1
  group1 = conv 1x1 from 0, conv 3x3 from 1
}}
"""
SEARCHED = f"""\
nash 1

extends "plain.nash"

network searched {{{CELL}}}

search {{
  data   = digits
  epochs = 1
  batch  = 64
  seed   = 2
}}
"""
BUDGET = """\
nash 1

extends "searched.nash"

param most_lut: int = 20k

network budget {}

search {
  budget { lut < most_lut }
}
"""


def write(folder: Path) -> dict[str, Path]:
    """The specs in a folder, by name of the network."""
    folder.mkdir(parents=True, exist_ok=True)
    texts = {"plain": PLAIN, "v3": FOUND, "searched": SEARCHED, "budget": BUDGET}
    for name, text in texts.items():
        (folder / f"{name}.nash").write_text(text, encoding="utf-8")
    return {name: folder / f"{name}.nash" for name in texts}
