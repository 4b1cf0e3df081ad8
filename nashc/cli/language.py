"""Commands on the text of a spec: new, check, fmt, show, explain."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from nashc.cli import common
from nashc.cli.common import SPEC_ERROR

if TYPE_CHECKING:
    from nashc.diagnostics import Diagnostic
    from nashc.text import Source

FORMS = ("ast", "spec", "ir", "dot", "svg", "plan")
STDIN = Path("-")


@click.command(epilog="Example: nashc check specs/*.nash --json")
@click.argument("specs", type=common.PATH, nargs=-1, metavar="SPEC...")
@common.settings
@common.as_json
@common.reports_mistakes
def check(specs: tuple[Path, ...], settings: tuple[str, ...], as_json: bool) -> int:
    """Say what is wrong in specs.

    Syntax, names, values, shapes, cells, foldings and what FINN can build, with several mistakes in one go; of what a spec
    compares with, too.
    """
    from nashc.diagnostics import SpecError, render_json
    from nashc.diagnostics.model import counted
    from nashc.driver.check import check as check_spec

    given = common.overrides(settings)
    found: list[Diagnostic] = []
    rows: list[dict[str, Any]] = []
    for path in specs or (common.only_spec(None),):
        try:
            graph = check_spec(path, given)
            rows.append({"file": str(path), "ok": True, "layers": len(graph.nodes)})
        except SpecError as error:
            found.extend(error.diagnostics)
            rows.append({"file": str(path), "ok": False})
    if as_json:
        result = {"ok": not found, "files": rows, "diagnostics": render_json(found)}
        click.echo(json.dumps(result, indent=2))
        return common.exit_code(found)
    for row in rows:
        if row["ok"]:
            click.echo(f"{row['file']}: fine, {counted(row['layers'], 'layer')}")
    return common.report(found) if found else 0


@click.command(
    epilog="Examples: nashc fmt specs/*.nash    nashc fmt --check --diff mynet.nash    nashc fmt - < mynet.nash"
)
@click.argument("specs", type=common.PATH, nargs=-1, required=True, metavar="SPEC...")
@click.option(
    "--check", "only_check", is_flag=True, help="Change nothing; exit 1 if something would."
)
@click.option("--diff", is_flag=True, help="Show what would change instead of changing it.")
@common.reports_mistakes
def fmt(specs: tuple[Path, ...], only_check: bool, diff: bool) -> int:
    """Lay specs out in the one canonical way.

    Comments are kept. `-` reads standard input.
    """
    from nashc.diagnostics import SpecError
    from nashc.syntax import format_source
    from nashc.writing import write_file

    changed = 0
    problems: list[Diagnostic] = []
    for path in specs:
        source = _source(path)
        try:
            text = format_source(source)
            is_same = text == source.text
            if not (is_same or only_check or diff or path == STDIN):
                write_file(path, text)
        except SpecError as error:
            problems.extend(error.diagnostics)
            continue
        changed += not is_same
        if diff and not is_same:
            _show_difference(source, text)
        if path == STDIN and not (only_check or diff):
            click.echo(text, nl=False)
        elif not is_same and (only_check or diff):
            click.echo(f"would reformat {path}", err=True)
        elif not is_same:
            click.echo(f"reformatted {path}")
    if problems:
        return common.report(problems)
    return SPEC_ERROR if changed and only_check else 0


def _source(path: Path) -> Source:
    from nashc.text import Source, read_source, source_of

    if path != STDIN:
        return read_source(path)
    if sys.stdin is None:
        return Source("<stdin>", "", trouble="it is closed")
    return source_of("<stdin>", sys.stdin.buffer.read())


def _show_difference(source: Source, text: str) -> None:
    from difflib import unified_diff

    old, new = source.text.splitlines(True), text.splitlines(True)
    names = (source.path, f"{source.path} (formatted)")
    click.echo("".join(unified_diff(old, new, *names)), nl=False)


@click.command(epilog="Examples: nashc new mynet.nash    nashc new big.nash --template resnet18")
@click.argument("spec", type=common.PATH)
@click.option(
    "--template",
    type=click.Choice(["digits", "resnet18", "backbone"]),
    default="digits",
    show_default=True,
    help="What to start from.",
)
@common.reports_mistakes
def new(spec: Path, template: str) -> int:
    """Write a commented starter spec.

    An existing file is left alone.
    """
    from nashc.driver.starter import starter
    from nashc.text import pasted
    from nashc.writing import write_file

    if spec.suffix != ".nash":
        spec = spec.with_name(spec.name + ".nash")
    if spec.exists():
        raise click.UsageError(f"{spec} is there already; take another name")
    write_file(spec, starter(template, spec.stem))
    word = pasted(spec)
    click.echo(f"wrote {spec}\nnext: nashc check {word}, nashc plan {word}, nashc run {word}")
    return 0


@click.command(epilog="Example: nashc explain NASH201")
@click.argument("code")
def explain(code: str) -> int:
    """Print the page of an error code.

    What it means, a failing example and a working one.
    """
    from nashc.diagnostics.explain import page
    from nashc.diagnostics.model import nearest

    code = f"NASH{code}" if code.isdigit() else code
    text = page(code.upper())
    if text is None:
        from nashc.diagnostics.codes import CODES

        raise click.UsageError(f"there is no code {code}; {nearest(code.upper(), CODES)}")
    click.echo(text.rstrip())
    return 0


@click.command(
    epilog="Examples: nashc show mynet.nash    nashc show mynet.nash --as svg > mynet.svg"
)
@common.optional_spec
@click.option(
    "--as", "form", type=click.Choice(FORMS), default="spec", show_default=True, help="Which form."
)
@click.option("--locations", is_flag=True, help="With --as ir: the place in the spec of each line.")
@common.settings
@common.as_json
@click.pass_context
@common.reports_mistakes
def show(
    context: click.Context,
    spec: Path | None,
    form: str,
    locations: bool,
    settings: tuple[str, ...],
    as_json: bool,
) -> int:
    """Show any form between text and plan.

    All effective values with the place that each comes from, the graph as text, a picture.
    """
    if as_json and form not in ("spec", "plan"):
        raise click.UsageError(f"--json goes with --as spec and --as plan, not with {form}")
    if locations and form != "ir":
        raise click.UsageError("--locations goes with --as ir")
    if settings and form == "ast":
        raise click.UsageError("--as ast shows the text as it is, without the values of --set")
    path = common.only_spec(spec)
    if form == "plan":
        from nashc.cli.project import plan

        return int(context.invoke(plan, spec=path, settings=settings, as_json=as_json))
    given = common.overrides(settings)
    text = _tree(path) if form == "ast" else _resolved(path, form, given, locations, as_json)
    click.echo(text.rstrip("\n"))
    return 0


def _tree(path: Path) -> str:
    from nashc.syntax import parse
    from nashc.syntax.outline import outline
    from nashc.text import read_source

    return outline(parse(read_source(path)))


def _resolved(path: Path, form: str, given: dict[str, str], locations: bool, as_json: bool) -> str:
    from nashc.schema import load

    spec = load(path, given)
    if form == "spec" and as_json:
        return json.dumps({"digest": spec.digest, **spec.meaning()}, indent=2, sort_keys=True)
    if form == "spec":
        rows = spec.effective()
        width = max(len(row.path) for row in rows)
        values = max((len(row.value) for row in rows if len(row.value) < 60), default=0)
        return "\n".join(f"{r.path:{width}}  {r.value:{values}}  {r.origin}" for r in rows)
    from nashc.lower import lower

    graph = lower(spec)
    if form == "ir":
        from nashc.ir import dump

        return dump(graph, locations=locations)
    from nashc.emit import picture

    return picture.dot(graph) if form == "dot" else picture.svg(graph)
