"""The tree of one spec file, as written: no names resolved, no defaults filled in.

Every node carries the span of its text. Field names follow `grammar/nash.lark`.
"""

from __future__ import annotations

from dataclasses import dataclass

from nashc.text import Source, Span


@dataclass(frozen=True)
class Node:
    span: Span


# ---- values -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Name(Node):
    """A bare word, also a dotted path with `*` (`group*.block0.conv1`)."""

    text: str


@dataclass(frozen=True)
class Number(Node):
    """`200`, `200k`, `1e-3` or, with a unit, `200 MHz`; an int stays an int."""

    value: int | float
    unit: str | None = None


@dataclass(frozen=True)
class Text(Node):
    """A string without its quotes."""

    value: str


@dataclass(frozen=True)
class Shape(Node):
    """`3x224x224` or the `3x3` of a convolution."""

    dims: tuple[int, ...]


@dataclass(frozen=True)
class Argument(Node):
    name: Name | None
    value: Value


@dataclass(frozen=True)
class Term(Node):
    """A word with what may follow it: `w2a2`, `conv 3x3`, `UINT8 3x32x32`, `adam(lr = 1e-3)`."""

    name: Name
    shape: Shape | None = None
    arguments: tuple[Argument, ...] | None = None


@dataclass(frozen=True)
class From(Node):
    """`maxpool 3x3 from 1`: an operation of a genotype and the node it takes."""

    op: Term
    node: Number


@dataclass(frozen=True)
class List(Node):
    items: tuple[Value, ...]


@dataclass(frozen=True)
class Binary(Node):
    """op is one of + - * / == != < <= > >= and or."""

    op: str
    left: Value
    right: Value


@dataclass(frozen=True)
class Unary(Node):
    """op is one of - not."""

    op: str
    operand: Value


Value = Number | Text | Shape | Term | From | List | Binary | Unary


# ---- statements -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Setting(Node):
    """`key = value`; several values separated by commas stay a tuple. sign: `=`, or a comparison as in `lut < 200k`."""

    key: Name
    values: tuple[Value, ...]
    sign: str = "="


@dataclass(frozen=True)
class Edge(Node):
    """`edge 0 -> 3 = [identity, conv 1x1]` inside a cell."""

    source: Number
    target: Number
    value: Value


@dataclass(frozen=True)
class Section(Node):
    """`name word word { ... }`; words are Name nodes (`in` included), `head_span` is all before `{`."""

    name: Name
    words: tuple[Name, ...]
    body: tuple[Section | Setting | Edge, ...]
    head_span: Span


@dataclass(frozen=True)
class Extends(Node):
    path: Text
    overrides: tuple[Setting, ...]


@dataclass(frozen=True)
class Use(Node):
    names: tuple[Name, ...]
    path: Text


@dataclass(frozen=True)
class Param(Node):
    name: Name
    type: Name
    default: Value
    choices: List | None


# ---- networks as flow -------------------------------------------------------------------------


@dataclass(frozen=True)
class Parameter(Node):
    name: Name
    default: Value | None


@dataclass(frozen=True)
class Flow(Node):
    steps: tuple[Step, ...]


@dataclass(frozen=True)
class If(Node):
    condition: Value
    then: Flow
    otherwise: Flow


@dataclass(frozen=True)
class Step(Node):
    """One element of a flow: `conv1: conv 3x3(out)`, `basic(64) * 2`, `if ... then ... else ...`."""

    label: Name | None
    what: Term | If
    times: Number | None


@dataclass(frozen=True)
class Branch(Node):
    name: Name
    flow: Flow


@dataclass(frozen=True)
class Block(Node):
    """A reusable piece of network; the flow without a name is its output."""

    name: Name
    parameters: tuple[Parameter, ...]
    body: tuple[Branch | Flow, ...]


@dataclass(frozen=True)
class Backbone(Node):
    """A stem, groups and a head; each part takes the output of the one before."""

    name: Name
    parameters: tuple[Parameter, ...]
    parts: tuple[Branch, ...]


Item = Extends | Use | Param | Block | Backbone | Section


@dataclass(frozen=True)
class File:
    """One parsed file. `edition` is None when the first line is missing (an error of its own)."""

    source: Source
    edition: Number | None
    items: tuple[Item, ...]
