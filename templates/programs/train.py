"""Train the quantised network (NASH, Algorithm 2) and test it.

Writes weights.safetensors, metrics.json and, with matplotlib, curve.png. A checkpoint is saved at intervals and on Ctrl-C;
--resume goes on from it and ends with the same weights, to the bit on a CPU, as a run that was not interrupted.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from model import NAME, Network
from torch import Tensor

from support import checkpoint
from support.classification import Score, evaluate, finite, prepare, to_device
from support.data import Dataset, data_settings, open_dataset, steps_per_epoch, training_batches
from support.distributed import joined, parallel, rank, share
from support.files import atomic_path, read_json, sha256, write_json
from support.loop import Loop, add_loop_arguments
from support.optimisation import load_optimiser, optimiser, set_learning_rate
from support.progress import Progress, main

HERE = Path(__file__).resolve().parent


def add_arguments(parser: argparse.ArgumentParser) -> None:
    settings = read_json(HERE / "settings" / "train.json")
    rate = settings["optimiser"]["lr"]
    add_loop_arguments(parser, settings, HERE / "results" / "train")
    parser.add_argument("--lr", type=float, default=rate, help=f"(default: {rate:g})")


@main("train", arguments=add_arguments)
def run(args: argparse.Namespace, progress: Progress) -> dict[str, Any]:
    settings = read_json(HERE / "settings" / "train.json")
    settings |= {"epochs": args.epochs, "batch": args.batch, "seed": args.seed}
    settings["optimiser"] = settings["optimiser"] | {"lr": args.lr}
    data = data_settings(HERE, settings, args.data)
    progress.log(f"reading {data['kind']}" + (f" from {data['path']}" if data.get("path") else ""))
    with joined(args.device) as device:
        return _train(Training(args, settings, data, device), progress)


def _train(training: Training, progress: Progress) -> dict[str, Any]:
    progress.log(
        f"training {NAME} on {training.device}: {len(training.images.labels)} images, "
        f"{training.epochs} epochs of {training.steps_per_epoch} steps, {training.parameters} parameters"
    )
    training.run(progress)
    return training.finish(progress) if rank() == 0 else {}


class Training(Loop):
    program = "train.py"

    def __init__(
        self,
        args: argparse.Namespace,
        settings: dict[str, Any],
        data: dict[str, Any],
        device: torch.device,
    ) -> None:
        super().__init__(args, settings, data, device, HERE / "model.py")
        self.images: Dataset = open_dataset(data, "train")
        self.test_images: Dataset = open_dataset(data, "test")
        self.steps_per_epoch = steps_per_epoch(self.images, self.batch)
        torch.manual_seed(settings["seed"])
        self.network = prepare(Network(), device)
        self.parallel = parallel(self.network, device)
        self.parameters = sum(parameter.numel() for parameter in self.network.parameters())
        self.optimiser = optimiser(self.network.parameters(), settings["optimiser"])
        self.score = Score()
        self.tested: Score | None = None
        self.curve: list[dict[str, float]] = []

    def batches(self) -> Iterator[tuple[Tensor, Tensor]]:
        return training_batches(
            self.images,
            self.batch,
            seed=self.settings["seed"],
            epoch=self.epoch,
            start=self.step,
            share=share(),
        )

    def take_step(self, batch: tuple[Tensor, Tensor]) -> None:
        images, labels = to_device(batch, self.device)
        rate = self._rate()
        set_learning_rate(self.optimiser, rate)
        logits = self.parallel(images)
        loss = F.cross_entropy(
            logits, labels, label_smoothing=self.settings.get("label_smoothing") or 0.0
        )
        value = finite(loss, self.where(), rate)
        self.optimiser.zero_grad()
        loss.backward()
        if self.settings.get("clip"):
            torch.nn.utils.clip_grad_norm_(self.network.parameters(), self.settings["clip"])
        self.optimiser.step()
        self.score.add(logits, labels, value)

    def close_epoch(self, progress: Progress) -> None:
        tested, score = self._test(progress), self.score.of_all()
        entry = {
            "epoch": self.epoch + 1,
            "lr": self._rate(),
            "loss": score.loss,
            "top1": score.top1,
            "test_loss": tested.loss,
            "test_top1": tested.top1,
            "test_top5": tested.top5,
        }
        self.curve.append(entry)
        progress.log(
            f"epoch {entry['epoch']:3}  loss {entry['loss']:.4f}  train {entry['top1']:7.2%}"
            f"  test {tested.top1:7.2%} (top-5 {tested.top5:.2%})"
        )
        self.score, self.tested = Score(), tested

    def _test(self, progress: Progress) -> Score:
        return evaluate(
            self.network, self.test_images, self.batch, self.device, lambda: self.pause(progress)
        )

    def metrics(self) -> dict[str, float]:
        score = self.score
        return {"loss": score.loss, "top1": score.top1, "top5": score.top5, "lr": self._rate()}

    def _rate(self) -> float:
        return self.rate(self.settings["optimiser"]["lr"], self.settings.get("schedule"))

    def state(self) -> dict[str, Any]:
        return {
            "network": dict(self.network.state_dict()),
            "optimiser": self.optimiser.state_dict(),
            "score": asdict(self.score.of_all()),
            "tested": asdict(self.tested) if self.tested else None,
            "curve": self.curve,
        }

    def load(self, path: Path, state: dict[str, Any]) -> None:
        checkpoint.load_state(path, self.network, state["network"])
        load_optimiser(self.optimiser, state["optimiser"])
        self.score = Score.resumed(state["score"])
        self.tested = Score(**state["tested"]) if state["tested"] else None
        self.curve = state["curve"]

    def finish(self, progress: Progress) -> dict[str, Any]:
        score = self.tested or self._test(progress)
        digest = checkpoint.code_digest(HERE / "model.py")
        weights = self.out / "weights.safetensors"
        about = {"name": NAME, "top1": score.top1, "epochs": self.epoch}
        checkpoint.save_weights(weights, self.network, digest, about)
        metrics = {
            "name": NAME,
            "top1": score.top1,
            "top5": score.top5,
            "loss": score.loss,
            "epochs": self.epoch,
            "parameters": self.parameters,
            "train_images": len(self.images.labels),
            "test_images": len(self.test_images.labels),
            "data": self.data["kind"],
            "settings": self.settings,
            "curve": self.curve,
            "weights": weights.name,
            "weights_sha256": sha256(weights),
            "model_digest": digest,
        }
        write_json(self.out / "metrics.json", metrics)
        draw_curve(self.curve, self.out / "curve.png", progress)
        summary = f"{score.top1:.2%} of {score.images} test images right (top-5 {score.top5:.2%})"
        return metrics | {"out": str(self.out), "summary": f"{summary}, weights in {weights}"}


def draw_curve(curve: list[dict[str, float]], path: Path, progress: Progress) -> None:
    try:
        import matplotlib  # a picture is a courtesy: training does not need it
    except ImportError:
        progress.log("no curve.png: matplotlib is not installed")
        return
    matplotlib.use("Agg")
    from matplotlib import pyplot

    epochs = [entry["epoch"] for entry in curve]
    figure, (loss, accuracy) = pyplot.subplots(1, 2, figsize=(9, 3.5), layout="constrained")
    loss.plot(epochs, [entry["loss"] for entry in curve], label="training")
    loss.plot(epochs, [entry["test_loss"] for entry in curve], label="test")
    loss.set(title="loss", xlabel="epoch")
    accuracy.plot(epochs, [100 * entry["top1"] for entry in curve], label="training")
    accuracy.plot(epochs, [100 * entry["test_top1"] for entry in curve], label="test")
    accuracy.set(title="top-1 accuracy, %", xlabel="epoch")
    for axes in (loss, accuracy):
        axes.grid(alpha=0.3)
        axes.legend()
    with atomic_path(path) as temporary:
        figure.savefig(temporary, dpi=120)
    pyplot.close(figure)


if __name__ == "__main__":
    sys.exit(run())
