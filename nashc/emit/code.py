"""A graph as Python code: parts become classes, layers attributes, values local variables.

What is computed here is text in pieces (`Part`, `Layer`); the files around it are templates.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby

from nashc.emit.lines import assigned, bracketed, given_back
from nashc.ir import Graph, Node
from nashc.vocab.names import class_name, is_taken_in_python, python_name

MOST_LISTED = 4  # results whose types are written one by one
FUNCTIONS = ("added", "torch")
"""What a `forward` calls without `self`: no variable has such a name."""


@dataclass(frozen=True)
class Layer:
    """`self.attribute = constructor(arguments)`, with the line of the spec it stands for."""

    attribute: str
    constructor: str
    arguments: tuple[str, ...]
    origin: str = ""

    @property
    def lines(self) -> list[str]:
        """The statement, indented for a method."""
        head = f"        self.{self.attribute} = {self.constructor}"
        return bracketed(head, self.arguments, comment=self.origin)


@dataclass(frozen=True)
class Part:
    """One class of the model: a stem, a group or a head.

    inputs: names of its arguments; outputs: expressions. takes, gives: the values of the graph that these are.
    parameters: attributes of the network that it is made with.
    """

    name: str
    doc: str
    layers: tuple[Layer, ...]
    inputs: tuple[str, ...]
    statements: tuple[str, ...]
    outputs: tuple[str, ...]
    takes: tuple[str, ...]
    gives: tuple[str, ...]
    parameters: tuple[str, ...] = ()

    @property
    def class_name(self) -> str:
        return class_name(self.name)

    @property
    def head(self) -> list[str]:
        """How its `__init__` begins."""
        given = [f"{name}: ChannelChoice" for name in self.parameters]
        return bracketed("    def __init__", ["self", *given], " -> None:")

    @property
    def forward(self) -> list[str]:
        """How its `forward` begins."""
        count = len(self.outputs)
        each = ", ".join(["Tensor"] * count) if count <= MOST_LISTED else "Tensor, ..."
        given = "Tensor" if count == 1 else f"tuple[{each}]"
        taken = [f"{name}: Tensor" for name in self.inputs]
        return bracketed("    def forward", ["self", *taken], f" -> {given}:")

    @property
    def end(self) -> list[str]:
        """How its `forward` ends."""
        return given_back(self.outputs)

    @property
    def made(self) -> Layer:
        """The attribute of the network that it is."""
        return Layer(self.name, self.class_name, tuple(f"self.{it}" for it in self.parameters))


@dataclass(frozen=True)
class Speaker:
    """How a back end says a node.

    layer: its attribute, None where it needs none. call: its expression, given those of its inputs.
    """

    layer: Callable[[Node, str, Graph], Layer | None]
    call: Callable[[Node, str, list[str], Graph], str]
    is_inlined: Callable[[Node, Graph], bool]


class Places:
    """Which class and attribute each node belongs to."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.part: dict[str, str] = {}
        current = ""
        for node in graph.nodes:
            head = node.name.partition(".")[0]
            if node.op != "input":
                current = head if head != "nas" else current
            self.part[node.name] = current

    @cached_property
    def parts(self) -> tuple[str, ...]:
        """Names of the parts in order; the input belongs to none."""
        return tuple(dict.fromkeys(part for part in self.part.values() if part))

    def attribute(self, name: str) -> str:
        """`group0.block0.conv1.bn` as an attribute of its part: `block0_conv1_bn`."""
        return _in_part(name, self.part[name])

    def home(self, node: Node) -> tuple[str, str]:
        """The part that a node's module belongs to, and its attribute there."""
        owner = self.owner(node)
        joined = self.part.get(owner.removesuffix(".join"))
        part = self.part.get(owner) or joined or self.part[node.name]
        return part, _in_part(owner, part)

    def owner(self, node: Node) -> str:
        """The name under which a node's module is kept: of an act its quantiser, of an add the one of all its summands."""
        if node.op == "act":
            return str(node.params["quantiser"])
        values = map(self.graph.node, node.inputs if node.op == "add" else ())
        summands = [self.owner(value) for value in values]
        is_shared = len(set(summands)) == 1  # in all quantised networks: passes/quantise_joins.py
        return summands[0] if is_shared else node.name

    def module(self, name: str) -> str:
        """The Python path of a layer's module: `group0.block0_conv1_bn`."""
        return ".".join(self.home(self.graph.node(name)))


def _in_part(path: str, part: str) -> str:
    """A cell over the network has layers among those of a part, which may have a cell of its own: `network_nas_node1_conv`."""
    whole = f"network.{path}" if path.startswith("nas.") else path
    return python_name(whole.removeprefix(f"{part}."))


