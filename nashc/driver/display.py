"""Progress of a run for people: bars on a terminal that can move its cursor, plain lines elsewhere."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol, Self, TextIO

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

PLAIN_INTERVAL_S = 10.0
NAME_WIDTH = 11


class Display(Protocol):
    """Where a run tells what it does."""

    def line(self, text: str) -> None:
        """A line that stays."""
        ...

    def stage(self, name: str) -> StageDisplay:
        """The stage that runs now."""
        ...


class StageDisplay(Protocol):
    """One stage's progress; a context manager."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...

    def event(self, event: dict[str, Any]) -> None:
        """An event as the program reported it."""
        ...


def display(stream: TextIO) -> Display:
    """The display that suits a stream."""
    can_move = stream.isatty() and os.environ.get("TERM") != "dumb"
    return _Terminal(stream) if can_move else _Plain(stream)


def duration(seconds: float) -> str:
    """4 s, 1:05 min, 2:03 h."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60}:{whole % 60:02} min"
    return f"{whole // 3600}:{whole % 3600 // 60:02} h"


def _counts(event: dict[str, Any]) -> str:
    done, total = event.get("done", 0), event.get("total", 0)
    shown = [f"{number:g}" for number in (round(done, 1), round(total, 1))]
    return f"{'/'.join(shown)} {event.get('unit', '')}".rstrip()


def _note(name: str, event: dict[str, Any]) -> str:
    return f"{name:<{NAME_WIDTH}} {event.get('text', '')}"


class _Plain:
    """Lines for a file or a pipe: the first report, then one every some seconds."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def line(self, text: str) -> None:
        try:
            self._stream.write(text + "\n")
            self._stream.flush()
        except BrokenPipeError:
            raise KeyboardInterrupt from None  # who read this has left: as Ctrl-C, with its state saved

    def stage(self, name: str) -> _PlainStage:
        return _PlainStage(name, self.line)


class _PlainStage:
    def __init__(self, name: str, line: Callable[[str], None]) -> None:
        self._name, self._line = name, line
        self._last_s = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        return None

    def event(self, event: dict[str, Any]) -> None:
        if event["event"] == "note":
            self._line(_note(self._name, event))
        if event["event"] != "progress" or time.monotonic() - self._last_s < PLAIN_INTERVAL_S:
            return
        self._last_s = time.monotonic()
        left = event.get("eta_s")
        parts = [_counts(event), event.get("text", ""), f"{duration(left)} left" if left else ""]
        self._line(f"{self._name:<{NAME_WIDTH}} " + "  ".join(part for part in parts if part))


class _Terminal:
    """One bar for the running stage; lines scroll above it."""

    def __init__(self, stream: TextIO) -> None:
        from rich.console import Console

        self._console = Console(file=stream, highlight=False)

    def line(self, text: str) -> None:
        self._console.print(text, markup=False, soft_wrap=True)

    def stage(self, name: str) -> _TerminalStage:
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

        progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[counts]}", markup=False),
            TextColumn("{task.fields[text]}", markup=False, style="dim"),
            TimeElapsedColumn(),
            TextColumn("{task.fields[left]}"),
            console=self._console,
            transient=True,
        )
        return _TerminalStage(progress, name)


class _TerminalStage:
    def __init__(self, progress: Progress, name: str) -> None:
        self._progress, self._name = progress, name
        self._task: TaskID = progress.add_task(
            f"{name:<{NAME_WIDTH}}", total=None, counts="", text="starting", left=""
        )

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._progress.stop()

    def event(self, event: dict[str, Any]) -> None:
        if event["event"] == "note":
            line = _note(self._name, event)
            self._progress.console.print(line, markup=False, soft_wrap=True)
        if event["event"] == "progress":
            left = event.get("eta_s")
            self._progress.update(
                self._task,
                completed=event.get("done", 0),
                total=event.get("total") or None,
                counts=_counts(event),
                text=event.get("text", ""),
                left=f"{duration(left)} left" if left else "",
            )
