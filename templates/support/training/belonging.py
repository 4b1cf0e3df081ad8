"""What a checkpoint belongs to: a network, settings and a data set, of which a resumed run may change little, and by name."""

from __future__ import annotations

import argparse
import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support.progress import StageError


@dataclass(frozen=True)
class Option:
    """A setting that the command line can change, in a resumed run too: it concerns only the steps to come."""

    flag: str  # --alpha-lr
    setting: str  # alphas.lr: its place in the settings
    help: str

    @property
    def name(self) -> str:
        return self.flag.removeprefix("--").replace("-", "_")


@dataclass(frozen=True)
class Change:
    """One value that another run had otherwise."""

    name: str  # settings.optimiser.lr
    before: Any
    now: Any

    def __str__(self) -> str:
        return f"{self.name.removeprefix('settings.')} was {_said(self.before)} and is {_said(self.now)}"


def add_options(
    parser: argparse.ArgumentParser, settings: Mapping[str, Any], options: Collection[Option]
) -> None:
    """Their arguments, whose values are None where the settings are to stay."""
    for option in options:
        default = _said(_flat(settings).get(option.setting))
        told = f"{option.help} (default: {default})"
        parser.add_argument(option.flag, type=above_0, metavar="X", help=told)


def above_0(text: str) -> float:
    """A finite number of an argument, refused by argparse as it refuses a word."""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 < number < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is no number above 0")
    return number


def with_options(
    settings: dict[str, Any], args: argparse.Namespace, options: Collection[Option]
) -> dict[str, Any]:
    """The settings with what was given on the command line in its place."""
    for option in options:
        value = getattr(args, option.name)
        if value is not None:
            settings = _with(settings, option.setting.split("."), value)
    return settings


def given(args: argparse.Namespace, options: Collection[Option]) -> list[Option]:
    return [option for option in options if getattr(args, option.name) is not None]


def changes_since(
    path: Path,
    before: Mapping[str, Any],
    now: Mapping[str, Any],
    wanted: Collection[Option],
    options: Collection[Option],
) -> list[Change]:
    """Between what the checkpoint at `path` was made with and what the run that takes it up has.

    wanted: the options that were given, of all `options`. Errors: StageError naming what else differs.
    """
    found = _changes(before, now)
    free = {f"settings.{option.setting}" for option in wanted}
    refused = [change for change in found if change.name not in free]
    if refused:
        raise StageError(f"{path} belongs to {_what_differs(refused)}", _way_out(refused, options))
    return found


def check_alike(first: Mapping[str, Any], own: Mapping[str, Any]) -> None:
    """What two processes of one run were started with. Errors: StageError naming what differs."""
    if found := _changes(first, own):
        told = [
            f"{it.name} is {_said(it.before)} there and {_said(it.now)} here" for it in found[:3]
        ]
        raise StageError(
            f"this process is not of one run with the first one: {', '.join(told)}",
            "start all processes with the same program, options and data",
        )


def _changes(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[Change]:
    old, new = _flat(before), _flat(now)
    return [
        Change(name, old.get(name), new.get(name))
        for name in sorted(old.keys() | new.keys())
        if old.get(name) != new.get(name)
    ]


def _what_differs(refused: list[Change]) -> str:
    if any(change.name == "network" for change in refused):
        return "another network: layers, bit widths or genotype changed since"
    kind = "settings" if refused[0].name.startswith("settings.") else "data"
    more = f" and {len(refused) - 3} more" if len(refused) > 3 else ""
    return f"other {kind}: {', '.join(map(str, refused[:3]))}{more}"


def _way_out(refused: list[Change], options: Collection[Option]) -> str:
    flags = {f"settings.{option.setting}": option.flag for option in options}
    if any(change.name not in flags for change in refused):
        return "start again without --resume, or go back to what it was made with"
    as_before = " ".join(f"{flags[it.name]} {it.before}" for it in refused if it.before is not None)
    as_now = " ".join(f"{flags[it.name]} {it.now}" for it in refused if it.now is not None)
    ways = [f"{as_before} to go on as before"] if as_before else []
    return " or ".join([*ways, f"{as_now} to go on with the change"] if as_now else ways)


def _flat(value: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """{"a": {"b": 1}} -> {"a.b": 1}."""
    flat: dict[str, Any] = {}
    for key, item in value.items():
        name = f"{prefix}{key}"
        flat |= _flat(item, f"{name}.") if isinstance(item, Mapping) else {name: item}
    return flat


def _with(settings: dict[str, Any], place: list[str], value: Any) -> dict[str, Any]:
    first, *rest = place
    return settings | {first: _with(settings[first], rest, value) if rest else value}


def _said(value: Any) -> str:
    return "none" if value is None else f"{value:g}" if isinstance(value, float) else str(value)
