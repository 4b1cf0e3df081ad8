"""Commands on many networks at once: pareto."""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from nashc.cli import common
from nashc.cli.figures import model_option
from nashc.cli.request import (
    data_option,
    interrupt,
    overwrite_option,
    processes_option,
    python_option,
)

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from nashc.pareto.walk import Walk

DEFAULT_OUT = Path("build", "pareto")


def _parameters(context: click.Context, _parameter: Any, begun: str) -> list[CompletionItem]:
    """`--sweep bi` becomes `--sweep bits=`: the parameters of the specs on the command line."""
    from click.shell_completion import CompletionItem

    from nashc.diagnostics import SpecError
    from nashc.schema import load

    names: dict[str, None] = {}
    # Behind an option without a value, as `--sweep` is now, click leaves the specs among the words not read yet.
    for path in (*(context.params.get("specs") or ()), *context.args):
        try:
            names |= dict.fromkeys(load(Path(path)).params)
        except SpecError:
            continue
    return [CompletionItem(f"{name}=") for name in names if name.startswith(begun)]


@click.command(
    epilog="""\b
Examples: nashc pareto original.nash v1.nash v2.nash --sweep bits=w1a2,w2a2,w4a4 --sweep seed=1,2,3
          nashc pareto original.nash v3.nash --sweep bits=w2a2,w4a4 --accuracy none
          nashc pareto v1.nash v2.nash --sweep bits=w1a2,w2a2 --plan"""
)
@click.argument("specs", type=common.PATH, nargs=-1, metavar="[SPEC]...")
@click.option(
    "--sweep",
    "sweeps",
    multiple=True,
    metavar="NAME=V1,V2",
    shell_complete=_parameters,
    help="Values of a parameter: every combination is a point. May be repeated.",
)
@common.settings
@click.option(
    "-o", "--out", type=common.PATH, default=DEFAULT_OUT, show_default=True, help="Output folder."
)
@click.option(
    "--accuracy",
    type=click.Choice(("train", "supernet", "none")),
    default="train",
    show_default=True,
    help="Of the trained network; of the search's supernet, as a proxy; or none, which runs nothing.",
)
@click.option(
    "--speed",
    type=click.Choice(("fps", "latency")),
    help="What stands upwards with --accuracy none.  [default: fps]",
)
@model_option
@click.option("--plan", is_flag=True, help="Tell what would run, and run nothing.")
@click.option("--kept", is_flag=True, help="Draw the points that are finished, and run nothing.")
@data_option
@processes_option
@python_option
@overwrite_option
@common.as_json
@common.reports_mistakes
def pareto(
    specs: tuple[Path, ...],
    sweeps: tuple[str, ...],
    settings: tuple[str, ...],
    out: Path,
    accuracy: str,
    speed: str | None,
    model: str,
    plan: bool,
    kept: bool,
    as_json: bool,
    **options: Any,
) -> int:
    """Accuracy against hardware, of many networks.

    Every spec is searched and trained with every combination of the swept values that it declares, and drawn against LUT
    and BRAM with the front marked: points.csv, points.json, pareto.svg, .png and .html. Values that change the seed of a
    training alone make one point with mean and spread. What is finished is kept: the same command goes on where it stopped.
    """
    from nashc.driver.display import display
    from nashc.driver.request import Request
    from nashc.pareto.look import Job
    from nashc.pareto.measure import MEASURES
    from nashc.pareto.plan import plan_json, plan_lines
    from nashc.pareto.sweep import Question, points
    from nashc.pareto.walk import Walk
    from nashc.writing import check_place

    signal.signal(signal.SIGTERM, interrupt)
    if speed and accuracy != "none":
        raise click.BadParameter("--speed goes with --accuracy none")
    if plan and kept:
        raise click.BadParameter("--plan tells what would run, and with --kept nothing does")
    measure = MEASURES[speed or "fps"] if accuracy == "none" else MEASURES[accuracy]
    chosen = specs or (common.only_spec(None),)
    question = Question(chosen, _sweeps(sweeps, settings), common.overrides(settings))
    found = points(question)
    request = Request(spec=chosen[0], environment=dict(os.environ), **options)
    screen = display(sys.stderr if as_json else sys.stdout)
    walk = Walk(found, Job(request, out, measure, model), screen)
    walk.prepare()
    if plan:
        told = json.dumps({"ok": True, **plan_json(walk)}, indent=2)
        click.echo(told if as_json else "\n".join(plan_lines(walk)))
        return 0
    walk.check()
    check_place(out / "points.csv")
    interrupted = False if kept else not _walked(walk)
    return _tell(walk, out, model, interrupted, as_json)


def _walked(walk: Walk) -> bool:
    """Run what waits; whether it came to its end."""
    from nashc.diagnostics import SpecError

    try:
        walk.run()
    except KeyboardInterrupt:
        return False
    except SpecError as error:
        if all(diagnostic.code != "NASH506" for diagnostic in error.diagnostics):
            raise
        return False
    return True


def _tell(walk: Walk, out: Path, model: str, interrupted: bool, as_json: bool) -> int:
    from nashc.diagnostics import Diagnostic, SpecError
    from nashc.diagnostics.model import counted
    from nashc.pareto.files import write_files
    from nashc.pareto.table import lines, points_json

    rows = walk.rows()
    trouble: tuple[Diagnostic, ...] = ()
    try:
        written, remarks = write_files(rows, model, out)
        remarks.append("wrote " + ", ".join(map(str, written)))
    except SpecError as error:
        remarks, trouble = [], error.diagnostics
    failed = any(row.problems for row in rows)
    if as_json:
        click.echo(
            json.dumps(
                {"ok": not (failed or interrupted or trouble), **points_json(rows, model)}, indent=2
            )
        )
    else:
        for line in [*lines(rows), "", *remarks]:
            click.echo(line)
    code = common.incomplete(trouble)
    if interrupted:
        done = sum(row.state == "finished" for row in rows)
        text = f"interrupted: {done} of {counted(len(rows), 'point')} finished"
        help_text = "the same nashc pareto goes on from there"
        return common.report([Diagnostic("NASH506", text, help=help_text)])
    return common.INCOMPLETE if failed else code


def _sweeps(given: tuple[str, ...], settings: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    """The values of `--sweep`."""
    found: dict[str, tuple[str, ...]] = {}
    fixed = common.overrides(settings)
    for sweep in given:
        name, _, text = (part.strip() for part in sweep.partition("="))
        values = tuple(dict.fromkeys(value.strip() for value in text.split(",")))
        if not name or not all(values):
            raise click.BadParameter(
                f"'{sweep}' is not NAME=V1,V2, for example --sweep bits=w2a2,w4a4"
            )
        if name in found:
            every = ",".join(dict.fromkeys((*found[name], *values)))
            raise click.BadParameter(f"'{name}' is swept twice: --sweep {name}={every} has all")
        if name in fixed:
            raise click.BadParameter(f"'{name}' is given twice: by --sweep and by --set")
        found[name] = values
    return found
