"""From one path to all the files it names: `use`, `extends`, and what each file defines."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

from nashc import resources
from nashc.diagnostics import Diagnostic, Label, Problems, SpecError
from nashc.diagnostics.model import nearest
from nashc.syntax import ast, parse
from nashc.text import Source, Span, read_source

LIBRARY = "nashc/"


@dataclass(frozen=True, eq=False)
class Definition:
    """A block or backbone together with the file whose names it may use."""

    node: ast.Block | ast.Backbone
    home: Module = field(repr=False)


@dataclass(frozen=True, eq=False)
class Module:
    """One file: its tree, the definitions it can name, and the file it extends."""

    file: ast.File
    names: dict[str, Definition]
    own: dict[str, Definition]
    base: Module | None
    overrides: tuple[ast.Setting, ...]

    @property
    def chain(self) -> tuple[Module, ...]:
        """This file and those it extends, the most basic first."""
        return (*(self.base.chain if self.base else ()), self)


class Loader:
    """Reads each file once; knows which are being read, so that a circle is found."""

    def __init__(self, problems: Problems) -> None:
        self._problems = problems
        self._done: dict[Path, Module | None] = {}
        self._open: list[tuple[Path, Span | None]] = []

    def load(self, path: Path, asked: Span | None = None) -> Module | None:
        """The module of a file, None where it has errors (which are then among the problems)."""
        key = path.resolve()
        if any(key == other for other, _ in self._open):
            self._circle(key, asked)
            return None
        if key not in self._done:
            self._open.append((key, asked))
            self._done[key] = self._read(path, asked)
            self._open.pop()
        return self._done[key]

    def _read(self, path: Path, asked: Span | None) -> Module | None:
        if asked and not path.is_file():
            self._problems.add(
                Diagnostic(
                    "NASH108",
                    f"there is no file {asked.text} to read here",
                    asked,
                    "" if _is_library(asked) else "looked for beside this file",
                    help=_help_for_path(path, asked),
                )
            )
            return None
        try:
            file = parse(self._source(path))
        except SpecError as error:
            for diagnostic in error.diagnostics:
                self._problems.add(diagnostic)
            return None
        return self._module(file, path)

    @staticmethod
    def _source(path: Path) -> Source:
        """A library file is shown under the name by which specs ask for it, wherever it is installed."""
        source = read_source(path)
        if path.parent == resources.library_root():
            return replace(source, path=LIBRARY + path.name, is_library=True)
        return source

    def _module(self, file: ast.File, path: Path) -> Module | None:
        base, overrides = self._base(file, path)
        names: dict[str, Definition] = dict(base.names) if base else {}
        own: dict[str, Definition] = {}
        module = Module(file, names, own, base, overrides)
        given: dict[str, Span] = {}
        for item in file.items:
            if isinstance(item, ast.Use):
                self._use(item, path, names, given)
            elif isinstance(item, ast.Block | ast.Backbone):
                self._once(item.name, given)
                own[item.name.text] = names[item.name.text] = Definition(item, module)
        return module

    def _base(self, file: ast.File, path: Path) -> tuple[Module | None, tuple[ast.Setting, ...]]:
        extends = [item for item in file.items if isinstance(item, ast.Extends)]
        for extra in extends[1:]:
            self._problems.add(
                Diagnostic(
                    "NASH102",
                    "a file extends one other file",
                    extra.span,
                    others=(Label(extends[0].span, "first here"),),
                    help="let the second file extend the first, and this one the second",
                )
            )
        if not extends:
            return None, ()
        found = self.load(self.resolve(extends[0].path, path), extends[0].path.span)
        return found, extends[0].overrides

    def _use(
        self, use: ast.Use, path: Path, names: dict[str, Definition], given: dict[str, Span]
    ) -> None:
        module = self.load(self.resolve(use.path, path), use.path.span)
        for name in use.names:
            self._once(name, given)
            if module is None:
                continue
            if name.text not in module.own:
                known = nearest(name.text, module.own)
                text = f"{use.path.value} defines no `{name.text}`"
                self._problems.add(Diagnostic("NASH111", text, name.span, help=known))
                continue
            names[name.text] = module.own[name.text]

    def _once(self, name: ast.Name, given: dict[str, Span]) -> None:
        if name.text in given:
            self._problems.add(
                Diagnostic(
                    "NASH102",
                    f"`{name.text}` is defined twice",
                    name.span,
                    "again here",
                    (Label(given[name.text], "first here"),),
                    "give one of them another name",
                )
            )
        given[name.text] = name.span

    @staticmethod
    def resolve(text: ast.Text, path: Path) -> Path:
        """The file a string names: beside the spec, or in the library when it begins with nashc/."""
        if text.value.startswith(LIBRARY):
            return resources.library_root() / text.value.removeprefix(LIBRARY)
        return path.parent / text.value

    def _circle(self, key: Path, asked: Span | None) -> None:
        start = next(i for i, (path, _) in enumerate(self._open) if path == key)
        round_trip = [path.name for path, _ in self._open[start:]] + [key.name]
        others = tuple(
            Label(span, "which is asked for here") for _, span in self._open[start + 1 :] if span
        )
        self._problems.add(
            Diagnostic(
                "NASH109",
                "files use each other in a circle: " + " -> ".join(round_trip),
                asked,
                "this closes the circle",
                others,
                "move what both need into a third file",
            )
        )


def _is_library(asked: Span) -> bool:
    return asked.text.strip('"').startswith(LIBRARY)


def _help_for_path(path: Path, asked: Span) -> str:
    if (resources.library_root() / path.name).is_file():
        return f'the library has it: "{LIBRARY}{path.name}"'
    if _is_library(asked):
        known = sorted(LIBRARY + file.name for file in resources.library_root().glob("*.nash"))
        return "the library has " + ", ".join(known)
    beside = (
        sorted(file.name for file in path.parent.glob("*.nash")) if path.parent.is_dir() else []
    )
    return nearest(path.name, beside) or 'library files are named like "nashc/resnet.nash"'
