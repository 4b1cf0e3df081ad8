"""Commands on the hardware figures of a spec: estimate."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from nashc.cli import common

if TYPE_CHECKING:
    from nashc.driver.estimate import Answer

# The names in nashc.cost.models.MODELS, which loads numpy: a test holds the two together.
MODEL_NAMES = ("finn-plus-1.6", "finn-0.9", "nashc")

model_option = click.option(
    "--model",
    type=click.Choice(MODEL_NAMES),
    default=MODEL_NAMES[0],
    show_default=True,
    help="Whose estimates: of the FINN+ that builds, of the paper's FINN, or with known holes mended.",
)


@click.command(
    epilog="""\b
Examples: nashc estimate mynet.nash
          nashc estimate mynet.nash --set bits=w4a4 --json
          nashc estimate mynet.nash --html mynet.html"""
)
@common.optional_spec
@common.settings
@model_option
@click.option(
    "--folding", type=common.PATH, help="FINN's folding file, over FINN's folding for the target."
)
@click.option(
    "--weights",
    type=common.PATH,
    help="The trained network: types as narrow as its values. Its project or export folder, ranges.json or exported weights.",
)
@click.option(
    "--html",
    type=common.PATH,
    help="Write a page too, with the network drawn in the colours of its cost.",
)
@common.as_json
@common.reports_mistakes
def estimate(
    spec: Path | None,
    settings: tuple[str, ...],
    model: str,
    folding: Path | None,
    weights: Path | None,
    html: Path | None,
    as_json: bool,
) -> int:
    """Throughput, LUT, BRAM and DSP of a spec.

    At once, before anything is trained, and the figures that FINN would give.
    """
    from nashc.driver.estimate import Question, answer
    from nashc.driver.estimate_text import estimate_lines

    spec = common.only_spec(spec)
    common.check_output(html, spec, weights, folding)
    found = answer(Question(spec, common.overrides(settings), model, weights, folding))
    trouble = common.trouble_of(lambda: _write_page(html, found)) if html else ()
    click.echo(
        json.dumps(found.to_json(), indent=2) if as_json else "\n".join(estimate_lines(found))
    )
    if html is not None and not as_json and not trouble:
        click.echo(f"\nThe page is {html}")
    return common.incomplete(trouble)


def _write_page(place: Path, found: Answer) -> None:
    # Drawing takes longer to load than a small estimate to make.
    from nashc.driver.estimate_page import estimate_page
    from nashc.writing import write_file

    write_file(place, estimate_page(found))
