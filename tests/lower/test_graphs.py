"""Graphs of the specs that ship: structure of the paper, text that reads back, size that scales."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nashc.diagnostics import SpecError
from nashc.ir import Graph, dump
from nashc.ir import load as read
from nashc.lower import lower
from nashc.schema import load
from tests.paths import ALL_SPECS, SPECS


def graph(name: str, **overrides: str) -> Graph:
    return lower(load(SPECS / f"{name}.nash", overrides))


@pytest.mark.parametrize("path", ALL_SPECS, ids=lambda path: path.stem)
def test_the_text_form_reads_back(path: Path) -> None:
    made = lower(load(path))
    assert read(dump(made)) == made


@pytest.mark.parametrize("path", ALL_SPECS, ids=lambda path: path.stem)
def test_nodes_stand_behind_their_inputs_and_all_are_needed(path: Path) -> None:
    made = lower(load(path))
    seen: set[str] = set()
    for node in made.nodes:
        assert set(node.inputs) <= seen
        assert node.type is not None
        seen.add(node.name)
    assert made.sorted() == made
    unread = [node.name for node in made.nodes if not made.consumers[node.name]]
    assert unread == [made.output.name]


def test_resnet18_has_the_papers_shapes() -> None:
    made = graph("resnet18")
    assert made.node("stem.conv").shape == (1, 112, 112, 64)
    assert made.node("group3.block1.add").shape == (1, 7, 7, 512)
    assert made.output.shape == (1, 1000)
    convs = [node for node in made.nodes if node.op == "conv"]
    assert len(convs) == 1 + 16 + 4  # stem, two in each of eight blocks, a projection in each group


def test_a_cascade_shares_one_quantiser() -> None:
    made = graph("resnet18_v3")
    total = made.node("group1.nas.node2.add")
    first = made.node(made.node(total.inputs[0]).inputs[0])
    assert first.name == "group1.block0.add"
    owners = {made.node(name).params["quantiser"] for name in (*total.inputs, *first.inputs)}
    assert owners == {"group1.block0.add.join"}


def test_the_sum_feeds_a_low_bit_and_an_8_bit_activation() -> None:
    made = graph("resnet18_v3", bits="w2a2")
    readers = made.consumers["group0.nas.node1.add"]
    assert sorted((reader.dtype, reader.params["role"]) for reader in readers) == [
        ("UINT2", "backbone"),
        ("UINT8", "nas"),
    ]


@pytest.mark.parametrize(
    ("scope", "cells"),
    [("each layer", 4), ("each block", 2), ("each group", 2), ("network", 1), ("group1.block0", 1)],
)
def test_cells_attach_to_all_scopes_of_the_paper(scope: str, cells: int, tmp_path: Path) -> None:
    path = tmp_path / "cell.nash"
    text = (SPECS / "quickstart.nash").read_text()
    path.write_text(text.replace("cell in each group", f"cell in {scope}"))
    choices = [node for node in lower(load(path)).nodes if node.op == "choice"]
    assert len({node.params["cell"] for node in choices}) == cells


def test_a_group_cell_of_five_nodes_has_ten_edges() -> None:
    spec = load(SPECS / "resnet18_v3.nash")
    made = lower(replace(spec, genotype=None))
    edges = [n for n in made.nodes if n.op == "choice" and n.params["cell"] == "group0"]
    assert len(edges) == 10
    across = made.node("group1.nas.edge0_1").params
    assert "identity" not in across["ops"]
    assert across["stride"] == 2


def test_a_cell_has_no_nodes_of_a_branch_that_nothing_reads(tmp_path: Path) -> None:
    path = tmp_path / "unread.nash"
    path.write_text(
        """nash 1
block half(out) {
  main   = conv 3x3(out) -> bn
  unread = other: conv 3x3(out) -> bn -> act -> last: conv 3x3(out) -> bn
  add(main, input) -> act
}
backbone tiny() {
  stem:   conv 3x3(8) -> bn -> act
  group0: half(8)
  head:   avgpool -> fc: linear(classes)
}
network tiny {
  input    = UINT8 3x8x8
  classes  = 10
  backbone = tiny
  cell in group0 { policy = v3 }
}
"""
    )
    choices = [node for node in lower(load(path)).nodes if node.op == "choice"]
    assert [(node.params["source"], node.params["target"]) for node in choices] == [(0, 1)]
    path.write_text(path.read_text() + "genotype { group0 = conv 1x1 from 0 }\n")
    assert "group0.nas.node1.conv" in lower(load(path)).by_name


def test_a_bit_rule_reaches_one_layer(tmp_path: Path) -> None:
    made = graph("own_backbone")
    assert made.node("narrow.block0.conv").params["weight_bits"] == 2
    assert made.node("narrow.block0.reduce").params["weight_bits"] == 3
    assert made.node("plain.first.act").params["bits"] == 4


@settings(max_examples=40, deadline=None)
@given(
    width=st.integers(1, 64),
    size=st.integers(1, 64),
    depth=st.integers(1, 4),
    stride=st.integers(1, 3),
)
def test_any_size_gives_a_graph_or_a_diagnostic(
    width: int, size: int, depth: int, stride: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("sizes") / "net.nash"
    path.write_text(
        f"""nash 1
