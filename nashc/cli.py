"""Arguments in, exit code out: 0 fine, 1 the spec has errors, 2 wrong usage, 3 a stage failed, 4 our bug.

Commands import what they need when they are called: `nashc check` never loads more than the language.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from nashc import __version__

if TYPE_CHECKING:
    from nashc.diagnostics import Diagnostic
    from nashc.driver.project import Project

SPEC_ERROR, USAGE, STAGE_FAILED, OUR_BUG = 1, 2, 3, 4
SHELLS = ("bash", "zsh", "fish")
FORMS = ("ast", "spec", "ir", "dot", "svg", "plan")

Command = Callable[..., Any]


def main() -> NoReturn:
    """The `nashc` command; whatever goes wrong, a person reads a sentence and not a traceback."""
    try:
        result = cli.main(standalone_mode=False)
        code = result if isinstance(result, int) else 0
    except click.ClickException as error:
        error.show()
        code = USAGE
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        code = 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    except Exception as error:
        code = _our_bug(error)
    sys.exit(code)


@click.group(
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="A first round: nashc new mynet.nash, then nashc check, nashc plan and nashc run.",
)
@click.version_option(__version__, prog_name="nashc")
def cli() -> None:
    """From a small .nash file to a quantised network on an FPGA."""


# ---- shared options -----------------------------------------------------------------------------


def _reports_mistakes(command: Command) -> Command:
    """Turns SpecError into rendered diagnostics and exit code 1."""

    @wraps(command)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        from nashc.diagnostics import SpecError

        try:
            return command(*args, **kwargs)
        except SpecError as error:
            return _report(error.diagnostics, as_json=kwargs.get("as_json", False))

    return wrapped


def _options(*options: Command) -> Callable[[Command], Command]:
    def add(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return add


_path = click.Path(path_type=Path)
_json = click.option("--json", "as_json", is_flag=True, help="Print JSON for machines.")
_set = click.option(
    "--set", "settings", multiple=True, metavar="NAME=VALUE", help="Give a parameter a value."
)
_out = click.option(
    "-o", "--out", type=_path, help="Output folder.  [default: build/<name of the network>]"
)
_optional_spec = click.argument("spec", type=_path, required=False)
_project = _options(_optional_spec, _out, _set)


def _overrides(settings: Iterable[str]) -> dict[str, str]:
    result = {}
    for setting in settings:
        name, sign, value = setting.partition("=")
        if not sign or not name.strip() or not value.strip():
            raise click.BadParameter(f"'{setting}' is not NAME=VALUE, for example --set bits=w4a4")
        result[name.strip()] = value.strip()
    return result


def _only_spec(spec: Path | None) -> Path:
    """The spec that was named, or the only one in the folder."""
    if spec is not None:
        return spec
    from nashc.diagnostics import Diagnostic, SpecError

    found = sorted(Path.cwd().glob("*.nash"))
    if len(found) == 1:
        return Path(found[0].name)
    names = ", ".join(path.name for path in found)
    text = f"there are several specs in this folder: {names}" if found else "there is no .nash file in this folder"
    hint = f"name one, for example {found[0].name}" if found else "nashc new mynet.nash writes one"
    raise SpecError([Diagnostic("NASH504", text, help=hint)])


def _read_project(spec: Path | None, out: Path | None, settings: Iterable[str]) -> Project:
    from nashc.driver.project import read

    return read(_only_spec(spec), _overrides(settings), out)


def _colour() -> bool:
    return sys.stdout.isatty() and "NO_COLOR" not in os.environ


def _report(diagnostics: Sequence[Diagnostic], *, as_json: bool) -> int:
    from nashc.diagnostics import render_json, render_text, summarise

    if as_json:
        click.echo(json.dumps({"ok": False, "diagnostics": render_json(diagnostics)}, indent=2))
    else:
        click.echo(render_text(diagnostics, colour=_colour()), err=True)
        click.echo(f"\n{summarise(diagnostics)}", err=True)
    return SPEC_ERROR


def _our_bug(error: Exception) -> int:
    """NASH900: the traceback goes into a file, the message says that it is not the user's fault."""
    import tempfile
    import traceback

    with tempfile.NamedTemporaryFile(
        "w", prefix="nashc-crash-", suffix=".txt", delete=False, encoding="utf-8"
    ) as file:
        file.write(f"nashc {__version__}\n{sys.argv}\n\n")
        traceback.print_exception(error, file=file)
    click.echo(
        f"NASH900: internal error: {type(error).__name__}: {error}\n"
        f"This is a bug in nashc, not in your spec. Please report it with {file.name}",
        err=True,
    )
    return OUR_BUG


