"""Commands on the machine and on the boards: boards, doctor, completion."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from nashc.cli import common

if TYPE_CHECKING:
    from nashc.vocab.boards import Board

SHELLS = ("bash", "zsh", "fish")


def _board_names(context: Any, parameter: Any, begun: str) -> list[str]:
    from nashc.vocab.boards import BOARDS

    return [name for name in BOARDS if name.lower().startswith(begun.lower())]


@click.command(
    epilog="""\b
Examples: nashc boards
          nashc boards U250 --json
          nashc boards Pynq-Z1 --toml > myboard.toml"""
)
@click.argument("name", required=False, shell_complete=_board_names)
@common.as_json
@click.option("--toml", "as_toml", is_flag=True, help="Print the file, to begin one of your own.")
@common.reports_mistakes
def boards(name: str | None, as_json: bool, as_toml: bool) -> int:
    """Boards, their parts and what they hold.

    Each figure has its source; a .toml file of your own is a board too.
    """
    from nashc.vocab.boards import BOARDS, board_text

    if as_json and as_toml:
        raise click.UsageError("--json and --toml are two forms; leave one out")
    if name is None:
        if as_toml:
            raise click.UsageError("--toml needs the name of a board")
        if as_json:
            click.echo(json.dumps([board.to_json() for board in BOARDS.values()], indent=2))
            return 0
        click.echo("\n".join(_board_table(list(BOARDS.values()))))
        return 0
    board = common.board_named(name)
    if as_toml:
        text = (
            Path(name).read_text(encoding="utf-8") if name.endswith(".toml") else board_text(name)
        )
        click.echo(text, nl=False)
    elif as_json:
        click.echo(json.dumps(board.to_json(), indent=2))
    else:
        click.echo("\n".join(_board_lines(board)))
    return 0


def _board_table(found: list[Board]) -> list[str]:
    from nashc.report.table import aligned

    heads = ["board", "LUT", "FF", "BRAM18", "URAM", "DSP", "clock MHz", "shell"]
    rows = [
        [
            board.name,
            *(f"{count:,}" for count in vars(board.resources).values()),
            _clock_words(board),
            board.shell,
        ]
        for board in found
    ]
    return aligned([heads, *rows])


def _board_lines(board: Board) -> list[str]:
    rows = [("part", board.part), ("shell", board.shell), ("clock MHz", _clock_words(board))]
    rows += [(key, f"{count:,}") for key, count in vars(board.resources).items()]
    lines = [board.name, *(f"  {key:<10} {value}" for key, value in rows), "sources"]
    return lines + [f"  {key:<10} {source}" for key, source in sorted(board.sources.items())]


def _clock_words(board: Board) -> str:
    limits = board.clock_mhz
    return f"{limits[0]:g}-{limits[1]:g}" if limits else "unknown"


@click.command(epilog="Example: nashc doctor --json")
@click.option(
    "--python",
    envvar="NASHC_PYTHON",
    default=lambda: sys.executable,
    metavar="PROGRAM",
    help="The Python to look at.  [env var: NASHC_PYTHON; default: nashc's own]",
)
@common.as_json
@common.reports_mistakes
def doctor(python: str, as_json: bool) -> int:
    """What is installed, and what that allows."""
    from nashc.driver.doctor import examine

    findings = examine(python, os.environ)
    if as_json:
        click.echo(json.dumps(findings.to_json(), indent=2))
    else:
        click.echo("\n".join(findings.lines()))
    return 0


@click.command(
    epilog="""\b
Examples: nashc completion bash >> ~/.bashrc
          nashc completion zsh  >> ~/.zshrc
          nashc completion fish > ~/.config/fish/completions/nashc.fish"""
)
@click.argument("shell", type=click.Choice(SHELLS))
def completion(shell: str) -> int:
    """Print the completion script of a shell.

    It completes commands, options, stages and files.
    """
    from click.shell_completion import get_completion_class

    from nashc.cli import cli

    kind = get_completion_class(shell)
    assert kind, shell
    click.echo(kind(cli, {}, "nashc", "_NASHC_COMPLETE").source())
    return 0
