"""From a path to a Spec: files, parameters, then every section in turn, all mistakes collected."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from nashc.diagnostics import Diagnostic, Label, Problems
from nashc.schema.backbone import read_backbone
from nashc.schema.bit_rules import is_path, read_bit_rules
from nashc.schema.board_file import read_board
from nashc.schema.cells import read_cells
from nashc.schema.files import Loader, Module
from nashc.schema.floorplan import Place, read_floorplan
from nashc.schema.folding_file import read_folding
from nashc.schema.genotype import read_genotype
from nashc.schema.merge import Merged, merge
from nashc.schema.mistakes import SpanTable, validated
from nashc.schema.models import DATA_SETS, Data, Finn, Network, Search, Settings, Target, Train
from nashc.schema.params import read_params, read_variants
from nashc.schema.spec import Spec
from nashc.schema.values import BROKEN, Compared, Word, evaluate
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
        backbone = read_backbone(
            network_section, self.module, self.params, self.spans, self.problems
        )
        bits = network_section.sections.get("bits")
        rules = read_bit_rules(bits, self.params, self.problems)
        cells = read_cells(network_section, self.params, self.spans, self.problems)
        found, variants = map(self._nameless, ("genotype", "compare"))
        genotype, genotype_spans = read_genotype(found, cells, self.params, self.problems)
        search = self._section("search", Search)
        train = self._section("train", Train)
        target, finn, floorplan = self._hardware()
        compare = read_variants(
            variants.settings if variants else {}, self.module, self.params, self.problems
        )
        is_searched = bool(cells) and genotype is None
        is_searched = is_searched or any(rule.alternatives for rule in rules)
        is_searched = is_searched or bool(backbone and backbone.lists)
        self._check_images(network, search if is_searched else None, train)
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

    def _hardware(self) -> tuple[Target | None, Finn | None, tuple[Place, ...]]:
        """The sections `target` and `finn`, with the floorplan that stands in the latter."""
        section = self.sections.get("finn")
        target = self._section("target", Target)
        finn = self._section("finn", Finn) or (Finn() if target else None)
        if section and "target" not in self.sections:
            self._no_target(section)
        floorplan = read_floorplan(section, self.params, self.problems)
        if target and finn and target.board.shell != "vitis_alveo":
            self._check_alveo(target.board.name, finn, floorplan)
        return target, finn, floorplan

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

    def _check_alveo(self, board: str, finn: Finn, floorplan: tuple[Place, ...]) -> None:
        """What build.py refuses for boards that are no Alveo cards, before a network is trained for it."""
        if finn.driver == "cpp":
            text = f"FINN's C++ driver is for Alveo cards, and {board} is none"
            span = self.spans.value(("finn", "driver"))
            self.problems.add(Diagnostic("NASH105", text, span, help="driver = pynq"))
        if floorplan:
            text = f"a floorplan is for the regions of Alveo cards, and {board} is none"
            hint = "leave `floorplan` out"
            self.problems.add(Diagnostic("NASH105", text, floorplan[0].span, help=hint))

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
        is_board = path[-1] == "board" or path == ("search", "budget", "fits")
        if is_board and value.span.text not in self.params:
            return Word(value.span.text)  # boards have dashes in their names: Pynq-Z1
        if isinstance(value, ast.Term):
            for argument in value.arguments or ():
                if argument.name:
                    inner = (*path, argument.name.text)
                    self.spans.put(inner, argument.name.span, argument.value.span)
        return evaluate(value, self.params, self.problems)

    def _section(self, name: str, model: type[Section]) -> Section | None:
        section = self._nameless(name)
        if section is None:
            return None
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

    def _nameless(self, name: str) -> Merged | None:
        section = self.sections.get(name)
        if section:
            self._no_words(name, section)
        return section

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

    def _check_images(
        self, network: Network | None, search: Search | None, train: Train | None
    ) -> None:
        for name, section in (("search", search), ("train", train)):
            if network and section:
                self._check_data(name, section.data, network)

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


# Settings whose text is the path, from the spec's folder, of a file that is read here and now.
_FILES: dict[tuple[str, ...], Callable[[Path, Span, Problems], Any]] = {
    ("target", "board"): read_board,
    ("target", "folding"): read_folding,
}