# ---- language -----------------------------------------------------------------------------------


@cli.command(epilog="Example: nashc check specs/*.nash --json")
@click.argument("specs", type=_path, nargs=-1, metavar="SPEC...")
@_set
@_json
@_reports_mistakes
def check(specs: tuple[Path, ...], settings: tuple[str, ...], as_json: bool) -> int:
    """Check specs: syntax, names, values, shapes, cells, what FINN can build."""
    from nashc.diagnostics import SpecError, render_json
    from nashc.lower import lower
    from nashc.schema import load

    paths = specs or (_only_spec(None),)
    found: list[Diagnostic] = []
    rows = []
    for path in paths:
        try:
            graph = lower(load(path, _overrides(settings)))
            rows.append({"file": str(path), "ok": True, "layers": len(graph.nodes)})
        except SpecError as error:
            found.extend(error.diagnostics)
            rows.append({"file": str(path), "ok": False})
    if as_json:
        result = {"ok": not found, "files": rows, "diagnostics": render_json(found)}
        click.echo(json.dumps(result, indent=2))
        return SPEC_ERROR if found else 0
    if found:
        return _report(found, as_json=False)
    for row in rows:
        click.echo(f"{row['file']}: fine, {row['layers']} layers")
    return 0


@cli.command(epilog="Examples: nashc fmt specs/*.nash    nashc fmt --check --diff mynet.nash")
@click.argument("specs", type=_path, nargs=-1, required=True, metavar="SPEC...")
@click.option("--check", "only_check", is_flag=True, help="Change nothing; exit 1 if something would.")
@click.option("--diff", is_flag=True, help="Show what would change instead of changing it.")
@_reports_mistakes
def fmt(specs: tuple[Path, ...], only_check: bool, diff: bool) -> int:
    """Lay specs out in the one canonical way; comments are kept."""
    from difflib import unified_diff

    from nashc.syntax import format_source
    from nashc.text import read_source

    changed = 0
    for path in specs:
        source = read_source(path)
        text = format_source(source)
        if text == source.text:
            continue
        changed += 1
        if diff:
            old, new = source.text.splitlines(True), text.splitlines(True)
            click.echo("".join(unified_diff(old, new, str(path), f"{path} (formatted)")), nl=False)
        if only_check or diff:
            click.echo(f"would reformat {path}", err=True)
        else:
            _write_text(path, text)
            click.echo(f"reformatted {path}")
    return SPEC_ERROR if changed and only_check else 0


def _write_text(path: Path, text: str) -> None:
    temporary = path.with_name(f".{path.name}.tmp")
    temporary.write_bytes(text.encode())
    temporary.replace(path)


@cli.command(epilog="Example: nashc new mynet.nash --template resnet18")
@click.argument("spec", type=_path)
@click.option(
    "--template",
    type=click.Choice(["digits", "resnet18", "backbone"]),
    default="digits",
    show_default=True,
    help="What to start from.",
)
def new(spec: Path, template: str) -> int:
    """Write a commented starter spec; an existing file is left alone."""
    from nashc import resources

    if spec.suffix != ".nash":
        spec = spec.with_name(spec.name + ".nash")
    if spec.exists():
        raise click.UsageError(f"{spec} is there already; take another name")
    text = (resources.template_root() / "starters" / f"{template}.nash").read_text(encoding="utf-8")
    try:
        spec.parent.mkdir(parents=True, exist_ok=True)
        _write_text(spec, text)
    except OSError as error:
        raise click.UsageError(f"{spec} cannot be written: {error.strerror}") from error
    click.echo(f"wrote {spec}\nnext: nashc check {spec}, nashc plan {spec}, nashc run {spec}")
    return 0


