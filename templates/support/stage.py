"""How a stage's program begins and ends: its arguments, its exit codes, signals, and an output of its own.

A program declares itself once and thinks of nothing else:

    def add_arguments(parser): parser.add_argument("--epochs", type=int, default=20)

    @main("train", arguments=add_arguments)
    def run(args, progress):
        progress.update(3, 20, unit="epoch", text="loss 0.31", metrics={"loss": 0.31})
        return {"accuracy": 0.97, "summary": "97.0 % on the test images"}

    if __name__ == "__main__":
        sys.exit(run())

What it imports takes seconds: before that it calls `end_at_once` (support/beginning.py).
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import os
import signal
import sys
from collections.abc import Callable, Iterator
from typing import Any, TextIO

from support.beginning import style_asked_for
from support.progress import SIGNALS, Progress, StageError, Stopped


def main(
    stage: str,
    *,
    arguments: Callable[[argparse.ArgumentParser], None] | None = None,
) -> Callable[[Callable[[argparse.Namespace, Progress], dict[str, Any]]], Callable[..., int]]:
    """Turn `run(args, progress) -> dict` into a program `run(argv=None) -> exit code`.

    The program's help is the docstring of its module. Exit codes: 0 done, 1 StageError (or a crash of ours,
    with its traceback), 2 wrong arguments, 130 SIGINT, 143 SIGTERM.
    With `--progress jsonl` standard output carries the events alone: whatever libraries and child processes
    print there goes to standard error instead.
    """

    def decorate(
        run: Callable[[argparse.Namespace, Progress], dict[str, Any]],
    ) -> Callable[..., int]:
        @functools.wraps(run)
        def program(argv: list[str] | None = None) -> int:
            parser = argparse.ArgumentParser(
                description=sys.modules[run.__module__].__doc__,
                formatter_class=argparse.RawDescriptionHelpFormatter,
            )
            if arguments is not None:
                try:
                    arguments(parser)
                except StageError as error:  # a settings file that holds the defaults is broken
                    Progress(stage, style_asked_for(argv)).error(error.message, error.help)
                    return 1
            parser.add_argument(
                "--progress",
                choices=("text", "jsonl"),
                default="text",
                help="lines for people, or one JSON object a line (default: text)",
            )
            args = parser.parse_args(argv)
            with _own_output(args.progress) as stream, _signals_stop():
                progress = Progress(stage, args.progress, stream)
                return _run_to_exit_code(run, args, progress)

        return program

    return decorate


def _run_to_exit_code(
    run: Callable[[argparse.Namespace, Progress], dict[str, Any]],
    args: argparse.Namespace,
    progress: Progress,
) -> int:
    try:
        progress.result(run(args, progress))
    except StageError as error:
        progress.error(error.message, error.help)
        if error.ends_at_once:
            os._exit(error.exit_code)
        return error.exit_code
    except Stopped as stopped:
        progress.log(f"{progress.stage}: stopped by {stopped}")
        return stopped.exit_code
    except BrokenPipeError:
        # The reader went away. Python flushes standard output once more at exit: give it a place to go.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 1
    except Exception as error:
        if progress.style == "jsonl":
            kind = type(error).__name__
            progress.error(f"internal error: {kind}: {error}", "the traceback is on standard error")
        raise
    return 0


@contextlib.contextmanager
def _signals_stop() -> Iterator[None]:
    def stop(number: int, _frame: object) -> None:
        raise Stopped(number)

    try:
        previous = {number: signal.signal(number, stop) for number in SIGNALS}
    except ValueError:  # not the main thread: a test or a notebook, signals are its host's affair
        yield
        return
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def _own_output(style: str) -> Iterator[TextIO]:
    """Standard output for the events alone: descriptor 1 becomes a second standard error meanwhile."""
    if style != "jsonl":
        yield sys.stdout
        return
    events = sys.stdout
    if not _is_descriptor_1(events):
        with contextlib.redirect_stdout(sys.stderr):
            yield events
        return
    events.flush()
    kept = os.dup(1)
    os.dup2(2, 1)
    try:
        with (
            os.fdopen(os.dup(kept), "w", encoding="utf-8") as stream,
            contextlib.redirect_stdout(sys.stderr),
        ):
            yield stream
    finally:
        os.dup2(kept, 1)
        os.close(kept)


def _is_descriptor_1(stream: TextIO) -> bool:
    try:
        return stream.fileno() == 1
    except (OSError, ValueError):
        return False
