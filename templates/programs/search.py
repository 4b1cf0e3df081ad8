"""Search the cells of the network (NASH, Algorithm 1) and derive one architecture.

Each step updates the architecture on a random validation batch with the weights frozen, then the weights on a training batch
with the architecture frozen; one op runs on each edge. Training and validation are halves of the training images.
Writes genotype.json, found.nash (to paste into the spec), search.jsonl and, with matplotlib, alphas.png. A checkpoint is
saved at intervals and on Ctrl-C; --resume goes on from it and finds what a search that was not interrupted finds.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from supernet import NAME, SuperNetwork

from support import checkpoint
from support.batch_norm import synchronise
from support.classification import Score, prepare, to_device
from support.data import (
    Batch,
    data_settings,
    halves,
    open_dataset,
    search_batches,
    steps_per_epoch,
)
from support.derive import Choice, Edge, derive, genotype_json, genotype_text
from support.distributed import joined, rank, share
from support.files import atomic_path, read_json, write_json, write_text
from support.loop import Loop, add_loop_arguments
from support.progress import Progress, main
from support.search_space import edges
from support.search_updates import Updates

HERE = Path(__file__).resolve().parent


def add_arguments(parser: argparse.ArgumentParser) -> None:
    settings = read_json(HERE / "settings" / "search.json")
    add_loop_arguments(parser, settings, HERE / "results" / "search")


@main("search", arguments=add_arguments)
def run(args: argparse.Namespace, progress: Progress) -> dict[str, Any]:
    settings = read_json(HERE / "settings" / "search.json")
    settings |= {"epochs": args.epochs, "batch": args.batch, "seed": args.seed}
    data = data_settings(HERE, settings, args.data)
    progress.log(f"reading {data['kind']}" + (f" from {data['path']}" if data.get("path") else ""))
    with joined(args.device) as device:
        return _search(Search(args, settings, data, device), progress)


def _search(search: Search, progress: Progress) -> dict[str, Any]:
    progress.log(
        f"searching {NAME} on {search.device}: {len(search.updates.mixed)} edges, "
        f"{search.epochs} epochs of {search.steps_per_epoch} steps"
    )
    search.run(progress)
    return search.finish(progress) if rank() == 0 else {}


class Search(Loop):
    program = "search.py"

    def __init__(
        self,
        args: argparse.Namespace,
        settings: dict[str, Any],
        data: dict[str, Any],
        device: torch.device,
    ) -> None:
        super().__init__(args, settings, data, device, HERE / "supernet.py")
        seed = settings["seed"]
        self.images, self.validation = halves(open_dataset(data, "train"), seed)
        self.steps_per_epoch = steps_per_epoch(self.images, self.batch)
        torch.manual_seed(seed)
        self.network = prepare(SuperNetwork(), device)
        synchronise(self.network)
        self.cells = self.network.cells()
        self.updates = Updates(self.network, settings)
        self.training_score, self.validation_score = Score(), Score()
        self.history: list[dict[str, Any]] = []

    def batches(self) -> Iterator[tuple[Batch, Batch]]:
        return search_batches(
            self.images,
            self.validation,
            self.batch,
            seed=self.settings["seed"],
            epoch=self.epoch,
            start=self.step,
            share=share(),
        )

    def take_step(self, batch: tuple[Batch, Batch]) -> None:
        training, validation = batch
        images, labels = to_device(validation, self.device)
        logits, loss = self.updates.update_architecture(images, labels, self.where())
        self.validation_score.add(logits, labels, loss)
        images, labels = to_device(training, self.device)
        logits, loss = self.updates.update_weights(images, labels, self._rate(), self.where())
        self.training_score.add(logits, labels, loss)

    def close_epoch(self, progress: Progress) -> None:
        training, validation = self.training_score.of_all(), self.validation_score.of_all()
        self.history.append(
            {
                "epoch": self.epoch + 1,
                "loss": training.loss,
                "top1": training.top1,
                "validation_loss": validation.loss,
                "validation_top1": validation.top1,
                "lr": self._rate(),
                "cells": {
                    name: {
                        f"{source}-{node}": {
                            "alpha": mixed.alpha.tolist(),
                            "entropy_nats": mixed.entropy_nats(),
                            "sampled": list(mixed.sampled_counts),
                        }
                        for (source, node), mixed in cell.items()
                    }
                    for name, cell in self.cells.items()
                },
            }
        )
        entropies = [mixed.entropy_nats() for mixed in self.updates.mixed]
        progress.log(
            f"epoch {self.epoch + 1:3}  loss {training.loss:.4f}"
            f"  train {training.top1:7.2%}  validation {validation.top1:7.2%}"
            f"  mean entropy {sum(entropies) / len(entropies):.4f} nats"
        )
        self.training_score, self.validation_score = Score(), Score()
        for mixed in self.updates.mixed:
            mixed.sampled_counts = [0] * len(mixed.ops)

    def metrics(self) -> dict[str, float]:
        return {
            "loss": self.training_score.loss,
            "top1": self.training_score.top1,
            "validation_loss": self.validation_score.loss,
            "validation_top1": self.validation_score.top1,
        }

    def _rate(self) -> float:
        weights = self.settings["weights"]
        return self.rate(weights["optimiser"]["lr"], weights.get("schedule"))

    def state(self) -> dict[str, Any]:
        return {
            "updates": self.updates.state(),
            "training_score": asdict(self.training_score.of_all()),
            "validation_score": asdict(self.validation_score.of_all()),
            "history": self.history,
        }

    def load(self, path: Path, state: dict[str, Any]) -> None:
        checkpoint.load_state(path, self.network, state["updates"]["network"])
        self.updates.load(state["updates"])
        self.training_score = Score.resumed(state["training_score"])
        self.validation_score = Score.resumed(state["validation_score"])
        self.history = state["history"]

    def finish(self, progress: Progress) -> dict[str, Any]:
        found_edges = edges(self.cells)
        found = derive(found_edges, self.settings["policy"])
        provenance = {
            "network": NAME,
            "policy": self.settings["policy"],
            "estimator": self.settings["estimator"],
            "data": self.data["kind"],
            "epochs": self.epoch,
            "batch": self.settings["batch"],
            "seed": self.settings["seed"],
            "supernet_digest": checkpoint.code_digest(HERE / "supernet.py"),
            "weights": {
                name: [asdict(edge) for edge in cell] for name, cell in found_edges.items()
            },
        }
        genotype = {"cells": genotype_json(found), "provenance": provenance}
        write_json(self.out / "genotype.json", genotype)
        estimator = " ".join(str(value) for value in self.settings["estimator"].values())
        comments = [
            f"Found by nashc for {NAME}: policy {provenance['policy']}, estimator {estimator},",
            f"{self.epoch} epochs on {provenance['data']}, batch {provenance['batch']}, seed {provenance['seed']}.",
        ]
        text = genotype_text(found, comments)
        write_text(self.out / "found.nash", text)
        lines = [json.dumps(entry, sort_keys=True) for entry in self.history]
        write_text(self.out / "search.jsonl", "".join(line + "\n" for line in lines))
        draw_alphas(self.history, found_edges, self.out / "alphas.png", progress)
        for line in text.splitlines():
            progress.log(line)
        return genotype | {
            "out": str(self.out),
            "summary": f"{_chosen(found)} ops chosen, the genotype is in {self.out / 'found.nash'}",
        }


def _chosen(cells: dict[str, list[Choice]]) -> int:
    return sum(len(choices) for choices in cells.values())


def draw_alphas(
    history: list[dict[str, Any]], cells: dict[str, list[Edge]], path: Path, progress: Progress
) -> None:
    """One small picture an edge: softmax(alpha) over the epochs."""
    try:
        import matplotlib  # a picture is a courtesy: the search does not need it
    except ImportError:
        progress.log("no alphas.png: matplotlib is not installed")
        return
    matplotlib.use("Agg")
    from matplotlib import pyplot

    columns = max(len(cell) for cell in cells.values())
    figure, grid = pyplot.subplots(
        len(cells),
        columns,
        figsize=(max(5.0, 2.4 * columns), 1.0 + 2.0 * len(cells)),
        sharex=True,
        squeeze=False,
        layout="constrained",
    )
    for axes in grid.flat:
        axes.set_visible(False)
    epochs = [entry["epoch"] for entry in history]
    lines: dict[str, Any] = {}
    for row, (name, cell) in zip(grid, cells.items(), strict=True):
        for axes, edge in zip(row, cell, strict=False):
            key = f"{edge.source}-{edge.node}"
            alphas = torch.tensor([entry["cells"][name][key]["alpha"] for entry in history])
            for op, weights in zip(edge.ops, torch.softmax(alphas, dim=1).T, strict=True):
                colour = f"C{list(lines).index(op) if op in lines else len(lines)}"
                [lines[op]] = axes.plot(epochs, weights.numpy(), color=colour)
            axes.set_title(f"{name}  {edge.source} to {edge.node}", fontsize=8)
            axes.tick_params(labelsize=7)
            axes.set_visible(True)
    figure.legend(
        list(lines.values()), list(lines), loc="outside lower center", ncols=3, fontsize=8
    )
    with atomic_path(path) as temporary:
        figure.savefig(temporary, dpi=120)
    pyplot.close(figure)


if __name__ == "__main__":
    sys.exit(run())
