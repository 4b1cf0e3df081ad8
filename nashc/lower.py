"""A valid Spec becomes a Graph; names become edges.

Flow statements are unrolled into layers, each under its path (`group0.block0.conv1`), then the
passes attach cells, join quantisers and types, and check that FINN can build the result.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import Any

from nashc.channels import check_channels
from nashc.diagnostics import Diagnostic, Label, Problems
from nashc.diagnostics.model import nearest
from nashc.ir import Graph, Node
from nashc.passes.pipeline import run
from nashc.schema import Spec
from nashc.schema.files import Definition
from nashc.schema.values import BROKEN, describe, number
from nashc.syntax import ast
from nashc.text import Span
from nashc.vocab.names import OF_FILES, OF_PARTS, class_name, is_taken_in_python

MOST_REPEATS = 4096
LAYERS = ("conv", "bn", "act", "maxpool", "avgpool", "linear", "add")


def lower(spec: Spec) -> Graph:
    """The checked and typed graph of a spec.

    Errors: SpecError with all diagnostics found (NASH1xx for names, 2xx for shapes, 3xx for cells, 454 for a folding
    file that does not fit the layers).
    """
    problems = Problems()
    graph = _Builder(spec, problems).graph()
    problems.check()
    graph = run(graph, spec, problems)
    check_channels(spec, graph, lower)
    if spec.target and spec.target.folding and not spec.is_searched:
        from nashc.fold.of_target import check_file  # numpy, when a folding is asked for

        check_file(spec, graph)
    return graph


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
        self._check_parts(node)
        # `backbone = resnet18(...)` asks for text of the library; a backbone of the spec speaks for itself.
        asks = self.problems.inside(use.span) if node.span.source.is_library else nullcontext()
        with asks:
            for part in node.parts:
                name = part.name.text
                role = name if name in ("stem", "head") else "backbone"
                scope = _Scope(name, role, names, {}, use.definition, value)
                value = self._flow(part.flow, scope)
        self._check_classes(node, value)
        return Graph(self.spec.name, tuple(self.nodes))

    def _check_parts(self, node: ast.Backbone) -> None:
        names = [part.name.text for part in node.parts]
        wanted = (("stem", 0), ("head", -1))
        for name, place in wanted:
            if name not in names or names[place] != name:
                where = "begins with" if name == "stem" else "ends in"
                text = f"a backbone {where} a part named `{name}`"
                self.problems.add(Diagnostic("NASH207", text, node.name.span))
        for index, name in enumerate(names):
            if name in names[:index]:
                first = node.parts[names.index(name)].name.span
                self._taken(name, node.parts[index].name.span, first)
        self._check_class_names(node)

    def _check_class_names(self, node: ast.Backbone) -> None:
        """A part is a class of the generated programs and an attribute of the network."""
        classes: dict[str, ast.Name] = {}
        for part in node.parts:
            word = part.name.text
            name = class_name(word)
            other = classes.setdefault(name, part.name)
            if is_taken_in_python(word) or word in OF_PARTS or name in OF_FILES:
                text = f"no part can be called `{word}`: the generated programs use the name"
                hint = "give the part another name"
                self.problems.add(Diagnostic("NASH212", text, part.name.span, help=hint))
            elif other.text != word:
                text = f"`{other.text}` and `{word}` would be one class `{name}` of the model"
                others = (Label(other.span, "the first"),)
                hint = "give one another name"
                self.problems.add(
                    Diagnostic("NASH204", text, part.name.span, "the second", others, hint)
                )

    def _check_classes(self, node: ast.Backbone, value: str | None) -> None:
        if value is None or not node.parts:
            return
        last = next(n for n in self.nodes if n.name == value)
        if last.op != "linear":
            text = "the head does not end in a fully connected layer"
            span = node.parts[-1].flow.span
            self.problems.add(
                Diagnostic("NASH206", text, span, help="head: avgpool -> fc: linear(classes)")
            )
        elif last.params["out"] != self.spec.network.classes:
            classes = self.spec.spans.value(("network", "classes"))
            text = f"the head gives {last.params['out']} outputs for {self.spec.network.classes} classes"
            others = (Label(classes, "the classes"),) if classes else ()
            self.problems.add(
                Diagnostic("NASH206", text, last.span, others=others, help="linear(classes)")
            )

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
        args = self._arguments(step.what, block.parameters, scope)
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

    def _arguments(
        self, term: ast.Term, parameters: tuple[ast.Parameter, ...], scope: _Scope
    ) -> dict[str, Any] | None:
        """Values of a block's parameters; None when something is missing or does not fit."""
        names = [parameter.name.text for parameter in parameters]
        given = self._given(term, names, scope)
        result: dict[str, Any] = {}
        for parameter in parameters:
            name = parameter.name.text
            if name in given:
                result[name] = given[name]
            elif parameter.default is not None:
                result[name] = number(parameter.default, result, self.problems)
            else:
                text = f"`{term.name.text}` needs `{name}`"
                others = (Label(parameter.span, "asked for here"),)
                self.problems.add(Diagnostic("NASH110", text, term.span, others=others))
                return None
        return None if BROKEN in result.values() else result

    def _given(self, term: ast.Term, names: list[str], scope: _Scope) -> dict[str, Any]:
        given: dict[str, Any] = {}
        for index, argument in enumerate(term.arguments or ()):
            name = (
                argument.name.text if argument.name else names[index] if index < len(names) else ""
            )
            if name not in names:
                word = argument.name.text if argument.name else argument.span.text
                text = f"`{term.name.text}` takes no `{word}`"
                hint = f"it takes {', '.join(names)}" if names else "it takes no arguments"
                self.problems.add(Diagnostic("NASH110", text, argument.span, help=hint))
                given[word] = BROKEN
            elif name in given:
                text = f"`{name}` is given twice"
                self.problems.add(Diagnostic("NASH102", text, argument.span))
            else:
                given[name] = number(argument.value, scope.names, self.problems)
        return given

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
        params = self._params(term, path, scope)
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

    def _params(self, term: ast.Term, path: str, scope: _Scope) -> dict[str, Any] | None:
        bits = self.spec.bits_of(path, scope.role)
        window = self._window(term)
        match term.name.text:
            case "conv":
                given = self._sizes(
                    term, ("out", "stride", "pad"), scope, {"stride": 1, "pad": window // 2}
                )
                if given is None or not window:
                    return None
                self._check_pad(
                    term, given["pad"], window - 1, "a window would lie in the padding alone"
                )
                return {**given, "kernel": window, "weight_bits": bits.weight, "role": scope.role}
            case "maxpool":
                given = self._sizes(
                    term, ("stride", "pad"), scope, {"stride": 1, "pad": window // 2}
                )
                if given is None or not window:
                    return None
                half = "a max-pool is padded by half its window at most"
                self._check_pad(term, given["pad"], window // 2, half)
                return {**given, "window": window}
            case "linear":
                given = self._sizes(term, ("out",), scope, {})
                return (
                    None
                    if given is None
                    else {**given, "weight_bits": bits.weight, "role": scope.role}
                )
            case "act" if self._is_bare(term):
                kind = self.spec.network.activation.before_conv
                return {"kind": kind, "bits": bits.act, "quantiser": path, "role": scope.role}
            case "avgpool" if self._is_bare(term):
                return {"bits": bits.act}
            case "bn" if self._is_bare(term):
                return {}
            case "add":
                return {}
        return None

    def _is_bare(self, term: ast.Term) -> bool:
        """Whether a layer that takes no arguments has none."""
        if term.arguments:
            text = f"`{term.name.text}` takes no arguments"
            self.problems.add(Diagnostic("NASH110", text, term.span, help=term.name.text))
        return not term.arguments

    def _sizes(
        self, term: ast.Term, names: tuple[str, ...], scope: _Scope, defaults: dict[str, int]
    ) -> dict[str, int] | None:
        given = self._given(term, list(names), scope)
        if BROKEN in given.values():
            return None
        result = {**defaults, **given}
        for name in names:
            span = next(
                (a.value.span for a in term.arguments or () if a.name and a.name.text == name),
                term.span,
            )
            least = 0 if name == "pad" else 1
            if name not in result:
                text = f"`{term.name.text}` needs `{name}`"
                hint = f"{term.name.text} ...({name} = 16)"
                self.problems.add(Diagnostic("NASH110", text, term.span, help=hint))
                return None
            if isinstance(result[name], bool) or not isinstance(result[name], int):
                text = f"`{name}` needs a whole number, and this is {describe(result[name])}"
                self.problems.add(Diagnostic("NASH104", text, span))
                return None
            if result[name] < least:
                text = f"`{name}` must be at least {least}, and this is {result[name]}"
                self.problems.add(Diagnostic("NASH105", text, span))
                return None
        return result

    def _check_pad(self, term: ast.Term, pad: int, most: int, why: str) -> None:
        if pad > most:
            given = [a.span for a in term.arguments or () if a.name and a.name.text == "pad"]
            text = f"`pad` must be at most {most} here, and this is {pad}: {why}"
            span = given[0] if given else term.span
            self.problems.add(Diagnostic("NASH105", text, span, help=f"pad = {most}"))

    def _window(self, term: ast.Term) -> int:
        """Side of a square window; 0, with a message, where there is none."""
        if term.name.text not in ("conv", "maxpool"):
            if term.shape:
                text = f"`{term.name.text}` has no window"
                self.problems.add(Diagnostic("NASH110", text, term.shape.span))
            return 0
        word = term.name.text
        if term.shape is None:
            text = f"`{word}` needs its window"
            self.problems.add(Diagnostic("NASH110", text, term.span, help=f"{word} 3x3"))
            return 0
        dims = term.shape.dims
        if len(set(dims)) != 1 or len(dims) != 2 or not dims[0]:
            text = "windows are square"
            self.problems.add(Diagnostic("NASH105", text, term.shape.span, help=f"{word} 3x3"))
            return 0
        return dims[0]

    def _add(
        self, name: str, op: str, inputs: tuple[str, ...], params: dict[str, Any], span: Span | None
    ) -> str | None:
        if name in self.spans:
            self._taken(name, span, self.spans[name])
            return None
        if span:
            self.spans[name] = span
        self.nodes.append(Node(name, op, inputs, params, None, span and self.problems.asked(span)))
        return name

    def _taken(self, name: str, span: Span | None, first: Span) -> None:
        self.problems.add(
            Diagnostic(
                "NASH204",
                f"two layers would be called `{name}`",
                span,
                "the second",
                (Label(first, "the first"),),
                "give one a label: `conv2: conv 3x3(...)`",
            )
        )
