"""Pictures: well-formed, complete, the same twice, and with wires that keep clear of boxes."""

import re
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import pytest

from nashc.emit.picture import dot, svg
from nashc.emit.picture.boxes import boxes, candidates, details, operation
from nashc.emit.picture.layout import layout
from nashc.ir import Graph, Node
from nashc.lower import lower
from nashc.schema import load
from tests.paths import ALL_SPECS, SPECS

SVG = "{http://www.w3.org/2000/svg}"
NODE = re.compile(r'^ +"((?:[^"\\]|\\.)*)" \[label="((?:[^"\\]|\\.)*)", ')
EDGE = re.compile(r'^  "((?:[^"\\]|\\.)*)" -> "((?:[^"\\]|\\.)*)";$')

every_spec = pytest.mark.parametrize("path", ALL_SPECS, ids=lambda path: path.stem)


def graph(path: Path) -> Graph:
    return lower(load(path))


def named(picture: str) -> list[str]:
    """The nodes that the boxes of an SVG name to a pointer."""
    root = ElementTree.fromstring(picture)
    titles = [title.text or "" for title in root.iterfind(f".//{SVG}g/{SVG}title")]
    return [name for title in titles for name in title.split(", ")]


@every_spec
def test_svg_names_every_node_once(path: Path) -> None:
    net = graph(path)
    assert sorted(named(svg(net))) == sorted(node.name for node in net.nodes)


@every_spec
def test_svg_is_self_contained(path: Path) -> None:
    picture = svg(graph(path))
    tags = {element.tag.removeprefix(SVG) for element in ElementTree.fromstring(picture).iter()}
    assert tags == {"svg", "title", "rect", "text", "g", "path"}
    assert picture.count("http") == 1, "the namespace alone"


@every_spec
def test_pictures_are_the_same_twice(path: Path) -> None:
    first, second = graph(path), graph(path)
    assert svg(first) == svg(second)
    assert dot(first) == dot(second)


@every_spec
def test_dot_has_every_node_and_edge(path: Path) -> None:
    net = graph(path)
    lines = dot(net).splitlines()
    nodes = [found[1] for line in lines if (found := NODE.match(line))]
    edges = [(found[1], found[2]) for line in lines if (found := EDGE.match(line))]
    assert sorted(nodes) == sorted(node.name for node in net.nodes)
    assert edges == [(name, node.name) for node in net.nodes for name in node.inputs]
    assert sum(line.count("{") - line.count("}") for line in lines) == 0


@every_spec
def test_no_wire_runs_through_a_box(path: Path) -> None:
    sheet = layout(boxes(graph(path)))
    for wire in sheet.wires:
        for (x0, y0), (x1, y1) in pairwise(wire.points):
            assert y0 <= y1
            left, right = min(x0, x1), max(x0, x1)
            for place in sheet.places:
                beside = right <= place.x or left >= place.x + place.width
                apart = y1 <= place.y or y0 >= place.y + place.height
                assert beside or apart, f"{wire} and {place.box.name}"


@every_spec
def test_boxes_and_groups_do_not_overlap(path: Path) -> None:
    sheet = layout(boxes(graph(path)))
    for index, a in enumerate(sheet.places):
        assert a.x >= 0 and a.x + a.width <= sheet.width and a.y + a.height <= sheet.height
        for b in sheet.places[:index]:
            beside = a.x + a.width <= b.x or b.x + b.width <= a.x
            assert beside or a.y + a.height <= b.y or b.y + b.height <= a.y
    for above, below in pairwise(sheet.bands):
        assert above.y + above.height < below.y


def test_batchnorms_and_joins_live_in_the_box_of_their_layer() -> None:
    shown = {box.name: box for box in boxes(graph(SPECS / "resnet18_v3.nash"))}
    ops = {box.layer.op for box in shown.values()}
    assert ops == {"input", "conv", "maxpool", "add", "act", "avgpool", "linear"}
    words = {
        name: (operation(shown[name].layer), details(shown[name]))
        for name in ("stem.conv", "group1.block0.conv1", "group0.nas.node2.add", "head.fc")
    }
    assert words == {
        "stem.conv": ("conv 7x7 /2, 64", "w8"),
        "group1.block0.conv1": ("conv 3x3 /2, 128", "w2 · bn"),
        "group0.nas.node2.add": ("add", "joins a8 · relu a2"),
        "head.fc": ("linear, 1000", "w8"),
    }


def test_backbone_is_one_column_between_shortcuts_and_cells() -> None:
    places = {p.box.name: p.x for p in layout(boxes(graph(SPECS / "quickstart.nash"))).places}
    middle = places["image"]
    assert {name for name, x in places.items() if x < middle} == {"group1.block0.down"}
    assert {name for name, x in places.items() if x > middle} == {
        f"{group}.nas.{part}"
        for group in ("group0", "group1")
        for part in ("edge0_1", "edge0_2", "edge1_2", "node1.act")
    }


def test_choices_show_their_candidates() -> None:
    net = graph(SPECS / "quickstart.nash")
    wanted = [op for box in boxes(net) for op in candidates(box)]
    texts = [text.text for text in ElementTree.fromstring(svg(net)).iter(f"{SVG}text")]
    legend = ["identity", "maxpool", "zero"]
    shown = [t for t in texts if t in set(wanted)]
    assert sorted(shown) == sorted(wanted + [word for word in legend if word in wanted])


def test_names_are_escaped() -> None:
    image = Node('a<b>&"c\\', "input", (), {"dtype": "UINT8"})
    net = Graph('<&">', (image, Node("sum.x&y", "add", (image.name, image.name), {})))
    picture = svg(net)
    assert named(picture) == [image.name, "sum.x&y"]
    assert ElementTree.fromstring(picture).findtext(f"{SVG}title") == '<&">'
    lines = dot(net).splitlines()
    assert lines[0] == 'digraph "<&\\">" {'
    assert lines[-2] == '  "a<b>&\\"c\\\\" -> "sum.x&y";'
    nodes = [found[1] for line in lines if (found := NODE.match(line))]
    assert nodes == ['a<b>&\\"c\\\\', "sum.x&y"]


def test_a_value_added_to_itself_keeps_two_wires() -> None:
    image = Node("image", "input", (), {"dtype": "UINT8"})
    wires = layout(boxes(Graph("twice", (image, Node("add", "add", ("image", "image"), {}))))).wires
    assert len({wire.points[-1] for wire in wires}) == 2
