"""Names that generated programs cannot give to layers, and what becomes of those that are only awkward."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from nashc.diagnostics import SpecError
from nashc.emit import project
from nashc.emit.code import Places
from nashc.lower import lower
from nashc.schema import load
from nashc.vocab import names
from tests.paths import ROOT

SPEC = """nash 1
block of(out) {{
  {branch} = {label}: conv 3x3(out) -> bn -> act
  add({branch}, input) -> act
}}
backbone b() {{
  stem:   conv 3x3(4) -> bn -> act
  {part}: {block}: of(4) -> of(4)
  head:   avgpool -> fc: linear(classes)
}}
network n {{
  input    = UINT8 1x8x8
  classes  = 2
  backbone = b
}}
"""
USUAL = {"branch": "main", "label": "conv", "part": "group0", "block": "first"}


def spec(folder: Path, **given: str) -> Path:
    path = folder / "n.nash"
    path.write_text(SPEC.format(**{**USUAL, **given}))
    return path


@pytest.mark.parametrize(
    ("given", "code", "words"),
    [
        ({"label": "window"}, "NASH212", "`group0.first.window` would be the `window` of a layer in the hardware"),
        ({"label": "partial3"}, "NASH212", "`group0.first.partial3` would be the `partial3` of a layer in the hardware"),
        ({"block": "get", "label": "buffer"}, "NASH212", "`group0.get.buffer` cannot be `get_buffer` in the model: Python or torch uses the name"),
        ({"block": "_"}, "NASH212", "`group0._.conv` cannot be `__conv` in the model: Python or torch uses the name"),
        ({"part": "train"}, "NASH212", "no part can be called `train`: the generated programs use the name"),
        ({"part": "network"}, "NASH212", "no part can be called `network`: the generated programs use the name"),
        ({"part": "nas"}, "NASH212", "no part can be called `nas`: the generated programs use the name"),
        ({"part": "Stem"}, "NASH204", "`stem` and `Stem` would be one class `Stem` of the model"),
        ({"label": "conv_bn"}, "", ""),
        ({"block": "block0_conv", "label": "bn"}, "NASH204", "`group0.block0_conv.bn` and `group0.block0_conv_bn` would both be `group0_block0_conv_bn` in the generated programs"),
    ],
)  # fmt: skip
def test_names_that_are_not_free(tmp_path: Path, given: dict[str, str], code: str, words: str):
    path = spec(tmp_path, **given)
    if given.get("block") == "block0_conv":
        path.write_text(
            path.read_text().replace("of(4) ->", "of(4) -> block0_conv_bn: conv 3x3(4) ->")
        )
    if not code:
        lower(load(path))
        return
    with pytest.raises(SpecError) as told:
        lower(load(path))
    first = told.value.diagnostics[0]
    assert (first.code, first.message) == (code, words)
    assert first.span and first.help


@pytest.mark.parametrize("block", ["class", "self", "window", "x", "training"])
def test_awkward_names_of_blocks_are_good_python(tmp_path: Path, block: str):
    path = spec(tmp_path, block=block, label="main", branch="b")
    path.write_text(path.read_text().replace("conv 3x3(out) -> bn", "bn"))
    path.write_text(path.read_text().replace("main: bn", "conv 1x1(out) -> x: bn"))
    graph = lower(load(path))
    for name, text in project(load(path), graph).items():
        if name in ("model.py", "lowering.py"):
            compile(text, name, "exec")


@pytest.mark.parametrize("name", ["added", "torch"])
def test_no_variable_hides_a_function(name: str, tmp_path: Path):
    """Of a backbone's own part, whose layers lose its name."""
    path = spec(tmp_path)
    text = path.read_text().replace(
        "  head:", f"  group1: {name}: conv 3x3(4) -> bn -> act\n  head:"
    )
    path.write_text(text)
    model = project(load(path), lower(load(path)))["model.py"]
    assert f"self.{name} = " in model and not re.search(rf"^ +{name} = ", model, re.M)


def test_sums_of_long_names_are_broken_as_ruff_breaks(tmp_path: Path):
    names = [letter * 30 for letter in "ab"]
    convs = "".join(f"{name} = {name}: conv 3x3(out) -> bn\n" for name in names)
    path = spec(tmp_path)
    path.write_text(path.read_text().replace("add(main, input)", f"{convs}add({', '.join(names)})"))
    model = project(load(path), lower(load(path)))["model.py"]
    listed = "".join(
        f"            {it},\n" for it in ("self.first_add_join", *map("first_{}".format, names))
    )
    assert f"        first_add = added(\n{listed}        )\n" in model


def test_the_library_uses_no_name_that_is_taken():
    origins = json.loads(
        project(*(lambda s: (s, lower(s)))(load(ROOT / "specs" / "resnet34_v3.nash")))[
            "layers.json"
        ]
    )
    assert all(names.layer_of(name) == name for name in origins)


@pytest.mark.torch
def test_the_list_holds_all_that_torch_modules_have():
    nn = pytest.importorskip("torch").nn
    assert {name for name in dir(nn.Module()) if not name.startswith("_")} <= names.OF_MODULES


def test_cells_over_the_network_and_over_a_part_have_layers_of_their_own(tmp_path: Path):
    """Both have a node 1 among the layers of group0: each with its convolution, normalised, and its activation."""
    cells = "".join(
        f"  cell in {it} {{ ops = [conv 1x1, conv 3x3] }}\n" for it in ("network", "group0")
    )
    path = spec(tmp_path)
    path.write_text(path.read_text().replace("backbone = b\n", f"backbone = b\n{cells}"))
    graph = lower(load(path))
    choices = [node.name for node in graph.nodes if node.op == "choice"]
    assert len({Places(graph).module(name) for name in choices}) == len(choices) == 6
    found = "genotype { network = conv 1x1 from 0, conv 1x1 from 1; group0 = conv 3x3 from 0, conv 3x3 from 1 }\n"
    path.write_text(path.read_text() + found)
    files = project(load(path), lower(load(path)))
    model, lowering = files["model.py"], files["lowering.py"]
    read = set(re.findall(r"model\.\w+\.(\w+)", lowering))
    assert read == set(re.findall(r"self\.(\w+) = (?:qnn|nn)", model))
    assert model.count("= nn.BatchNorm2d(") == 7
    for attribute, kernel in (("network_nas_node1_conv", 1), ("nas_node1_conv", 3)):
        made = re.search(rf"self\.{attribute} = qnn\.QuantConv2d\([^\n]*\n\s*(.*),", model)
        assert made and made[1].startswith(f"4, 4, {kernel}, "), attribute
    for attribute in ("network_nas_node1_act", "nas_node1_act"):
        assert model.count(f"self.{attribute} = qnn.QuantReLU(") == 1
