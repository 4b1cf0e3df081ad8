"""What stands upwards in the picture, and where it comes from: said as plainly as it is meant."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from nashc.diagnostics import Diagnostic, SpecError
from nashc.driver.store import Result
from nashc.pareto.sweep import Point


@dataclass(frozen=True)
class Measure:
    """stage: whose result has the accuracy, None for a figure of the estimate. is_percent: kept as a share of 1."""

    name: str
    words: str
    stage: str | None = None
    figure: str = "accuracy"
    is_percent: bool = False
    more_is_better: bool = True

    def text(self, value: float) -> str:
        return f"{100 * value:.2f} %" if self.is_percent else f"{value:,.6g}"


TRAIN = Measure(
    "train", "top-1 accuracy on the test images after training, %", "train", is_percent=True
)
SUPERNET = Measure(
    "supernet",
    "top-1 accuracy of the searched supernet on validation images, % (a proxy, nothing is trained)",
    "search",
    is_percent=True,
)
FPS = Measure("fps", "frames a second (no accuracy: nothing is trained)", figure="fps")
LATENCY = Measure(
    "latency",
    "latency, ms (no accuracy: nothing is trained)",
    figure="latency_ms",
    more_is_better=False,
)
MEASURES = {measure.name: measure for measure in (TRAIN, SUPERNET, FPS, LATENCY)}


def accuracy(measure: Measure, results: Mapping[str, Result]) -> float:
    """Of a point whose stages are done, as a share of 1."""
    assert measure.stage
    result = results[measure.stage]
    if measure is SUPERNET:
        # Of networks sampled in the last epoch; with several seeds, of the search that was kept.
        return float(result.summary["provenance"]["findings"]["validation_top1"])
    return float(result.summary["top1"])


def check(measure: Measure, point: Point) -> None:
    """NASH471 where the point cannot have what is measured."""
    if measure is SUPERNET and not point.is_searched:
        text = f"`{point.network}` has no accuracy of a supernet: it has nothing to search"
        help_text = "--accuracy train trains it, --accuracy none draws frames a second instead"
        raise SpecError([Diagnostic("NASH471", text, help=help_text)])
