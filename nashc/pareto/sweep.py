"""Which points there are: every spec with every combination of the swept values that it declares."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from unicodedata import normalize

from nashc.diagnostics import Diagnostic, SpecError, told_once
from nashc.diagnostics.model import nearest
from nashc.driver.key import canonical
from nashc.schema import Spec, load
from nashc.schema.values import Word
from nashc.vocab.bits import read_bits

# What lies beside the folders of the networks: no network is called so.
FILES = ("points.csv", "points.json", "pareto.svg", "pareto.html", "pareto.png")
# What is wrong with a swept value itself, and so with the question: nothing runs.
_OF_THE_QUESTION = ("NASH113", "NASH114")


@dataclass(frozen=True)
class Question:
    """sweeps: values by parameter. settings: one value by parameter, for every point.

    A spec takes the parameters that it declares: an original network has no weight of a search to sweep.
    """

    specs: tuple[Path, ...]
    sweeps: Mapping[str, tuple[str, ...]]
    settings: Mapping[str, str]


@dataclass(frozen=True)
class Trial:
    """One way of a point through the stages. overrides: every parameter that is set. seeds: those that make trials differ."""

    overrides: Mapping[str, str]
    seeds: Mapping[str, str]
    digest: str


@dataclass(frozen=True)
class Point:
    """One mark in the picture: a network, and its trainings, which differ by the seed of the training alone.

    network: its name, and of its folder. settings: the swept values that make it what it is. bits: values of all its
    parameters that are bit widths. series: equal for points that one curve joins, those along the first swept parameter.
    problem: why there is no such network. idle: swept parameters whose values all give the same network.
    """

    network: str
    spec: Path
    settings: Mapping[str, str]
    bits: str
    series: tuple[str, ...]
    trials: tuple[Trial, ...]
    is_searched: bool = False
    problem: Diagnostic | None = None
    idle: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """`v1 w2a2 weight=0.5`."""
        words = [
            value if read_bits(value) else f"{k}={value}" for k, value in self.settings.items()
        ]
        return " ".join([self.network, *words])


def points(question: Question) -> tuple[Point, ...]:
    """In the order of specs, then of values. Errors: SpecError where the question is wrong, before anything runs."""
    specs = tuple({path.parent.resolve() / path.name: path for path in question.specs}.values())
    declared = _declared(specs)
    _check_names(question, declared)
    names = _names({path: spec.name for path, spec in declared.items()})
    found: list[Point] = []
    wrong: dict[Diagnostic, None] = {}
    for path in specs:
        own = {key: each for key, each in question.sweeps.items() if key in declared[path].params}
        fixed = {k: v for k, v in question.settings.items() if k in declared[path].params}
        trials: list[tuple[dict[str, str], Spec | Diagnostic]] = []
        for values in product(*own.values()):
            overrides = {**fixed, **dict(zip(own, values, strict=True))}
            try:
                trials.append((overrides, load(path, overrides)))
            except SpecError as error:
                wrong |= dict.fromkeys(d for d in error.diagnostics if d.code in _OF_THE_QUESTION)
                trials.append((overrides, error.diagnostics[0]))
        varied = [key for key, each in own.items() if len(each) > 1]
        found += _grouped(names[path], path, varied, trials)
    if wrong:
        raise SpecError(told_once(wrong))
    return tuple(found)


def _declared(paths: Iterable[Path]) -> dict[Path, Spec]:
    """Every spec with its defaults, to know its name and parameters."""
    found: dict[Path, Spec] = {}
    wrong: list[Diagnostic] = []
    for path in paths:
        try:
            found[path] = load(path)
        except SpecError as error:
            wrong += error.diagnostics
    if wrong:
        raise SpecError(wrong)
    return found


def _check_names(question: Question, declared: Mapping[Path, Spec]) -> None:
    """NASH113 for a parameter that no spec has."""
    known = list(dict.fromkeys(name for spec in declared.values() for name in spec.params))
    wrong = [name for name in (*question.sweeps, *question.settings) if name not in known]
    if wrong:
        hint = {
            name: nearest(name, known) if known else "no spec here declares any" for name in wrong
        }
        subject = "the spec has no" if len(declared) == 1 else "none of the specs has a"
        raise SpecError(
            Diagnostic("NASH113", f"{subject} parameter `{name}`", help=hint[name])
            for name in wrong
        )


def _names(names: Mapping[Path, str]) -> dict[Path, str]:
    """A name for each spec, and of its folder: its network's, where two have the same its file's, and a number where that is taken.

    Numbers give way to names that another spec has by itself. No two are one on disks that know no upper case, and none is a file
    of the sweep.
    """
    of_networks = Counter(map(_on_disk, names.values()))
    wanted = {
        path: name if of_networks[_on_disk(name)] == 1 else path.stem.strip(".") or name
        for path, name in names.items()
    }
    spoken_for, taken = set(map(_on_disk, wanted.values())), set(FILES)
    found: dict[Path, str] = {}
    for path, name in wanted.items():
        number, free = 1, name
        while _on_disk(free) in (taken if free == name else taken | spoken_for):
            number += 1
            free = f"{name}-{number}"
        taken.add(_on_disk(free))
        found[path] = free
    return found


def _on_disk(name: str) -> str:
    """Equal for names that some file system holds for one."""
    return normalize("NFC", name).casefold()


def _grouped(
    network: str,
    path: Path,
    varied: list[str],
    trials: list[tuple[dict[str, str], Spec | Diagnostic]],
) -> list[Point]:
    """Trials of which only the seed of the training differs are one point."""
    idle = tuple(name for name in varied if _is_idle(name, trials))
    groups: dict[str, list[tuple[dict[str, str], Spec]]] = {}
    found: list[Point] = []
    for overrides, spec in trials:
        if isinstance(spec, Spec):
            groups.setdefault(_meaning(spec), []).append((overrides, spec))
            continue
        settings = {name: overrides[name] for name in varied}
        found.append(Point(network, path, settings, "", (network,), (), problem=spec))
    for group in groups.values():
        first, spec = group[0]
        seeds = [name for name in varied if len({overrides[name] for overrides, _ in group}) > 1]
        settings = {name: first[name] for name in varied if name not in seeds}
        series = (network, *(f"{name}={value}" for name, value in list(settings.items())[1:]))
        # By digest: values of a parameter that changes nothing are one trial.
        own = {
            each.digest: Trial(
                overrides, {n: overrides[n] for n in seeds if n not in idle}, each.digest
            )
            for overrides, each in reversed(group)
        }
        found.append(
            Point(
                network,
                path,
                settings,
                _bits(spec),
                series,
                tuple(reversed(own.values())),
                spec.is_searched,
                idle=idle,
            )
        )
    return found


def _is_idle(name: str, trials: list[tuple[dict[str, str], Spec | Diagnostic]]) -> bool:
    """Whether a parameter makes no difference, whatever the others are."""
    digests: dict[tuple[str, ...], set[str]] = {}
    for overrides, spec in trials:
        others = tuple(value for other, value in overrides.items() if other != name)
        if not isinstance(spec, Spec):
            return False
        digests.setdefault(others, set()).add(spec.digest)
    return all(len(its) == 1 for its in digests.values())


def _meaning(spec: Spec) -> str:
    """What a spec means but for the seed of its training."""
    meaning = spec.meaning()
    if meaning["train"]:
        meaning["train"] = {k: v for k, v in meaning["train"].items() if k != "seed"}
    return canonical(meaning)


def _bits(spec: Spec) -> str:
    values = [
        value for value in spec.params.values() if isinstance(value, Word) and read_bits(value)
    ]
    return " ".join(dict.fromkeys(values))
