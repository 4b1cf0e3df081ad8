"""The curves of a training, as a picture."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from support.files import atomic_path
from support.progress import Progress

NEAR = 0.01  # of the height: lines that are nowhere further apart hide one another
DASH = 6.0  # times the width of a line


def draw_curves(curve: list[dict[str, Any]], folder: Path, progress: Progress) -> None:
    """curve.png and curve.svg: loss, top-1 accuracy and learning rate by epoch; float epochs end at a dashed line."""
    try:
        import matplotlib  # a picture is a courtesy: training does not need it
    except ImportError:
        progress.log("no curve.png and curve.svg: matplotlib is not installed")
        return
    matplotlib.use("Agg")
    matplotlib.rcParams["svg.hashsalt"] = "nashc"  # the same names in every run
    from matplotlib import pyplot

    epochs = [entry["epoch"] for entry in curve]
    figure, (loss, accuracy, rate) = pyplot.subplots(1, 3, figsize=(12, 3.5), layout="constrained")
    marker = "o" if len(curve) == 1 else None
    for axes, key, scale in ((loss, "loss", 1), (accuracy, "top1", 100)):
        for prefix, label in (("", "training"), ("test_", "test")):
            values = [scale * entry[prefix + key] for entry in curve]
            axes.plot(epochs, values, label=label, marker=marker)
    rate.plot(epochs, [entry["lr"] for entry in curve], color="tab:green", marker=marker)
    loss.set(title="loss", xlabel="epoch")
    accuracy.set(title="top-1 accuracy, %", xlabel="epoch")
    rate.set(title="learning rate", xlabel="epoch")
    in_float = sum(entry["is_float"] for entry in curve)
    for axes in (loss, accuracy, rate):
        axes.grid(alpha=0.3)
        count_epochs(axes)
        if 0 < in_float < len(curve):
            axes.axvline(in_float + 0.5, color="grey", linestyle="--", label="quantised from here")
    for axes in (loss, accuracy):
        axes.legend()
    for ending, metadata in (("png", None), ("svg", {"Date": None})):
        with atomic_path(folder / f"curve.{ending}") as temporary:
            figure.savefig(temporary, dpi=120, metadata=metadata)
    pyplot.close(figure)


def count_epochs(axes: Any) -> None:
    """Whole numbers along an axis of epochs: there is no epoch 1.25."""
    from matplotlib.ticker import MaxNLocator

    axes.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=True, min_n_ticks=1))


def take_turns(axes: Any) -> None:
    """Of lines that lie on one another all are seen: each is dashed where the others have their gaps."""
    low, high = axes.get_ylim()
    groups: list[list[Any]] = []
    for line in axes.lines:
        group = next((it for it in groups if _farthest(it[0], line) <= NEAR * (high - low)), None)
        if group is None:
            groups.append([line])
        else:
            group.append(line)
    for group in groups:
        for turn, line in enumerate(group if len(group) > 1 else ()):
            line.set_linestyle((-DASH * turn, (DASH, DASH * (len(group) - 1))))


def _farthest(line: Any, other: Any) -> float:
    return max(abs(a - b) for a, b in zip(line.get_ydata(), other.get_ydata(), strict=True))
