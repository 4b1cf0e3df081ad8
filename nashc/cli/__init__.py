"""Arguments in, exit code out: 0 fine, 1 the spec has errors or a part of an answer failed, 2 wrong usage, 3 a stage or tool failed, 4 our bug.

Commands import what they need when they are called: `nashc check` never loads more than the language.
"""

from __future__ import annotations

import os
import sys
from typing import NoReturn

import click

from nashc import __version__
from nashc.cli import figures, folding, language, machine, pareto, project
from nashc.cli.common import INTERRUPTED, USAGE, our_bug


@click.group(
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="A first round: nashc new mynet.nash, then nashc check, nashc plan and nashc run.",
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
    try:
        result = cli.main(prog_name="nashc", standalone_mode=False)
        code = result if isinstance(result, int) else 0
        sys.stdout.flush()
    except click.ClickException as error:
        error.show()
        code = USAGE
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        code = INTERRUPTED
    except BrokenPipeError:
        # `nashc ... | head`: Python flushes standard output once more at exit, give it a place to go.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    except Exception as error:
        code = our_bug(error)
    sys.exit(code)
