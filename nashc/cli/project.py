"""Commands on the project of a spec: compile, run, plan, why."""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from nashc.cli import common

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from nashc.driver.request import Request

    _Type = click.ParamType[str]
else:
    _Type = click.ParamType  # not generic before click 8.2


class _StageName(_Type):
    """Completed by the shell; judged by the driver, which knows the nearest name."""

    name = "stage"

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        from click.shell_completion import CompletionItem

        from nashc.stages import BY_NAME

        return [CompletionItem(name) for name in BY_NAME if name.startswith(incomplete)]


STAGE = _StageName()
python_option = click.option(
    "--python",
    envvar="NASHC_PYTHON",
    default=lambda: sys.executable,
    metavar="PROGRAM",
    help="The Python that has torch, Brevitas and FINN+.  [env var: NASHC_PYTHON; default: nashc's own]",
)
data_option = click.option(
    "--data", type=common.PATH, help="The folder of the data set, instead of the spec's."
)
overwrite_option = click.option(
    "--overwrite", is_flag=True, help="Overwrite edited files, keeping them as *.orig."
)
processes_option = click.option(
    "--processes",
    type=click.IntRange(min=1),
    default=1,
    metavar="N",
    help="Search and train with N processes (torchrun).",
)
_range = common.options(
    click.option(
        "--from", "first", type=STAGE, help="Begin here; earlier results are taken as kept."
    ),
    click.option("--to", "last", type=STAGE, help="End with this stage."),
    click.option(
        "--force", type=STAGE, multiple=True, help="Run this stage though its result is kept."
    ),
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

    request = _request(spec, out, settings, python, overwrite=overwrite)
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
@_range
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
    request = _request(spec, out, settings, python, **options)
    outcome = run_stages(request, display(sys.stderr if as_json else sys.stdout))
    if as_json:
        click.echo(report_of(outcome))
    return 0


@click.command(epilog="Example: nashc plan mynet.nash --set bits=w2a2")
@common.optional_spec
@common.out
@common.settings
@_range
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

    request = _request(spec, out, settings, python, **options)
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

    made = report_on(_request(spec, out, settings, python))
    path = html or made.desk.project.folder / PAGE
    write_page(made.desk, made.figures, path)
    if as_json:
        found = {"ok": True, "is_current": made.is_current, "page": str(path)}
        click.echo(json.dumps({**found, **made.figures.to_json()}, indent=2))
        return 0
    if not made.is_current:
        click.echo(
            "The spec has changed since this estimate was made; nashc run makes a new one.\n"
        )
    click.echo("\n".join(lines(made.figures)))
    click.echo(f"\nThe page is {path}")
    return 0


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

    answer = explain_stage(_request(spec, out, settings, python, data=data), stage)
    click.echo(json.dumps(answer.to_json(), indent=2) if as_json else "\n".join(answer.lines()))
    return 0


def _request(
    spec: Path | None,
    out: Path | None,
    settings: tuple[str, ...],
    python: str,
    *,
    first: str | None = None,
    last: str | None = None,
    force: tuple[str, ...] = (),
    data: Path | None = None,
    overwrite: bool = False,
    processes: int = 1,
) -> Request:
    from nashc.driver.request import Request

    return Request(
        spec=common.only_spec(spec),
        python=python,
        environment=dict(os.environ),
        overrides=common.overrides(settings),
        out=out,
        data=data,
        first=first,
        last=last,
        force=frozenset(force),
        overwrite=overwrite,
        processes=processes,
    )


def interrupt(_number: int, _frame: object) -> NoReturn:
    """SIGTERM ends a run as Ctrl-C does: the stage saves its state first."""
    raise KeyboardInterrupt
