"""The options that name a project and a part of its stages, and the request they make."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

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
range_options = common.options(
    click.option(
        "--from", "first", type=STAGE, help="Begin here; earlier results are taken as kept."
    ),
    click.option("--to", "last", type=STAGE, help="End with this stage."),
    click.option(
        "--force", type=STAGE, multiple=True, help="Run this stage though its result is kept."
    ),
)


def request_of(
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
    """first, last: stages to begin and end with. force: stages to run though their results are kept."""
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
