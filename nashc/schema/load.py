"""From a path to a Spec: files, parameters, then every section in turn, all mistakes collected."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from nashc.diagnostics import Diagnostic, Label, Problems
from nashc.diagnostics.model import nearest
from nashc.schema.bit_rules import is_path, one_value, read_bit_rules
from nashc.schema.board_file import read_board
from nashc.schema.cells import read_cells, read_genotype
from nashc.schema.channel_lists import read_channel_list
from nashc.schema.files import Loader, Module
from nashc.schema.folding_file import read_folding
from nashc.schema.merge import Merged, merge
from nashc.schema.mistakes import SpanTable, validated
from nashc.schema.models import DATA_SETS, Data, Finn, Network, Search, Settings, Target, Train
from nashc.schema.params import read_params
from nashc.schema.spec import BackboneUse, Place, Spec
from nashc.schema.values import BROKEN, Call, Compared, Word, describe, evaluate
from nashc.syntax import ast
from nashc.text import Span

Section = TypeVar("Section", bound=Settings)


def load(path: Path, overrides: Mapping[str, str] | None = None) -> Spec:
    """The spec of a file with `--set` values applied.

    Errors: SpecError with all diagnostics found (NASH0xx, NASH1xx and what cells and genotypes say).
    """
    problems = Problems()
    module = Loader(problems).load(path)
    if module is None:
        problems.check()
        raise AssertionError(f"{path} gave neither a file nor a diagnostic")
    problems.check()
    return _Reader(path, module, dict(overrides or {}), problems).spec()


class _Reader:
    """Reads the merged sections; one method per section."""

    def __init__(
        self, path: Path, module: Module, overrides: dict[str, str], problems: Problems
    ) -> None:
        self.path, self.module, self.overrides, self.problems = path, module, overrides, problems
        self.spans = SpanTable()
        self.sections = merge(tuple(part.file for part in module.chain), problems)
        self.params = read_params(module, overrides, self.spans, problems)

    def spec(self) -> Spec:
        network_section = self.sections.get("network") or self._no_network()
        network = self._network(network_section)
        backbone = self._backbone(network_section)
        bits = network_section.sections.get("bits")
        rules = read_bit_rules(bits, self.params, self.problems)
        cells = read_cells(network_section, self.params, self.spans, self.problems)
        for name in ("genotype", "compare"):
            if name in self.sections:
                self._no_words(name, self.sections[name])
        genotype, genotype_spans = read_genotype(
            self.sections.get("genotype"), cells, self.params, self.problems
        )
        search = self._section("search", Search)
        train = self._section("train", Train)
        target = self._section("target", Target)
        finn = self._section("finn", Finn) or (Finn() if target else None)
        if "finn" in self.sections and "target" not in self.sections:
            self._no_target(self.sections["finn"])
        floorplan = self._floorplan(self.sections.get("finn"))
        compare = self._compare(self.sections.get("compare"))
        is_searched = bool(cells) and genotype is None
        is_searched = is_searched or any(rule.alternatives for rule in rules)
        is_searched = is_searched or bool(backbone and backbone.lists)
        for name, section in (("search", search if is_searched else None), ("train", train)):
            if network and section:
                self._check_data(name, section.data, network)
        self.problems.check()
        assert network and backbone
        return Spec(
            name=network_section.words[0].text,
            path=self.path,
            params=self.params,
            network=network,
            backbone=backbone,
            bit_rules=rules,
            cells=cells,
            genotype=genotype,
            genotype_spans=genotype_spans,
            search=search,
            train=train,
            target=target,
            finn=finn,
            floorplan=floorplan,
            compare=compare,
            overrides=self.overrides,
            module=self.module,
            spans=self.spans,
        )

    def _no_network(self) -> Merged:
        source = self.module.file.source
        end = Span(source, max(0, len(source.text.rstrip()) - 1), len(source.text.rstrip()))
        self.problems.fail(
            Diagnostic(
                "NASH106",
                "the spec has no network",
                end,
                "a network is missing",
                help="network NAME { input = ...; classes = ...; backbone = ... }",
            )
        )

    def _no_target(self, finn: Merged) -> None:
        text = "`finn` says how hardware is built, and there is no `target` to build it for"
        help_text = "target { board = Pynq-Z1 }"
        self.problems.add(Diagnostic("NASH106", text, finn.head, help=help_text))

    # ---- sections ---------------------------------------------------------------------------

    def _values(
        self, section: Merged, path: tuple[str, ...], skip: tuple[str, ...] = ()
    ) -> dict[str, Any]:
        """The evaluated settings of a section, their spans noted."""
        self.spans.put(path, section.head, section.head)
        values: dict[str, Any] = {}
        for key, setting in section.settings.items():
            if key in skip:
                continue
            first, last = setting.values[0], setting.values[-1]
            self.spans.put((*path, key), setting.key.span, first.span.to(last.span))
            results = [self._evaluate(value, (*path, key)) for value in setting.values]
            value = BROKEN if BROKEN in results else results[0] if len(results) == 1 else results
            is_compared = setting.sign != "=" and value is not BROKEN
            values[key] = Compared(setting.sign, value) if is_compared else value
        return values

    def _evaluate(self, value: ast.Value, path: tuple[str, ...]) -> Any:
        if path in _FILES and isinstance(value, ast.Text):
            file = Path(value.span.source.path).parent / value.value
            found = _FILES[path](file, value.span, self.problems)
            return BROKEN if found is None else found
        if path[-1] == "board" or path == ("search", "budget", "fits"):
            return Word(value.span.text)  # boards have dashes in their names: Pynq-Z1
        if isinstance(value, ast.Term):
            for argument in value.arguments or ():
                if argument.name:
                    inner = (*path, argument.name.text)
                    self.spans.put(inner, argument.name.span, argument.value.span)
        return evaluate(value, self.params, self.problems)

    def _section(self, name: str, model: type[Section]) -> Section | None:
        section = self.sections.get(name)
        if section is None:
            return None
        self._no_words(name, section)
        values = self._values(section, (name,))
        for inner in section.sections.keys() & model.model_fields.keys():
            self._no_words(inner, section.sections[inner])
            values[inner] = self._inner(section.sections[inner], (name, inner))
        return validated(model, values, (name,), self.spans, self.problems)

    def _inner(
        self, section: Merged, path: tuple[str, ...], skip: tuple[str, ...] = ()
    ) -> dict[str, Any]:
        """The values of a section within another, without those that have a mistake of their own."""
        values = self._values(section, path, skip)
        return {key: value for key, value in values.items() if value is not BROKEN}

    def _no_words(self, name: str, section: Merged) -> None:
        if section.words:
            text = f"`{name}` has no name of its own"
            self.problems.add(
                Diagnostic("NASH117", text, section.words[0].span, help=f"{name} {{ ... }}")
            )

    def _network(self, section: Merged) -> Network | None:
        if len(section.words) != 1:
            text = "a network has one name" if section.words else "the network has no name"
            span = section.words[1].span if section.words else section.head
            self.problems.fail(Diagnostic("NASH106", text, span, help="network resnet18 { ... }"))
        values = self._values(section, ("network",), skip=("backbone",))
        for name in ("bits", "activation"):
            inner = section.sections.get(name)
            if inner:
                self._no_words(name, inner)
                paths = tuple(k for k in inner.settings if name == "bits" and is_path(k))
                values[name] = self._inner(inner, ("network", name), skip=paths)
        return validated(Network, values, ("network",), self.spans, self.problems)

    def _backbone(self, section: Merged) -> BackboneUse | None:
        setting = section.settings.get("backbone")
        if setting is None:
            help_text = (
                'backbone = resnet18(width = 64), with `use resnet18 from "nashc/resnet.nash"`'
            )
            self.problems.add(
                Diagnostic("NASH106", "the network has no backbone", section.head, help=help_text)
            )
            return None
        span = setting.values[0].span
        if len(setting.values) > 1:
            one_value(setting, self.problems)
        self.spans.put(("network", "backbone"), setting.key.span, span)
        value = evaluate(setting.values[0], {}, self.problems)
        call = Call(value) if isinstance(value, Word) else value
        known = {
            name: definition
            for name, definition in self.module.names.items()
            if isinstance(definition.node, ast.Backbone)
        }
        if not isinstance(call, Call) or not call.name or call.shape:
            text = f"a backbone is needed, and this is {describe(value)}"
            self.problems.add(Diagnostic("NASH104", text, span, help=nearest("", known)))
            return None
        if call.name not in known:
            text = f"there is no backbone `{call.name}` in this file"
            hint = nearest(call.name, known) or 'use resnet18 from "nashc/resnet.nash"'
            self.problems.add(Diagnostic("NASH103", text, span, help=hint))
            return None
        return self._backbone_use(setting.values[0], call, known[call.name])

    def _backbone_use(self, node: ast.Value, call: Call, definition: Any) -> BackboneUse:
        parameters = definition.node.parameters
        names = [parameter.name.text for parameter in parameters]
        given: dict[str, ast.Value] = {}
        arguments = (node.arguments or ()) if isinstance(node, ast.Term) else ()
        for index, argument in enumerate(arguments):
            name = (
                argument.name.text if argument.name else names[index] if index < len(names) else ""
            )
            if name not in names:
                text = f"backbone `{call.name}` has no parameter `{name or argument.span.text}`"
                help_text = f"it has {', '.join(names) or 'none'}"
                self.problems.add(Diagnostic("NASH110", text, argument.span, help=help_text))
            elif name in given:
                text = f"`{name}` is given twice"
                self.problems.add(Diagnostic("NASH102", text, argument.span, "again here"))
            else:
                given[name] = argument.value
        args: dict[str, Any] = {}
        sources: dict[str, ast.Value] = {}
        lists = []
        for parameter in parameters:
            name = parameter.name.text
            source = given.get(name, parameter.default)
            if source is None:
                text = f"backbone `{call.name}` needs `{name}`"
                self.problems.add(
                    Diagnostic(
                        "NASH110",
                        text,
                        node.span,
                        others=(Label(parameter.span, "asked for here"),),
                    )
                )
                continue
            sources[name], known = source, {**self.params, **args}
            if isinstance(source, ast.List):
                found = read_channel_list(call.name, name, source, known, self.problems)
                args[name] = found.largest if found else BROKEN
                lists += [found] if found else []
                continue
            args[name] = evaluate(source, known, self.problems)
            if isinstance(args[name], Word):
                text = f"`{args[name]}` is not defined here"
                hint = nearest(args[name], self.params)
                self.problems.add(Diagnostic("NASH103", text, source.span, help=hint))
        return BackboneUse(definition, args, node.span, sources, frozenset(given), tuple(lists))

    def _floorplan(self, finn: Merged | None) -> tuple[Place, ...]:
        """`group0.* = 1`: which layers go to which region (SLR) of an Alveo card."""
        section = finn.sections.get("floorplan") if finn else None
        places = []
        for key, setting in (section.settings if section else {}).items():
            if len(setting.values) > 1:
                one_value(setting, self.problems)
            value = evaluate(setting.values[0], self.params, self.problems)
            span = setting.values[0].span
            if not isinstance(value, int) or isinstance(value, bool):
                text = f"the number of a region is needed, and this is {describe(value)}"
                self.problems.add(Diagnostic("NASH104", text, span, help=f"{key} = 0"))
            elif value < 0:
                self.problems.add(Diagnostic("NASH105", "regions count from 0", span))
            else:
                places.append(Place(key, value, setting.key.span))
        return tuple(places)

    def _check_data(self, section: str, data: Data, network: Network) -> None:
        """NASH118 where images or classes of a data set are known and are not the network's."""
        if data.kind not in DATA_SETS:
            return
        shape, classes = DATA_SETS[data.kind]
        image = network.input
        span = self.spans.value((section, "data"))
        if (image.channels, image.height, image.width) != shape:
            size = "x".join(map(str, shape))
            text = f"the images of `{data.kind}` are {size}, and the network takes another size"
            place = self.spans.value(("network", "input"))
            others = (Label(place, "the network's input"),) if place else ()
            hint = f"input = UINT8 {size}, or another data set"
            self.problems.add(Diagnostic("NASH118", text, span, "", others, hint))
        if network.classes != classes:
            text = f"`{data.kind}` has {classes} classes, and the network has {network.classes}"
            place = self.spans.value(("network", "classes"))
            others = (Label(place, "the network's classes"),) if place else ()
            hint = f"classes = {classes}, or another data set"
            self.problems.add(Diagnostic("NASH118", text, span, "", others, hint))

    def _compare(self, section: Merged | None) -> tuple[dict[str, str], ...]:
        """`bits = w2a2, w1a2` as two variants of the parameter."""
        variants: list[dict[str, str]] = []
        for key, setting in (section.settings if section else {}).items():
            if key not in self.params:
                text = f"`{key}` is no parameter of this spec"
                hint = nearest(key, self.params)
                self.problems.add(Diagnostic("NASH113", text, setting.key.span, help=hint))
                continue
            variants.extend({key: value.span.text} for value in setting.values)
        return tuple(variants)


# Settings whose text is the path, from the spec's folder, of a file that is read here and now.
_FILES: dict[tuple[str, ...], Callable[[Path, Span, Problems], Any]] = {
    ("target", "board"): read_board,
    ("target", "folding"): read_folding,
}