use basic from "nashc/resnet.nash"
backbone net() {{
  stem:   conv 5x5({width}, stride = {stride}, pad = 0) -> bn -> act
  group0: basic({width}, stride = {stride}) * {depth}
  head:   avgpool -> fc: linear(classes)
}}
network net {{
  input = UINT8 1x{size}x{size}
  classes = 3
  backbone = net
}}
"""
    )
    try:
        made = lower(load(path))
    except SpecError as error:
        assert {d.code for d in error.diagnostics} <= {"NASH201", "NASH203"}
    else:
        assert made.output.shape == (1, 3)


ACROSS = """nash 1
use basic from "nashc/resnet.nash"
backbone tiny(width = 4) {
  stem:   conv 3x3(width) -> bn -> act
  group0: basic(2 * width, project = true)
  group1: basic(4 * width, stride = 2, project = true)
  head:   avgpool -> fc: linear(classes)
}
network tiny {
  input    = UINT8 1x8x8
  classes  = 10
  backbone = tiny
  cell in each group {
    identity_across = two_convs
  }
}
genotype {
  group0 = identity from 0, identity from 1
  group1 = identity from 0, conv 3x3 from 1
}
"""


def test_an_identity_across_a_change_is_one_convolution(tmp_path: Path) -> None:
    """Over one pixel where the channels change alone, over 2x2 where the resolution is halved."""
    spec = tmp_path / "tiny.nash"
    spec.write_text(ACROSS)
    made = lower(load(spec))
    channels, both = (made.node(f"group{i}.nas.node1.identity") for i in (0, 1))
    assert (channels.shape, channels.params["kernel"], channels.params["stride"]) == (
        (1, 8, 8, 8),
        1,
        1,
    )
    assert (both.shape, both.params["kernel"], both.params["stride"]) == ((1, 4, 4, 16), 2, 2)
    assert both.params["pad"] == 0
    assert not [node.name for node in made.nodes if "group0.nas.node2.identity" in node.name]


def test_an_identity_across_needs_the_spec_to_say_what_it_is(tmp_path: Path) -> None:
    spec = tmp_path / "tiny.nash"
    spec.write_text(ACROSS.replace("two_convs", "forbid"))
    with pytest.raises(SpecError) as caught:
        lower(load(spec))
    assert [problem.code for problem in caught.value.diagnostics] == ["NASH306", "NASH306"]
    assert "identity_across" in caught.value.diagnostics[0].help


def test_what_no_policy_could_keep_is_refused_before_the_search(tmp_path: Path) -> None:
    spec = tmp_path / "tiny.nash"
    open_cell = ACROSS[: ACROSS.index("genotype")].replace("identity_across = two_convs", "{}")
    spec.write_text(open_cell.replace("{}", "ops = [zero, maxpool 3x3]; policy = v3"))
    with pytest.raises(SpecError) as caught:
        lower(load(spec))
    assert caught.value.diagnostics[0].code == "NASH310"
    assert "node 1 of `group0` could keep nothing" in caught.value.diagnostics[0].message
    spec.write_text(open_cell.replace("{}", "ops = [zero, maxpool 3x3]; policy = v1"))
    lower(load(spec))


def test_bits_of_cells_may_be_named_whatever_a_search_puts_there(tmp_path: Path) -> None:
    searched, found = tmp_path / "searched.nash", tmp_path / "found.nash"
    base = (SPECS / "quickstart.nash").read_text(encoding="utf-8")
    rules = "group0.nas.node1.conv = w3\n    group1.nas.* = w5\n"
    searched.write_text(base.replace("    head     =", f"    {rules}    head     ="))
    found.write_text(
        'nash 1\nextends "searched.nash"\ngenotype {\n'
        "  group0 = identity from 0, maxpool 3x3 from 1\n"
        "  group1 = conv 3x3 from 0, conv 1x1 from 1\n}\n"
    )
    bits = {
        n.name: n.params["weight_bits"] for n in lower(load(searched)).nodes if n.op == "choice"
    }
    assert bits["group0.nas.edge0_1"] == 3
    assert {bits[name] for name in bits if name.startswith("group1")} == {5}
    assert lower(load(found)).node("group1.nas.node1.conv").params["weight_bits"] == 5
