"""The command line that training and searching have in common."""

from __future__ import annotations

import argparse
from collections.abc import Collection
from pathlib import Path
from typing import Any

from support.training import checkpoint
from support.training.belonging import Option, add_options

SAVE_EVERY_S = 60.0
SEEDS = 10**18  # torch takes up to 2**63


def at_least_1(text: str) -> int:
    """A whole number of an argument, refused by argparse as it refuses a word."""
    return _whole(text, 1, None)


def any_seed(text: str) -> int:
    return _whole(text, 0, SEEDS)


def _whole(text: str, least: int, most: int | None) -> int:
    number = int(text) if text.strip().lstrip("-").isdecimal() else None
    if number is None or number < least or (most is not None and number > most):
        up_to = "" if most is None else f" up to {most}"
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from {least}{up_to}")
    return number


def add_loop_arguments(
    parser: argparse.ArgumentParser,
    settings: dict[str, Any],
    out: Path,
    options: Collection[Option],
) -> None:
    """settings: the defaults. out: where results go without --out. options: what a resumed run may change."""
    parser.add_argument("--out", type=Path, default=out, metavar="DIR")
    parser.add_argument(
        "--data", metavar="PATH", help="where the data set lies (default: the spec's)"
    )
    for name, kind in (("epochs", at_least_1), ("batch", at_least_1), ("seed", any_seed)):
        default = settings[name]
        parser.add_argument(f"--{name}", type=kind, default=default, help=f"(default: {default})")
    add_options(parser, settings, options)
    parser.add_argument(
        "--amp",
        action=argparse.BooleanOptionalAction,
        default=settings.get("amp", False),
        help="mixed precision: convolutions multiply in bfloat16 (default: %(default)s)",
    )
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda (default: auto)")
    parser.add_argument(
        "--resume",
        nargs="?",
        type=Path,
        const=checkpoint.LAST,
        metavar="FILE",
        help=f"go on from {checkpoint.LAST} in --out, or from FILE there: {checkpoint.PREVIOUS} is the one before it",
    )
    parser.add_argument(
        "--save-seconds",
        type=float,
        default=SAVE_EVERY_S,
        metavar="S",
        help=f"time between two checkpoints, the most that is lost (default: {SAVE_EVERY_S:g})",
    )
    parser.add_argument(
        "--save-steps", type=int, metavar="N", help="save every N steps, too (default: never)"
    )
