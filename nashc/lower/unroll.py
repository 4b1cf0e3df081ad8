"""Flow statements, blocks and conditions become nodes, one for each layer, under their paths."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import Any

from nashc.diagnostics import Diagnostic, Problems
from nashc.diagnostics.model import nearest
from nashc.ir import Graph, Node
from nashc.lower.arguments import arguments
from nashc.lower.layers import LAYERS, Layers
from nashc.lower.parts import called_twice, check_head, check_parts
from nashc.schema import Spec
from nashc.schema.files import Definition
from nashc.schema.values import BROKEN, number
from nashc.syntax import ast
from nashc.text import Span

MOST_REPEATS = 4096


def unroll(spec: Spec, problems: Problems) -> Graph:
    """The layers of a spec's backbone, each under its path, types and cells apart.

    Whole only where no problem was added.
    """
    return _Builder(spec, problems).graph()


@dataclass(frozen=True)
class _Scope:
    """Where a flow stands: path of names, role of its layers, names it may use."""

    path: str
    role: str
    names: Mapping[str, Any]
    values: Mapping[str, str | None]
    home: Definition
    input: str | None

    def child(self, name: str) -> str:
        return f"{self.path}.{name}" if self.path else name


class _Builder:
    """Unrolls the flows of a backbone into nodes; `None` as a value stands for one with an error."""

    def __init__(self, spec: Spec, problems: Problems) -> None:
        self.spec, self.problems = spec, problems
        self.layers = Layers(spec, problems)
        self.nodes: list[Node] = []
        self.spans: dict[str, Span] = {}
        self.depth: list[Definition] = []

    def graph(self) -> Graph:
        image = self.spec.network.input
        span = self.spec.spans.value(("network", "input"))
        shape = (image.height, image.width, image.channels)
        value: str | None = self._add(
            "image", "input", (), {"dtype": image.dtype, "shape": shape}, span
        )
        use = self.spec.backbone
        node = use.definition.node
        assert isinstance(node, ast.Backbone)
        names = {**use.args, "classes": self.spec.network.classes}
        check_parts(node, self.problems)
        # `backbone = resnet18(...)` asks for text of the library; a backbone of the spec speaks for itself.
        asks = self.problems.inside(use.span) if node.span.source.is_library else nullcontext()
        with asks:
            for part in node.parts:
                name = part.name.text
                role = name if name in ("stem", "head") else "backbone"
                scope = _Scope(name, role, names, {}, use.definition, value)
                value = self._flow(part.flow, scope)
        if value is not None and node.parts:
            last = next(n for n in self.nodes if n.name == value)
            check_head(node, last, self.spec, self.problems)
        return Graph(self.spec.name, tuple(self.nodes))

    # ---- flows ------------------------------------------------------------------------------

    def _flow(self, flow: ast.Flow, scope: _Scope) -> str | None:
        """The value at the end of a flow; it begins at the scope's input unless it names a value."""
        value, last, blocks = scope.input, "", 0
        for index, step in enumerate(flow.steps):
            if isinstance(step.what, ast.If):
                condition = number(step.what.condition, scope.names, self.problems)
                if not isinstance(condition, bool):
                    if condition is not BROKEN:
                        text = "a condition is true or false"
                        self.problems.add(Diagnostic("NASH104", text, step.what.condition.span))
                    return None
                branch = step.what.then if condition else step.what.otherwise
                value = self._flow(branch, replace(scope, input=value))
                continue
            word = step.what.name.text
            if word == "input" or word in scope.values:
                value = self._value(step, index, scope)
            elif word in LAYERS:
                value, last = self._layer(step, value, last, scope)
            elif word in scope.home.home.names:
                for _ in range(self._times(step)):
                    name = step.label.text if step.label else f"block{blocks}"
                    blocks += 1
                    value = self._block(step, name, value, scope)
            else:
                self._unknown(step, scope)
                value = None
        return value

    def _times(self, step: ast.Step) -> int:
        """How often a block is repeated; at least once, and not beyond what anybody would build."""
        times = int(step.times.value) if step.times else 1
        if step.times and not 1 <= times <= MOST_REPEATS:
            text = f"a block is repeated 1 to {MOST_REPEATS} times"
            self.problems.add(Diagnostic("NASH105", text, step.times.span))
            return 1
        return times

    def _value(self, step: ast.Step, index: int, scope: _Scope) -> str | None:
        word = step.what.name.text if isinstance(step.what, ast.Term) else ""
        if index:
            text = f"`{word}` is a value and can only begin a flow"
            self.problems.add(Diagnostic("NASH117", text, step.span, help=f"{word} -> ..."))
        return scope.input if word == "input" else scope.values[word]

    def _unknown(self, step: ast.Step, scope: _Scope) -> None:
        word = step.what.name.text if isinstance(step.what, ast.Term) else ""
        blocks = [n for n, d in scope.home.home.names.items() if isinstance(d.node, ast.Block)]
        known = [*LAYERS, *blocks, *scope.values, "input"]
        text = f"there is no layer, block or value `{word}`"
        span = step.what.span
        self.problems.add(Diagnostic("NASH103", text, span, help=nearest(word, known)))

    def _block(self, step: ast.Step, name: str, value: str | None, scope: _Scope) -> str | None:
        assert isinstance(step.what, ast.Term)
        definition = scope.home.home.names[step.what.name.text]
        block = definition.node
        if not isinstance(block, ast.Block):
            text = f"`{block.name.text}` is a backbone and cannot stand in a flow"
            self.problems.add(Diagnostic("NASH117", text, step.what.span))
            return None
        if definition in self.depth:
            text = f"block `{block.name.text}` contains itself"
            self.problems.add(Diagnostic("NASH109", text, step.what.span))
            return None
        args = arguments(step.what, block.parameters, scope.names, self.problems)
        if args is None:
            return None
        names = {**args, "classes": self.spec.network.classes}
        inner = _Scope(scope.child(name), scope.role, names, {}, definition, value)
        self.depth.append(definition)
        with self.problems.inside(step.what.span):
            result = self._block_body(block, inner)
        self.depth.pop()
        return result

    def _block_body(self, block: ast.Block, scope: _Scope) -> str | None:
        values: dict[str, str | None] = {}
        outputs = [line for line in block.body if isinstance(line, ast.Flow)]
        if len(outputs) != 1:
            text = f"block `{block.name.text}` has {len(outputs)} outputs; one line without a name is its output"
            help_text = "add(main, shortcut) -> act"
            self.problems.add(Diagnostic("NASH205", text, block.name.span, help=help_text))
            return None
        for line in block.body:
            if isinstance(line, ast.Branch):
                role = "shortcut" if line.name.text == "shortcut" else scope.role
                inner = replace(scope, role=role, values=dict(values))
                if line.name.text in values:
                    text = f"branch `{line.name.text}` is defined twice"
                    self.problems.add(Diagnostic("NASH102", text, line.name.span, "again here"))
                values[line.name.text] = self._flow(line.flow, inner)
        return self._flow(outputs[0], replace(scope, values=values))

    # ---- layers -----------------------------------------------------------------------------

    def _layer(
        self, step: ast.Step, value: str | None, last: str, scope: _Scope
    ) -> tuple[str | None, str]:
        """Add one layer; returns its value and the path that a following bn or act attaches to."""
        term = step.what
        assert isinstance(term, ast.Term)
        word = term.name.text
        if step.times:
            text = "blocks can be repeated, layers cannot"
            self.problems.add(Diagnostic("NASH117", text, step.times.span))
        attaches = word in ("bn", "act") and not step.label
        if attaches:
            path = f"{last}.{word}" if last else scope.child(word)
        else:
            path = last = scope.child(step.label.text if step.label else word)
        inputs = self._inputs(term, value, scope)
        params = self.layers.params(term, path, scope.role, scope.names)
        if inputs is None or params is None:
            return None, last
        op = "batchnorm" if word == "bn" else word
        return self._add(path, op, inputs, params, term.span), last

    def _inputs(self, term: ast.Term, value: str | None, scope: _Scope) -> tuple[str, ...] | None:
        if term.name.text != "add":
            return None if value is None else (value,)
        names: list[str | None] = []
        for argument in term.arguments or ():
            word = argument.span.text
            if word != "input" and word not in scope.values:
                text = f"`add` takes branches, and `{word}` is none"
                hint = nearest(word, [*scope.values, "input"])
                self.problems.add(Diagnostic("NASH103", text, argument.span, help=hint))
                return None
            names.append(scope.input if word == "input" else scope.values[word])
        if len(names) < 2:
            text = "`add` takes two branches or more"
            self.problems.add(Diagnostic("NASH110", text, term.span, help="add(main, shortcut)"))
            return None
        return None if None in names else tuple(name for name in names if name)

    def _add(
        self, name: str, op: str, inputs: tuple[str, ...], params: dict[str, Any], span: Span | None
    ) -> str | None:
        if name in self.spans:
            label = name.rpartition(".")[2] + ("_2" if name[-1].isdigit() else "2")
            hint = f"give one a label: `{label}: {span.text if span else op}`"
            self.problems.add(called_twice(name, span, self.spans[name], hint))
            return None
        if span:
            self.spans[name] = span
        self.nodes.append(Node(name, op, inputs, params, None, span and self.problems.asked(span)))
        return name
