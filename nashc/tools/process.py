"""Running an emitted program and listening to it.

The program writes one JSON object a line to standard output; everything else it or its libraries print
goes to the log as it comes. It runs in a process group of its own, so that an interrupt reaches it once,
from here, and can be waited for. On Linux it is told to end, and saves its state, when this process is killed.
"""

from __future__ import annotations

import ctypes
import json
import math
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

TAIL_LINES = 12
# An interrupted program saves its state; only one that hangs is ended by force.
PATIENCE_S = 120.0
# One that we end gets this long to go by itself.
GRACE_S = 20.0
# Between two reports of progress in a log: five a second were 150 MB a day.
KEPT_INTERVAL_S = 10.0

Event = dict[str, Any]


# Threads of torch that wait by spinning slow a busy machine to a crawl: two epochs of the quickstart on
# two cores beside one other busy process took 78 s, and 13 s with waiting threads asleep.
_QUIET_THREADS = {"OMP_WAIT_POLICY": "PASSIVE"}


@dataclass(frozen=True)
class Finished:
    """How a program ended. interrupted: we passed on a signal, whatever exit code came of it."""

    exit_code: int
    duration_s: float
    interrupted: bool


def run(
    command: Sequence[str],
    *,
    folder: Path,
    environment: Mapping[str, str],
    log: Path,
    on_event: Callable[[Event], None],
) -> Finished:
    """Run a program to its end; its events go to `on_event`, all it prints to `log` (appended), of its progress a part.

    KeyboardInterrupt is passed on to the program, which gets time to save its state.
    Errors: OSError if the program cannot be started.
    """
    started_s = time.monotonic()
    with log.open("ab") as kept:
        child = subprocess.Popen(
            command,
            cwd=folder,
            env={**_QUIET_THREADS, **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=kept,
            close_fds=False,  # Python's own are not inherited, but for the lock of the output folder
            start_new_session=os.name == "posix",
            preexec_fn=_end_with_parent if sys.platform == "linux" else None,
        )
        assert child.stdout
        interrupted = False
        try:
            progress = _Thinned()
            for line in child.stdout:
                event = _event(line)
                if progress.is_kept(event):
                    kept.write(line)
                    kept.flush()
                on_event(event)
            child.wait()
        except KeyboardInterrupt:
            interrupted = True
            _pass_on(child)
            _drain(child, kept)
        finally:
            _end(child)
    return Finished(child.returncode, time.monotonic() - started_s, interrupted)


def tail(log: Path, lines: int = TAIL_LINES) -> list[str]:
    """The last lines that a person wrote or reads: without the JSON events and empty lines."""
    if not log.is_file():
        return []
    text = log.read_text(encoding="utf-8", errors="replace")
    said = [line.rstrip() for line in text.splitlines() if line.strip()]
    return [line for line in said if not line.startswith('{"event"')][-lines:]


_LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None
_PR_SET_PDEATHSIG = 1


def _end_with_parent() -> None:
    """In the child, before its program begins: SIGTERM when we are gone, even by kill -9. Loaded above: a fork only calls."""
    assert _LIBC
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


class _Thinned:
    """Which events are worth a line in a log: of progress, told five times a second for days, some and the last."""

    def __init__(self) -> None:
        self._kept_s = -math.inf

    def is_kept(self, event: Event) -> bool:
        if event["event"] != "progress":
            return True
        now_s = time.monotonic()
        if now_s - self._kept_s < KEPT_INTERVAL_S and event.get("done", 0) < event.get("total", 0):
            return False
        self._kept_s = now_s
        return True


def _event(line: bytes) -> Event:
    """What a line says; text of anybody else is an event "log"."""
    try:
        event = json.loads(line)
    except ValueError:
        event = None
    if not isinstance(event, dict) or "event" not in event:
        return {"event": "log", "text": line.decode("utf-8", "replace").rstrip()}
    return event


def _pass_on(child: subprocess.Popen[bytes]) -> None:
    if child.poll() is None:
        child.send_signal(signal.SIGINT)


def _drain(child: subprocess.Popen[bytes], kept: BinaryIO) -> None:
    """Wait for an interrupted program; a second interrupt ends it at once."""
    try:
        rest, _ = child.communicate(timeout=PATIENCE_S)
        kept.write(rest or b"")
    except (subprocess.TimeoutExpired, KeyboardInterrupt):
        _end(child)


def _end(child: subprocess.Popen[bytes]) -> None:
    """Make sure that neither the program nor what it started goes on without us."""
    if child.poll() is None:
        child.terminate()
        try:
            child.wait(timeout=GRACE_S)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
    if os.name == "posix":
        try:
            os.killpg(child.pid, signal.SIGKILL)  # compilers and simulators that it left behind
        except (ProcessLookupError, PermissionError):
            return
