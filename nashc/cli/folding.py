"""Commands that choose a folding: fold."""

from __future__ import annotations

import json
from pathlib import Path

import click

from nashc.cli import common
from nashc.cli.watch import watched


@click.command(
    epilog="""\b
Examples: nashc fold resnet18_v3.nash --board U50
          nashc fold resnet18_v3.nash --goal min-resources --fps 300 --budget lut=200k,bram18=80%"""
)
@common.optional_spec
@common.settings
@click.option(
    "--goal",
    metavar="GOAL",
    help="max-fps, min-resources (at --fps or the spec's fps) or min-latency.",
)
@click.option("--fps", type=float, help="Frames a second that the folding must reach.")
@click.option(
    "--budget", metavar="LIST", help="Most of lut, bram18, uram, dsp: lut=200k,bram18=80%."
)
@click.option("--board", metavar="NAME", help="Another board than the spec's.")
@click.option("--weights", type=common.PATH, help="The trained network, as for nashc estimate.")
@click.option(
    "--converters",
    is_flag=True,
    help="Count width converters too, which FINN puts in after its estimates; best to 0.1 % for most.",
)
@click.option(
    "--gap",
    type=float,
    metavar="PERCENT",
    help="Go on until this near the best, proven; 0 is exact. Ctrl-C takes what there is.",
)
@click.option("-o", "--out", type=common.PATH, help="Write FINN's folding file.")
@common.as_json
@common.reports_mistakes
def fold(
    spec: Path | None,
    settings: tuple[str, ...],
    goal: str | None,
    fps: float | None,
    budget: str | None,
    board: str | None,
    weights: Path | None,
    converters: bool,
    gap: float | None,
    out: Path | None,
    as_json: bool,
) -> int:
    """The best folding for a goal and a budget, proven, in a second.

    Without --goal: the least resources at --fps, else at the spec's fps, else the most frames a second on the board.
    How near the best it is, is told; --gap goes on until that is near enough, or Ctrl-C ends it, with exit code 0.
    build.py takes the file: --folding folding.json, and so does `folding = "folding.json"` in the target of a spec.
    """
    _check_tools("numpy", "scipy", "highspy")
    from nashc.driver.folding import fold_spec, folding_text
    from nashc.fold import tell
    from nashc.writing import write_file

    spec = common.only_spec(spec)
    common.check_output(out, spec, weights)
    wanted = common.board_named(board) if board is not None else None
    with watched() as go_on:
        found = fold_spec(
            spec,
            common.overrides(settings),
            goal,
            fps,
            budget,
            wanted,
            weights,
            with_converters=converters,
            gap=gap,
            go_on=go_on,
        )
    trouble = common.trouble_of(lambda: write_file(out, folding_text(found))) if out else ()
    if as_json:
        click.echo(json.dumps({"ok": not trouble, **tell.as_json(found)}, indent=2))
    else:
        click.echo("\n".join(tell.lines(found)))
        if out is not None and not trouble:
            click.echo(f"\nwrote {out}")
    return common.incomplete(trouble)


def _check_tools(*names: str) -> None:
    from importlib.util import find_spec

    from nashc.diagnostics import Diagnostic, SpecError

    missing = [name for name in names if find_spec(name) is None]
    if missing:
        verb = "is" if len(missing) == 1 else "are"
        text = f"{' and '.join(missing)} {verb} missing, which the folding solver calculates with"
        raise SpecError([Diagnostic("NASH503", text, help="pip install 'nashc[fold]'")])
