"""Commands on the project of a spec: compile, run, plan, why."""

from __future__ import annotations

import json
import signal
import sys
from pathlib import Path
from typing import Any

import click

from nashc.cli import common
from nashc.cli.request import (
    STAGE,
    data_option,
    interrupt,
    overwrite_option,
    processes_option,
    python_option,
    range_options,
    request_of,
)


@click.command("compile", epilog="Example: nashc compile resnet18_v3.nash -o out --set bits=w4a4")
@common.optional_spec
@common.out
@common.settings
@click.option(
    "--overwrite", "--force", is_flag=True, help="Overwrite edited files, keeping them as *.orig."
)
@python_option
@common.as_json
@common.reports_mistakes
def compile_(
    spec: Path | None,
    out: Path | None,
    settings: tuple[str, ...],
    overwrite: bool,
    python: str,
    as_json: bool,
) -> int:
    """Write the standalone project.

    The model and the programs that search, train, export, verify and build it; they need no nashc.
    """
    from nashc.driver.compile import compile_spec, outcome_lines

    request = request_of(spec, out, settings, python, overwrite=overwrite)
    outcome = compile_spec(request)
    if as_json:
        click.echo(json.dumps({"ok": True, **outcome.to_json()}, indent=2))
    else:
        for line in outcome_lines(outcome):
            click.echo(line)
    return 0


@click.command(
    epilog="Examples: nashc run    nashc run mynet.nash --set bits=w2a2 --to train    "
    "nashc run mynet.nash --force train"
)
@common.optional_spec
@common.out
@common.settings
@range_options
@data_option
@processes_option
@python_option
@overwrite_option
@common.as_json
@common.reports_mistakes
def run(
    spec: Path | None,
    out: Path | None,
    settings: tuple[str, ...],
    python: str,
    as_json: bool,
    **options: Any,
) -> int:
    """Carry a spec to hardware numbers.

    Compile, search, train, export, verify, estimate, synthesise; go on where the last run
    stopped. The result of a stage is kept as long as nothing that it depends on changes.
    """
    from nashc.driver.display import display
    from nashc.driver.run import report_of
    from nashc.driver.run import run as run_stages

    signal.signal(signal.SIGTERM, interrupt)
    request = request_of(spec, out, settings, python, **options)
    outcome = run_stages(request, display(sys.stderr if as_json else sys.stdout))
    if as_json:
        click.echo(report_of(outcome))
    return 0


@click.command(epilog="Example: nashc plan mynet.nash --set bits=w2a2")
@common.optional_spec
@common.out
@common.settings
@range_options
@data_option
@python_option
@common.as_json
@common.reports_mistakes
def plan(
    spec: Path | None,
    out: Path | None,
    settings: tuple[str, ...],
    python: str,
    as_json: bool,
    **options: Any,
) -> int:
    """What `nashc run` would do, and why.

    Stage by stage; what is missing is named now and not in hour six.
    """
    from nashc.driver.plan import make_plan
    from nashc.driver.plan_text import plan_lines

    request = request_of(spec, out, settings, python, **options)
    made = make_plan(request)
    if as_json:
        click.echo(json.dumps({"ok": not made.fatal, **made.to_json()}, indent=2))
        return 0
    for line in plan_lines(made, request):
        click.echo(line)
    return 0


@click.command(
    epilog="Examples: nashc report mynet.nash    nashc report mynet.nash --html mynet.html    "
    "nashc report mynet.nash --json"
)
@common.optional_spec
@common.out
@common.settings
@click.option("--html", type=common.PATH, help="Where the page goes.  [default: OUT/report.html]")
@python_option
@common.as_json
@common.reports_mistakes
def report(
    spec: Path | None,
    out: Path | None,
    settings: tuple[str, ...],
    html: Path | None,
    python: str,
    as_json: bool,
) -> int:
    """Figures of the last estimate, by layer.

    Cycles, resources and share of the board; as a table, JSON and an HTML page with the network drawn.
    """
    from nashc.driver.report_page import report_on, write_page
    from nashc.driver.run import PAGE
    from nashc.report import lines

    made = report_on(request_of(spec, out, settings, python))
    path = html or made.desk.project.folder / PAGE
    trouble = common.trouble_of(
        lambda: write_page(made.desk, made.figures, path, is_current=made.is_current)
    )
    if as_json:
        found = {
            "ok": not trouble,
            "is_current": made.is_current,
            "page": None if trouble else str(path),
        }
        click.echo(json.dumps({**found, **made.figures.to_json()}, indent=2))
        return common.incomplete(trouble)
    if not made.is_current:
        click.echo(
            "The spec has changed since this estimate was made; nashc run makes a new one.\n"
        )
    click.echo("\n".join(lines(made.figures)))
    if not trouble:
        click.echo(f"\nThe page is {path}")
    return common.incomplete(trouble)


@click.command(epilog="Example: nashc why train mynet.nash")
@click.argument("stage", type=STAGE)
@common.optional_spec
@common.out
@common.settings
@data_option
@python_option
@common.as_json
@common.reports_mistakes
def why(
    stage: str,
    spec: Path | None,
    out: Path | None,
    settings: tuple[str, ...],
    data: Path | None,
    python: str,
    as_json: bool,
) -> int:
    """Why a stage would run or is kept.

    What its result depends on, and what changed since the last.
    """
    from nashc.driver.why import explain_stage

    answer = explain_stage(request_of(spec, out, settings, python, data=data), stage)
    click.echo(json.dumps(answer.to_json(), indent=2) if as_json else "\n".join(answer.lines()))
    return 0
