"""What a search notes of an epoch, for search.jsonl and the pictures, and says of it in a line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from support.search.alternatives import Alternatives
from support.search.space import Cells
from support.training.classification import Score


def entry_of(
    epoch: int,
    training: Score,
    validation: Score,
    lr: float,
    cells: Cells,
    places: Mapping[str, Alternatives],
    expected: dict[str, float] | None,
) -> dict[str, Any]:
    """lr: of the weights. expected: the cost to be expected of a network drawn now, if the search has one."""
    return {
        **({"expected_cost": expected} if expected else {}),
        "epoch": epoch,
        "loss": training.loss,
        "top1": training.top1,
        "validation_loss": validation.loss,
        "validation_top1": validation.top1,
        "lr": lr,
        "cells": {
            name: {f"{source}-{node}": _told(mixed) for (source, node), mixed in cell.items()}
            for name, cell in cells.items()
        },
        **({"places": {name: _told(it) for name, it in places.items()}} if places else {}),
    }


def epoch_words(entry: Mapping[str, Any], entropies: Sequence[float]) -> str:
    """entropies: in nats, of all that is chosen."""
    expected = entry.get("expected_cost")
    return (
        f"epoch {entry['epoch']:3}  loss {entry['loss']:.4f}"
        f"  train {entry['top1']:7.2%}  validation {entry['validation_top1']:7.2%}"
        f"  mean entropy {sum(entropies) / len(entropies):.4f} nats"
        + (
            f"  expected {expected['lut']:,.0f} LUT, {expected['cycles']:,.0f} cycles"
            if expected
            else ""
        )
    )


def _told(mixed: Alternatives) -> dict[str, Any]:
    return {
        "alpha": mixed.alpha.tolist(),
        "entropy_nats": mixed.entropy_nats(),
        "sampled": list(mixed.sampled_counts),
    }
