"""A search that may last: its progress on stderr, and Ctrl-C to take the best so far."""

from __future__ import annotations

import contextlib
import signal
import time
from collections.abc import Callable, Iterator
from types import FrameType

import click

_PATIENCE_S = 2.0
"""Nothing is told before, nor more often."""


@contextlib.contextmanager
def watched() -> Iterator[Callable[[float, float], bool]]:
    """To be called with the best value and the bound; says whether to go on.

    The first Ctrl-C after the first call ends the search at the next one; any other ends the command.
    """
    began = told = time.monotonic()
    before = signal.getsignal(signal.SIGINT)
    is_called, is_ended = False, False

    def end(number: int, frame: FrameType | None) -> None:
        nonlocal is_ended
        is_ended = True
        signal.signal(signal.SIGINT, before)
        click.echo("ends with the best so far; Ctrl-C again: without", err=True)

    def go_on(value: float, bound: float) -> bool:
        nonlocal told, is_called
        if not is_called:
            is_called = True
            signal.signal(signal.SIGINT, end)
        now = time.monotonic()
        if now - told >= _PATIENCE_S:
            told = now
            gap = 100 * max(0.0, value - bound) / max(value, 1.0)
            words = f"best {value:,.0f}, bound {bound:,.0f}, gap {gap:.2g} %, {now - began:.0f} s"
            click.echo(words, err=True)
        return not is_ended

    try:
        yield go_on
    finally:
        signal.signal(signal.SIGINT, before)
