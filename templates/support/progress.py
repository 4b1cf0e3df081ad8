"""How a stage talks: progress and results for people (text) or machines (JSON lines), and what ends it."""

from __future__ import annotations

import contextlib
import json
import math
import os
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from typing import Any, TextIO

TERMINAL_INTERVAL_S = 0.1
PLAIN_INTERVAL_S = 10.0
JSONL_INTERVAL_S = 0.2
BAR_WIDTH = 20
SIGNALS = (signal.SIGINT, signal.SIGTERM)


class StageError(Exception):
    """A mistake that the user can mend: told in one or two lines, exit code 1 unless it names another, no traceback."""

    ends_at_once = False
    """Without what Python does when it shuts down: there may be threads that wait for other processes."""

    def __init__(self, message: str, help: str = "", exit_code: int = 1) -> None:
        super().__init__(message)
        self.message = message
        self.help = help
        self.exit_code = exit_code


class Lost(StageError):
    """Another process is gone."""

    ends_at_once = True


class Diverged(StageError):
    """A loss, a gradient or a weight is infinite or no number: a smaller rate is the way out."""


class Stopped(BaseException):
    """SIGINT or SIGTERM ended the stage. A BaseException, so that no `except Exception` swallows it."""

    def __init__(self, signal_number: int) -> None:
        super().__init__(signal.Signals(signal_number).name)
        self.exit_code = 128 + signal_number


class Progress:
    """One stage's reports; `style` is "text" or "jsonl"."""

    def __init__(self, stage: str, style: str = "text", stream: TextIO | None = None) -> None:
        """Of the processes that torchrun starts the first one talks; the others only tell errors."""
        self.is_quiet = int(os.environ.get("RANK", "0")) > 0
        self.stage = stage
        self.style = style
        self.stream = stream if stream is not None else sys.stdout
        self.is_terminal = style == "text" and self.stream.isatty()
        self.stop_signal: int | None = None
        self._clock = _Clock()
        self._last_shown_s = -math.inf
        self._line_is_open = False

    def update(
        self,
        done: float,
        total: float,
        *,
        unit: str = "",
        text: str = "",
        metrics: dict[str, float] | None = None,
    ) -> None:
        """Report `done` of `total` units. Cheap: calls that come too quickly are dropped, the last never."""
        if self.is_quiet:
            return
        now_s = time.monotonic()
        self._clock.tick(now_s, done, total, unit)
        interval_s = JSONL_INTERVAL_S if self.style == "jsonl" else PLAIN_INTERVAL_S
        if self.is_terminal:
            interval_s = TERMINAL_INTERVAL_S
        if now_s - self._last_shown_s < interval_s and done < total:
            return
        self._last_shown_s = now_s
        eta_s = self._clock.eta_s(done, total)
        if self.style == "jsonl":
            self._event(
                "progress",
                stage=self.stage,
                done=done,
                total=total,
                unit=unit,
                text=text,
                metrics=metrics or {},
                elapsed_s=round(self._clock.elapsed_s(), 3),
                eta_s=None if eta_s is None else round(eta_s, 1),
            )
            return
        counts = f"{_number(done)}/{_number(total)} {unit}".rstrip()
        left = "" if eta_s is None or done >= total else f"{duration(eta_s)} left"
        if not self.is_terminal:
            self._line("  ".join(filter(None, [self.stage, counts, text, left])))
            return
        line = "  ".join(filter(None, [self.stage, _bar(done, total), counts, text, left]))
        width = shutil.get_terminal_size().columns - 1
        self.stream.write("\r\x1b[2K" + line[:width])
        self.stream.flush()
        self._line_is_open = True

    def log(self, text: str) -> None:
        """A line worth keeping."""
        self._said("log", text)

    def note(self, text: str) -> None:
        """A line that a person should see: `nashc run` shows it, too."""
        self._said("note", text)

    def _said(self, event: str, text: str) -> None:
        if self.is_quiet:
            return
        if self.style == "jsonl":
            self._event(event, text=text)
        else:
            self._line(text)

    def error(self, message: str, help: str = "") -> None:
        if self.style == "jsonl":
            self._event("error", message=message, help=help)
            return
        self._close_line()
        sys.stderr.write(f"{self.stage}: error: {message}\n")
        if help:
            sys.stderr.write(f"  help: {help}\n")
        sys.stderr.flush()

    def result(self, result: dict[str, Any]) -> None:
        """The stage's JSON result; in text only its "summary", if it has one."""
        if self.is_quiet:
            return
        if self.style == "jsonl":
            self._event("result", stage=self.stage, **result)
        elif "summary" in result:
            self._line(f"{self.stage}: {result['summary']}")

    @contextlib.contextmanager
    def holding_signals(self) -> Iterator[None]:
        """Inside, the first SIGINT or SIGTERM only sets `stop_signal`; a second one ends the stage at once.

        A loop looks at `stop_signal` where its state is whole, saves it and raises Stopped.
        """
        previous = {number: signal.getsignal(number) for number in SIGNALS}

        def hold(number: int, _frame: object) -> None:
            if self.stop_signal is not None:
                raise Stopped(number)
            self.stop_signal = number

        for number in SIGNALS:
            signal.signal(number, hold)
        try:
            yield
        finally:
            for number, handler in previous.items():
                signal.signal(number, handler)

    def _line(self, text: str) -> None:
        self._close_line()
        # A path may hold bytes that are no text.
        encoding = self.stream.encoding or "utf-8"
        self.stream.write(text.encode(encoding, "backslashreplace").decode(encoding) + "\n")
        self.stream.flush()

    def _close_line(self) -> None:
        if self._line_is_open:
            self.stream.write("\n")
            self._line_is_open = False

    def _event(self, event: str, **fields: Any) -> None:
        self.stream.write(json.dumps(_finite({"event": event, **fields}), allow_nan=False) + "\n")
        self.stream.flush()


def duration(seconds: float) -> str:
    """4 s, 1:05 min, 2:03 h."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60}:{whole % 60:02} min"
    return f"{whole // 3600}:{whole % 3600 // 60:02} h"


class _Clock:
    """Time left, from the rate since the first report: a resumed stage starts at `done` > 0."""

    def __init__(self) -> None:
        self.started_s = time.monotonic()
        self.first: tuple[float, float] | None = None
        self.counted: tuple[float, str] | None = None
        self.now_s = self.started_s

    def tick(self, now_s: float, done: float, total: float, unit: str) -> None:
        self.now_s = now_s
        if self.counted == (total, unit) and self.first is not None and done >= self.first[1]:
            return
        # Something else is counted now. From zero the time since the last report counts too.
        self.counted = (total, unit)
        self.first = (now_s, done)

    def elapsed_s(self) -> float:
        return self.now_s - self.started_s

    def eta_s(self, done: float, total: float) -> float | None:
        assert self.first is not None
        first_s, first_done = self.first
        if done <= first_done:
            return None
        return (self.now_s - first_s) / (done - first_done) * (total - done)


def _bar(done: float, total: float) -> str:
    filled = round(BAR_WIDTH * min(1.0, done / total)) if total else BAR_WIDTH
    return "[" + "=" * filled + " " * (BAR_WIDTH - filled) + "]"


def _number(value: float) -> str:
    return str(value) if isinstance(value, int) else f"{value:.1f}"


def _finite(value: Any) -> Any:
    """JSON has no NaN and no infinity: null stands for them."""
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
