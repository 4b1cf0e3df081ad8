"""Whether data come as fast as the device takes them: which part of its time a loop waits for the next batch."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import TypeVar

from support.progress import duration

# Worth a word: of the time of an epoch, and the least that an epoch waits in all.
LARGE_SHARE = 0.2
LEAST_S = 5.0

Batch = TypeVar("Batch")


class Waiting:
    """Of one epoch at a time, from its first batch asked for to the end of its last step."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """clock: seconds."""
        self._clock = clock
        self._begun_s, self._ended_s = clock(), clock()
        self._waited_s = 0.0
        self._is_going = False

    def over(self, batches: Iterator[Batch]) -> Iterator[Batch]:
        """The same batches, of an epoch that begins."""
        self._waited_s, self._is_going = 0.0, True
        self._begun_s = asked_s = self._clock()
        for batch in batches:
            self._waited_s += self._clock() - asked_s
            yield batch
            asked_s = self._clock()
        self._ended_s, self._is_going = asked_s, False

    @property
    def share(self) -> float:
        """0 to 1, until now or of the whole epoch."""
        whole_s = (self._clock() if self._is_going else self._ended_s) - self._begun_s
        return self._waited_s / whole_s if whole_s else 0.0

    @property
    def is_large(self) -> bool:
        return self.share >= LARGE_SHARE and self._waited_s >= LEAST_S

    def words(self) -> str:
        return (
            f"warning: {self.share:.0%} of the epoch went by waiting for data ({duration(self._waited_s)}): more cores decode faster, "
            "and pictures stored nearer to the size of the network's input take less to decode"
        )
