"""A stage of named steps: how far it is, the time left, and the seconds that each step took."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Mapping

from support.progress import Progress


class Steps:
    """`shares`: every step in order, with the part of the whole time that it usually takes, in any unit."""

    def __init__(self, progress: Progress, shares: Mapping[str, float]) -> None:
        self.seconds: dict[str, float] = {}
        self._progress = progress
        self._shares = dict(shares)
        self._done = 0.0
        self._name = ""
        self._said = 0

    @contextlib.contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Around the work of a step; `say` may be called inside."""
        self._name, self._said = name, 0
        self._report(0.0, "")
        started_s = time.monotonic()
        yield
        self.seconds[name] = round(time.monotonic() - started_s, 2)
        self.pass_by(name)

    def pass_by(self, name: str) -> None:
        """The step is done, or was before."""
        self._done += self._shares[name]
        self._name, self._said = name, 0
        self._report(0.0, "")

    def say(self, text: str, part: float | None = None) -> None:
        """What the step does now; `part`: how much of it is done, else guessed from how often it spoke."""
        self._said += 1
        self._report(self._said / (self._said + 4) if part is None else part, text)

    def _report(self, part: float, text: str) -> None:
        whole = sum(self._shares.values())
        done = self._done + part * self._shares[self._name]
        told = ": ".join(filter(None, [self._name, text]))
        self._progress.update(round(100 * done / whole), 100, unit="%", text=told)
