"""What the parts of a backbone must be: their order, their names, and what the head gives."""

from __future__ import annotations

from nashc.diagnostics import Diagnostic, Label, Problems
from nashc.ir import Node
from nashc.schema import Spec
from nashc.syntax import ast
from nashc.text import Span
from nashc.vocab.names import OF_FILES, OF_PARTS, class_name, is_taken_in_python


def check_parts(node: ast.Backbone, problems: Problems) -> None:
    """Errors: NASH207 for a missing stem or head, NASH204 and NASH212 for names."""
    names = [part.name.text for part in node.parts]
    wanted = (("stem", 0), ("head", -1))
    for name, place in wanted:
        if name not in names or names[place] != name:
            where = "begins with" if name == "stem" else "ends in"
            text = f"a backbone {where} a part named `{name}`"
            problems.add(Diagnostic("NASH207", text, node.name.span))
    for index, name in enumerate(names):
        if name in names[:index]:
            first = node.parts[names.index(name)].name.span
            hint = "give the part another name"
            problems.add(called_twice(name, node.parts[index].name.span, first, hint))
    _check_class_names(node, problems)


def _check_class_names(node: ast.Backbone, problems: Problems) -> None:
    """A part is a class of the generated programs and an attribute of the network."""
    classes: dict[str, ast.Name] = {}
    for part in node.parts:
        word = part.name.text
        name = class_name(word)
        other = classes.setdefault(name, part.name)
        if is_taken_in_python(word) or word in OF_PARTS or name in OF_FILES:
            text = f"no part can be called `{word}`: the generated programs use the name"
            hint = "give the part another name"
            problems.add(Diagnostic("NASH212", text, part.name.span, help=hint))
        elif other.text != word:
            text = f"`{other.text}` and `{word}` would be one class `{name}` of the model"
            others = (Label(other.span, "the first"),)
            hint = "give one another name"
            problems.add(Diagnostic("NASH204", text, part.name.span, "the second", others, hint))


def check_head(node: ast.Backbone, last: Node, spec: Spec, problems: Problems) -> None:
    """last: the layer that the head ends in."""
    classes = spec.network.classes
    if last.op != "linear":
        text = "the head does not end in a fully connected layer"
        hint = "head: avgpool -> fc: linear(classes)"
        problems.add(Diagnostic("NASH206", text, node.parts[-1].flow.span, help=hint))
    elif last.params["out"] != classes:
        span = spec.spans.value(("network", "classes"))
        text = f"the head gives {last.params['out']} outputs for {classes} classes"
        others = (Label(span, "the classes"),) if span else ()
        problems.add(Diagnostic("NASH206", text, last.span, others=others, help="linear(classes)"))


def called_twice(name: str, span: Span | None, first: Span, hint: str) -> Diagnostic:
    text = f"two layers would be called `{name}`"
    return Diagnostic("NASH204", text, span, "the second", (Label(first, "the first"),), hint)