@cli.command(epilog="Example: nashc explain NASH201")
@click.argument("code")
def explain(code: str) -> int:
    """Print the page of an error code: what it means, a failing and a working example."""
    from nashc.diagnostics.explain import page
    from nashc.diagnostics.model import nearest

    text = page(code.upper())
    if text is None:
        from nashc.diagnostics.codes import CODES

        raise click.UsageError(f"there is no code {code}; {nearest(code.upper(), CODES)}")
    click.echo(text.rstrip())
    return 0


@cli.command(epilog="Example: nashc show mynet.nash --as svg > mynet.svg")
@click.argument("spec", type=_path, required=False)
@click.option("--as", "form", type=click.Choice(FORMS), default="spec", show_default=True, help="Which form.")
@click.option("--locations", is_flag=True, help="With --as ir: the place in the spec of each line.")
@_set
@_json
@_reports_mistakes
def show(
    spec: Path | None, form: str, locations: bool, settings: tuple[str, ...], as_json: bool
) -> int:
    """Show any form between the text and the plan."""
    path = _only_spec(spec)
    if form == "plan":
        return _plan(path, None, settings, as_json=as_json)
    click.echo(_shown(path, form, _overrides(settings), locations, as_json).rstrip("\n"))
    return 0


def _shown(
    path: Path, form: str, overrides: dict[str, str], locations: bool, as_json: bool
) -> str:
    if form == "ast":
        from nashc.syntax import parse
        from nashc.syntax.outline import outline
        from nashc.text import read_source

        return outline(parse(read_source(path)))
    from nashc.schema import load

    spec = load(path, overrides)
    if form == "spec":
        if as_json:
            return json.dumps({"digest": spec.digest, **spec.meaning()}, indent=2, sort_keys=True)
        rows = spec.effective()
        width = max(len(row.path) for row in rows)
        values = max(len(row.value) for row in rows if len(row.value) < 60)
        return "\n".join(f"{r.path:{width}}  {r.value:{values}}  {r.origin}" for r in rows)
    from nashc.emit import picture
    from nashc.ir import dump
    from nashc.lower import lower

    graph = lower(spec)
    match form:
        case "dot":
            return picture.dot(graph)
        case "svg":
            return picture.svg(graph)
    return dump(graph, locations=locations)


# ---- projects -----------------------------------------------------------------------------------


@cli.command("compile", epilog="Example: nashc compile resnet18_v3.nash -o out --set bits=w4a4")
@_project
@click.option("--force", is_flag=True, help="Overwrite edited files, keeping them as *.orig.")
@_json
@_reports_mistakes
def compile_(
    spec: Path | None, out: Path | None, settings: tuple[str, ...], force: bool, as_json: bool
) -> int:
    """Write the standalone project: model, search, train, export, verify and build programs."""
    from nashc.driver.compile import compile_project

    project = compile_project(_read_project(spec, out, settings))
    result = project.write(force=force)
    if as_json:
        click.echo(
            json.dumps(
                {
                    "ok": True,
                    "folder": str(result.out),
                    "digest": project.spec.digest,
                    "written": result.written,
                    "unchanged": result.unchanged,
                    "removed": result.removed,
                    "kept": result.kept,
                },
                indent=2,
            )
        )
        return 0
    for verb, names in (("wrote", result.written), ("removed", result.removed), ("kept", result.kept)):
        for name in names:
            click.echo(f"{verb} {result.out / name}")
    if result.is_unchanged:
        click.echo(f"{result.out}: nothing changed, {len(result.unchanged)} files")
    if project.lacks_genotype:
        click.echo("the architecture is not known yet: `nashc run` searches it and writes the model")
    return 0
