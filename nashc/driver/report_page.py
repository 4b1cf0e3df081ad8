"""The report of a finished estimate: kept results become figures, and a page beside the programs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from nashc.diagnostics import Diagnostic, SpecError
from nashc.driver.desk import Desk, desk_of, rows
from nashc.driver.report import figures_in
from nashc.driver.request import Request
from nashc.report import Figures
from nashc.report.page import page
from nashc.stages import BY_NAME
from nashc.text import pasted
from nashc.writing import write_file


@dataclass(frozen=True)
class Report:
    """is_current: of the spec as it is now; else of the last estimate that was made."""

    desk: Desk
    figures: Figures
    is_current: bool


def report_on(request: Request) -> Report:
    """The figures of the spec's estimate. Errors: SpecError, NASH507 if none was made yet, NASH508 if it was changed."""
    desk = desk_of(request)
    for _row in rows(desk):
        pass  # the desk takes in what is kept
    current = desk.results.get("estimate")
    result = current or desk.store.latest(BY_NAME["estimate"], desk.label)
    if result:
        result.check()
    figures = figures_in(result) if result else None
    if figures is None:
        text = f"there is no estimate of {desk.project.name} yet"
        help_text = f"nashc run {pasted(request.spec)} --to estimate"
        raise SpecError([Diagnostic("NASH507", text, help=help_text)])
    return Report(desk, figures, current is not None)


def write_page(desk: Desk, figures: Figures, path: Path, *, is_current: bool = True) -> None:
    """The HTML page of the figures; of an estimate that is not current without the network, which was another one.

    Errors: NASH401.
    """
    spec = desk.project.base
    params = ", ".join(f"{key} = {value}" for key, value in spec.params.items())
    subtitle = f"{spec.path.name}, {params}" if params else spec.path.name
    if not is_current:
        subtitle = f"{spec.path.name}, which has changed since this estimate was made"
    subtitle += f"; estimated by {figures.tool}"
    graph = desk.project.graph if is_current else None
    write_file(path, page(figures, graph, desk.project.name, subtitle))