def origin(node: Node) -> str:
    """`resnet.nash:9`, the file's name without its folder: the same on every machine."""
    return f"{node.span.source.name}:{node.span.line}" if node.span else ""


def conv_arguments(node: Node, graph: Graph) -> tuple[str, ...]:
    """Arguments of a convolution that torch and Brevitas share."""
    p = node.params
    arguments = [str(graph.node(node.inputs[0]).shape[-1]), str(p["out"]), str(p["kernel"])]
    arguments += [f"stride={p['stride']}"] if p["stride"] != 1 else []
    arguments += [f"padding={p['pad']}"] if p["pad"] else []
    return (*arguments, "bias=False")


def linear_arguments(node: Node, graph: Graph) -> tuple[str, ...]:
    """Arguments of a fully connected layer that torch and Brevitas share."""
    outputs = "CLASSES" if node is graph.output else str(node.params["out"])
    return (str(graph.node(node.inputs[0]).shape[-1]), outputs, "bias=False")


def used(classes: Iterable[str], layers: Iterable[Layer]) -> tuple[str, ...]:
    """Those of some classes that layers are made with, which a file imports."""
    constructors = {layer.constructor for layer in layers}
    return tuple(name for name in classes if name in constructors)


def goes_into(node: Node, graph: Graph, summand: str) -> bool:
    """Whether a value needs no name: a conv or pool before its batch norm, a `summand` op before an add."""
    readers = graph.consumers[node.name]
    if not readers:
        return False
    if node.op in ("conv", "maxpool"):
        return readers[0].op in ("batchnorm", "maxpool")
    return node.op == summand and readers[0].op == "add"


def shape_words(node: Node) -> str:
    """`16x8x8` (channels, height, width), or `10 logits`."""
    shape = node.shape
    if len(shape) == 2:
        return str(shape[1])
    return f"{shape[3]}x{shape[1]}x{shape[2]}"


def parts(graph: Graph, speaker: Speaker) -> tuple[Part, ...]:
    """The classes of a model."""
    places = Places(graph)
    return tuple(_part(name, graph, places, speaker) for name in places.parts)


def _part(name: str, graph: Graph, places: Places, speaker: Speaker) -> Part:
    own = [node for node in graph.nodes if places.part[node.name] == name]
    inside = {node.name for node in own}
    inputs = list(dict.fromkeys(i for node in own for i in node.inputs if i not in inside))
    outputs = [
        node.name
        for node in own
        if node is graph.output or any(r.name not in inside for r in graph.consumers[node.name])
    ]
    said: dict[str, str] = {value: _input_name(value, inputs) for value in inputs}
    taken = {*said.values(), *FUNCTIONS}
    statements: list[str] = []
    layers: list[Layer] = []
    owners: dict[str, str] = {}  # of attributes
    for node in own:
        _, attribute = places.home(node)
        layer = speaker.layer(node, attribute, graph)
        if layer and layer.attribute not in owners:
            layers.append(layer)
        owner = places.owner(node)
        assert owners.setdefault(attribute, owner) == owner, (node.name, attribute)
        expression = speaker.call(node, attribute, [said[i] for i in node.inputs], graph)
        if speaker.is_inlined(node, graph) and len(graph.consumers[node.name]) == 1:
            said[node.name] = expression
            continue
        if outputs == [node.name] and node is own[-1]:
            said[node.name] = expression
            continue
        said[node.name] = _variable(node, places, taken)
        taken.add(said[node.name])
        if expression != said[node.name]:
            statements += assigned(said[node.name], expression)
    doc = f"{_words(inputs, graph)} -> {_words(outputs, graph)}"
    return Part(
        name,
        doc,
        tuple(layers),
        tuple(said[i] for i in inputs),
        tuple(statements),
        tuple(said[value] for value in outputs),
        tuple(inputs),
        tuple(outputs),
    )


def _input_name(value: str, inputs: list[str]) -> str:
    return "x" if len(inputs) == 1 else python_name(value)


def _variable(node: Node, places: Places, taken: set[str]) -> str:
    """A local name: the layer's own, without the batch norm behind it."""
    whole = places.attribute(node.name)
    candidates = (whole.removesuffix("_bn"), whole, *(f"{whole}_{n}" for n in range(2, 99)))
    return next(n for n in candidates if n not in taken and not is_taken_in_python(n))


def _words(values: list[str], graph: Graph) -> str:
    """`32x16x16 and 5 of 16x32x32`: values of one shape that follow each other are counted."""
    found = []
    for words, group in groupby(shape_words(graph.node(value)) for value in values):
        count = len(list(group))
        found.append(words if count == 1 else f"{count} of {words}")
    return " and ".join(found)
