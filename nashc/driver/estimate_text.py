"""An estimate on the terminal: totals, share of the board, the slowest layers."""

from __future__ import annotations

from nashc.cost.models import SUM
from nashc.cost.models.nashc import LATENCY_MEANS as OWN
from nashc.diagnostics.model import counted
from nashc.driver.estimate import Answer
from nashc.report.figures import RESOURCES
from nashc.report.table import aligned

MOST_LAYERS = 12

_LATENCY = {
    SUM: "all nodes on the longest path one after the other, as FINN reckons",
    OWN: "of one frame through the empty pipeline, all nodes at work at once",
}


def estimate_lines(answer: Answer) -> list[str]:
    """For people: totals, share of the board, the slowest layers."""
    found, board = answer.found, answer.target.board
    shares = found.shares(board)
    tool, clock = found.model, f"{1000 / answer.target.clock:g} MHz"
    table = [["", "fps", "latency ms", "cycles", *(label for _, label in RESOURCES)]]
    table += [_row(each) for each in (answer, *answer.compare)]
    if shares:
        table.append(["of the board", "", "", "", *map(_percent, shares.values())])
    lines = [
        f"{answer.spec.name} on {board.name} at {clock}, as {tool} estimates it;",
        answer.types,
        "",
        *aligned(table),
        "",
        f"slowest     {found.slowest.node.name}",
    ]
    if shares is None:
        lines.append(f"fits        not known: there are no resource counts of {board.name}")
    elif answer.fits is None:
        lines.append("fits        as far as it is counted")
    else:
        lines.append(f"fits        {'yes' if answer.fits else f'no, {board.name} is too small'}")
    if answer.target.fps is not None and found.fps < answer.target.fps:
        text = f"{answer.target.fps:,} frames a second are asked for"
        lines.append(f"target      {text}: {found.slowest.node.name} gives no more, so folded")
    for name, kinds in found.not_counted.items():
        lines.append(f"at least    without the {name.upper()} of {', '.join(kinds)}: not known")
    if answer.left_out:
        named = ", ".join(f"finn.{name}" for name in answer.left_out)
        lines.append(f"left out    {named}: {tool} has no regard to it")
    lines.append(f"latency     {_LATENCY[found.latency_means]}")
    return [*lines, "", *_layer_table(answer)]


def _row(answer: Answer) -> list[str]:
    found = answer.found
    name = ", ".join(f"{key}={value}" for key, value in answer.spec.params.items())
    figures = [
        f"{found.fps:,.2f}",
        f"{found.latency_ms:,.3f}",
        f"{found.cycles:,}",
    ]
    return [
        name or answer.spec.name,
        *figures,
        *(f"{found.total(k):,}" for k, _ in RESOURCES),
    ]


def _layer_table(answer: Answer) -> list[str]:
    slowest = sorted(answer.layers, key=lambda layer: -layer.cycles)
    table = [["layer", "cycles", *(label for _, label in RESOURCES), "weights", "MACs"]]
    for layer in slowest[:MOST_LAYERS]:
        counts = (getattr(layer, key) for key, _ in RESOURCES)
        numbers = (layer.cycles, *counts, layer.weights, layer.macs)
        table.append([layer.name, *("?" if n is None else f"{n:,}" for n in numbers)])
    rest = len(slowest) - MOST_LAYERS
    more = [f"... and {counted(rest, 'more layer')}, all with --json"] if rest > 0 else []
    return [*aligned(table), *more]


def _percent(share: float) -> str:
    return "none there" if share == float("inf") else f"{100 * share:.1f} %"
