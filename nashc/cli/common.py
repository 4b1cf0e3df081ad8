"""What all commands share: options, the spec that is meant, and how mistakes are told."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from nashc import __version__

if TYPE_CHECKING:
    from nashc.diagnostics import Diagnostic
    from nashc.vocab.boards import Board

SPEC_ERROR, USAGE, FAILED, OUR_BUG, INTERRUPTED = 1, 2, 3, 4, 130
INCOMPLETE = 1
_CODES_OF_USAGE = ("NASH462", "NASH504", "NASH505")

Command = Callable[..., Any]


def options(*given: Command) -> Callable[[Command], Command]:
    """Several options as one decorator, in the order of the help text."""

    def add(command: Command) -> Command:
        for option in reversed(given):
            command = option(command)
        return command

    return add


class _Path(click.Path):
    """A path that was given is one: "" would be the working folder to pathlib."""

    def convert(
        self,
        value: str | os.PathLike[str],
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> Any:
        if not os.fspath(value):
            self.fail("an empty text names no file and no folder", param, ctx)
        return super().convert(value, param, ctx)


PATH = _Path(path_type=Path)
as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON for machines.")
settings = click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="NAME=VALUE",
    help="Give a parameter of the spec a value; may be repeated.",
)
out = click.option(
    "-o", "--out", type=PATH, help="Output folder.  [default: build/<name of the network>]"
)
optional_spec = click.argument("spec", type=PATH, required=False)


def reports_mistakes(command: Command) -> Command:
    """Turns SpecError into rendered diagnostics and the exit code that suits them; with --json Ctrl-C, too."""

    @wraps(command)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        from nashc.diagnostics import Diagnostic, SpecError

        try:
            return command(*args, **kwargs)
        except SpecError as error:
            output: Sequence[str] = getattr(error, "output", ())
            return report(error.diagnostics, as_json=kwargs.get("as_json", False), output=output)
        except KeyboardInterrupt:
            if not kwargs.get("as_json"):
                raise
            return report([Diagnostic("NASH506", "interrupted")], as_json=True)

    return wrapped


def report(
    diagnostics: Sequence[Diagnostic], *, as_json: bool = False, output: Sequence[str] = ()
) -> int:
    """Show mistakes and give the exit code. output: lines that a failed program printed."""
    from nashc.diagnostics import render_json, render_text, summarise

    if as_json:
        found = {"ok": False, "diagnostics": render_json(diagnostics), "output": list(output)}
        click.echo(json.dumps(found, indent=2))
        return exit_code(diagnostics)
    for line in output:
        click.echo(line, err=True)
    click.echo(render_text(diagnostics, colour=is_coloured(sys.stderr)), err=True)
    if len(diagnostics) > 1:
        click.echo(f"\n{summarise(diagnostics)}", err=True)
    return exit_code(diagnostics)


def check_output(place: Path | None, *read: Path | None) -> None:
    """Whether an answer may be written there, asked before long work: never over what the command reads. Errors: NASH401."""
    from nashc.diagnostics import Diagnostic, SpecError
    from nashc.writing import check_place

    if place is None:
        return
    check_place(place)
    for path in read:
        if path is not None and place.is_file() and path.exists() and place.samefile(path):
            text = f"{place} cannot be written: it is what this command reads"
            raise SpecError([Diagnostic("NASH401", text, help="choose another place for it")])


def trouble_of(write: Callable[[], object]) -> tuple[Diagnostic, ...]:
    """The mistakes of writing what goes with an answer; they are told behind it, by `incomplete`."""
    from nashc.diagnostics import SpecError

    try:
        write()
    except SpecError as error:
        return error.diagnostics
    return ()


def incomplete(trouble: Sequence[Diagnostic]) -> int:
    """The exit code behind an answer that was printed, after its trouble, if any."""
    if trouble:
        click.echo(err=True)
        report(trouble)
    return INCOMPLETE if trouble else 0


def exit_code(diagnostics: Sequence[Diagnostic]) -> int:
    """1 if the spec is to blame, else 2 for the command line, else 3 for what lies outside both."""
    codes = [diagnostic.code for diagnostic in diagnostics if diagnostic.severity == "error"]
    if not codes:
        return 0
    if any(code < "NASH400" for code in codes):
        return SPEC_ERROR
    if any(code in _CODES_OF_USAGE for code in codes):
        return USAGE
    return INTERRUPTED if "NASH506" in codes else FAILED


def overrides(given: Iterable[str]) -> dict[str, str]:
    """The values of `--set`."""
    found: dict[str, str] = {}
    for setting in given:
        name, sign, value = (part.strip() for part in setting.partition("="))
        if not sign or not name or not value:
            raise click.BadParameter(f"'{setting}' is not NAME=VALUE, for example --set bits=w4a4")
        if found.setdefault(name, value) != value:
            raise click.BadParameter(f"'{name}' is set twice: to '{found[name]}' and to '{value}'")
    return found


def only_spec(spec: Path | None) -> Path:
    """The spec that was named, or the only one in the folder; NASH504 otherwise."""
    if spec is not None:
        return spec
    from nashc.diagnostics import Diagnostic, SpecError
    from nashc.text import pasted

    found = sorted(path.name for path in Path.cwd().glob("*.nash"))
    if len(found) == 1:
        return Path(found[0])
    if found:
        text = f"there are several specs in this folder: {', '.join(found)}"
        raise SpecError(
            [Diagnostic("NASH504", text, help=f"name one, for example {pasted(found[0])}")]
        )
    text = "there is no .nash file in this folder"
    raise SpecError([Diagnostic("NASH504", text, help="nashc new mynet.nash writes one")])


def board_named(name: str) -> Board:
    """A board that ships with nashc, or of a .toml file; NASH115 if there is none of this name, the file's own mistakes."""
    from nashc.diagnostics import Diagnostic, Problems, SpecError
    from nashc.schema.board_file import read_board
    from nashc.vocab.boards import find_board, other_boards

    if name.endswith(".toml"):
        problems = Problems()
        board = read_board(Path(name), None, problems)
        problems.check()
        assert board, name
        return board
    board = find_board(name)
    if board is None:
        text = f"there is no board `{name}`"
        raise SpecError([Diagnostic("NASH115", text, help=other_boards(name))])
    return board


def is_coloured(stream: Any) -> bool:
    is_plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    return stream.isatty() and not is_plain


def our_bug(error: Exception) -> int:
    """NASH900: the traceback goes into a file, the message says that it is not the user's fault."""
    import tempfile
    import traceback

    try:
        with tempfile.NamedTemporaryFile(
            "w", prefix="nashc-crash-", suffix=".txt", delete=False, encoding="utf-8"
        ) as file:
            file.write(f"nashc {__version__}\nPython {sys.version}\n{sys.argv}\n\n")
            traceback.print_exception(error, file=file)
        what = file.name
    except OSError:  # no temporary folder, or a full one
        what = "the command that you gave"
    click.echo(
        f"NASH900: internal error: {type(error).__name__}: {error}\n"
        f"This is a bug in nashc, not in your spec. Please report it with {what}",
        err=True,
    )
    return OUR_BUG
