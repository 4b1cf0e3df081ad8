"""One set of sections out of a file and those it extends; a later file wins, setting by setting."""

from __future__ import annotations

from dataclasses import dataclass, field

from nashc.diagnostics import Diagnostic, Label, Problems
from nashc.diagnostics.model import nearest
from nashc.syntax import ast
from nashc.text import Span

TOP = ("network", "genotype", "search", "train", "compare", "target", "finn")
WITHIN: dict[str, tuple[str, ...]] = {
    "network": ("cell", "bits", "activation"),
    "finn": ("floorplan",),
    "search": ("cost", "budget"),
}
WHOLE = ("cell", "genotype", "compare")
"""Sections that a later file replaces as a whole."""


@dataclass
class Merged:
    """A section after merging: settings by key, sections within by key (a cell's is its scope)."""

    head: Span
    words: tuple[ast.Name, ...] = ()
    settings: dict[str, ast.Setting] = field(default_factory=dict)
    sections: dict[str, Merged] = field(default_factory=dict)
    edges: list[ast.Edge] = field(default_factory=list)


def merge(files: tuple[ast.File, ...], problems: Problems) -> dict[str, Merged]:
    """All sections of a chain of files, the most basic file first."""
    result: dict[str, Merged] = {}
    for file in files:
        sections = [item for item in file.items if isinstance(item, ast.Section)]
        own = _collect(sections, TOP, "a spec", problems)
        for key, section in own.items():
            result[key] = _over(result.get(key), section, key)
    return result


def _collect(
    sections: list[ast.Section], legal: tuple[str, ...], where: str, problems: Problems
) -> dict[str, Merged]:
    found: dict[str, Merged] = {}
    for section in sections:
        name = section.name.text
        if name not in legal:
            _refuse_section(section, legal, where, problems)
            continue
        words = " ".join(word.text for word in section.words)
        key = f"cell {words}" if name == "cell" else name
        if key in found:
            _twice(f"`{key}`", section.head_span, found[key].head, problems)
            continue
        found[key] = _section(section, problems)
    return found


def _section(section: ast.Section, problems: Problems) -> Merged:
    name = section.name.text
    result = Merged(section.head_span, section.words)
    inner = [part for part in section.body if isinstance(part, ast.Section)]
    result.sections = _collect(inner, WITHIN.get(name, ()), f"`{name}`", problems)
    for part in section.body:
        if isinstance(part, ast.Setting):
            key = part.key.text
            if part.sign != "=" and name != "budget":
                _compares(part, problems)
            elif key in result.settings:
                _twice(f"`{key}`", part.key.span, result.settings[key].key.span, problems)
            else:
                result.settings[key] = part
        elif isinstance(part, ast.Edge):
            if name != "cell":
                text = "edges are listed inside a cell"
                problems.add(
                    Diagnostic("NASH117", text, part.span, help="cell in each group { ... }")
                )
            result.edges.append(part)
    return result


def _compares(setting: ast.Setting, problems: Problems) -> None:
    text = f"`{setting.key.text}` is set with `=`; only a budget compares"
    help_text = "search { budget { lut < 200k } }"
    problems.add(Diagnostic("NASH117", text, setting.span, help=help_text))


def _over(base: Merged | None, section: Merged, key: str) -> Merged:
    if base is None or key.split()[0] in WHOLE:
        return section
    sections = dict(base.sections)
    if any(name.startswith("cell ") for name in section.sections):
        sections = {k: v for k, v in sections.items() if not k.startswith("cell ")}
    for name, inner in section.sections.items():
        sections[name] = _over(sections.get(name), inner, name)
    settings = {**base.settings, **section.settings}
    return Merged(section.head, section.words or base.words, settings, sections, section.edges)


def _refuse_section(
    section: ast.Section, legal: tuple[str, ...], where: str, problems: Problems
) -> None:
    name = section.name.text
    homes = [home for home, inner in WITHIN.items() if name in inner]
    if homes or name in TOP:
        place = f"inside `{homes[0]}`" if homes else "outside of other sections"
        text = f"`{name}` stands {place}, not in {where}"
        problems.add(Diagnostic("NASH117", text, section.head_span))
        return
    known = nearest(name, legal) if legal else f"{where} holds settings only"
    text = f"there is no section `{name}` in {where}"
    problems.add(Diagnostic("NASH101", text, section.name.span, help=known))


def _twice(what: str, again: Span, first: Span, problems: Problems) -> None:
    problems.add(
        Diagnostic(
            "NASH102",
            f"{what} stands twice",
            again,
            "again here",
            (Label(first, "first here"),),
            "keep one of them",
        )
    )
