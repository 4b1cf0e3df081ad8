"""Commands on the machine: doctor, completion."""

from __future__ import annotations

import json
import os
import sys

import click

from nashc.cli import common

SHELLS = ("bash", "zsh", "fish")


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
    """What is installed, in which versions, and what that allows."""
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
    """Print the script that completes nashc's commands, options, stages and files in a shell."""
    from click.shell_completion import get_completion_class

    from nashc.cli import cli

    kind = get_completion_class(shell)
    assert kind, shell
    click.echo(kind(cli, {}, "nashc", "_NASHC_COMPLETE").source())
    return 0
