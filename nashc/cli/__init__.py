"""Arguments in, exit code out; `nashc --help` tells the codes.

Commands import what they need when they are called: `nashc check` never loads more than the language.
"""

from __future__ import annotations

import contextlib
import os
import sys
from io import TextIOWrapper
from typing import NoReturn

import click

from nashc import __version__
from nashc.cli import figures, folding, language, machine, pareto, project
from nashc.cli.common import FAILED, INTERRUPTED, USAGE, our_bug, report


@click.group(
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=(
        "A first round: nashc new mynet.nash, then nashc check, nashc plan and nashc run.\n\n"
        "Exit codes: 0 fine, 1 a mistake in the spec or a part of the answer failed, 2 wrong usage, 3 a stage or tool failed or "
        "what is asked for cannot be, 4 a mistake of nashc's own, 130 interrupted."
    ),
)
@click.version_option(__version__, prog_name="nashc")
def cli() -> None:
    """From a small .nash file to a quantised network on an FPGA."""


for _command in (
    language.new,
    language.check,
    language.fmt,
    project.compile_,
    project.run,
    project.plan,
    project.why,
    figures.estimate,
    project.report,
    folding.fold,
    pareto.pareto,
    language.show,
    language.explain,
    machine.boards,
    machine.doctor,
    machine.completion,
):
    cli.add_command(_command)


def main() -> NoReturn:
    """The `nashc` command; whatever goes wrong, a person reads a sentence and not a traceback."""
    _open_what_is_closed()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper) and stream.errors == "strict":
            stream.reconfigure(errors="surrogateescape")  # names of files are any bytes
    code = 0
    try:
        code = _called()
        sys.stdout.flush()
    except OSError as error:
        code = _cut_off(error) or code
    sys.exit(code)


def _called() -> int:
    stdout = sys.stdout
    try:
        result = cli.main(prog_name="nashc", standalone_mode=False)
        return result if isinstance(result, int) else 0
    except click.ClickException as error:
        error.show()
        return USAGE
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        return INTERRUPTED
    except SystemExit as error:
        if sys.stdout is not stdout:  # click wraps it where its reader has left, and ends
            raise BrokenPipeError from error
        raise
    except Exception as error:
        if not isinstance(error, OSError) or error.filename is not None:
            return our_bug(error)
        if not isinstance(error, FileNotFoundError):
            raise  # of a stream: files have names
        click.echo("Error: the folder that you are in is gone; cd to another", err=True)  # getcwd
        return USAGE


def _cut_off(error: OSError) -> int:
    """Standard output or error takes no more: no mistake where its reader has left, as `head` does."""
    # Python flushes both once more at exit, give them a place to go.
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    if isinstance(error, BrokenPipeError):
        os.dup2(nowhere, 2)
        return 0
    from nashc.writing import unwritable

    with contextlib.suppress(OSError):
        return report(unwritable("what nashc prints", error).diagnostics)
    os.dup2(nowhere, 2)
    return FAILED


def _open_what_is_closed() -> None:
    """`nashc ... >&-`: the next file that is opened would get the number of the stream, and what is said to it."""
    if sys.stdin is None:
        os.open(os.devnull, os.O_RDONLY)
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_WRONLY), "w"))
