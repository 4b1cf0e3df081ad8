"""Train the quantised network (NASH, Algorithm 2) and test it.

Writes weights.safetensors, metrics.json and, with matplotlib, curve.png. Ctrl-C saves a checkpoint; --resume goes on from
it and ends with the same weights, to the bit on a CPU, as a run that was not interrupted.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from model import NAME, Network
from torch import Tensor

from support import checkpoint
from support.classification import (
    Score,
    evaluate,
    finite,
    memory_errors_explained,
    prepare,
    stop_if_asked,
    to_device,
)
from support.data import Dataset, data_settings, open_dataset, steps_per_epoch, training_batches
from support.files import atomic_path, digest_of, read_json, sha256, write_json
from support.optimisation import (
    device_called,
    learning_rate,
    load_optimiser,
    optimiser,
    set_learning_rate,
)
from support.progress import Progress, main

HERE = Path(__file__).resolve().parent
CHECKPOINT = "checkpoint.safetensors"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    settings = read_json(HERE / "settings" / "train.json")
    rate = settings["optimiser"]["lr"]
    parser.add_argument("--out", type=Path, default=HERE / "results" / "train", metavar="DIR")
    parser.add_argument(
        "--data", metavar="PATH", help="where the data set lies (default: the spec's)"
    )
    parser.add_argument(
        "--epochs",
        type=int,
        default=settings["epochs"],
        help=f"(default: {settings['epochs']})",
    )
    parser.add_argument(
        "--batch", type=int, default=settings["batch"], help=f"(default: {settings['batch']})"
    )
    parser.add_argument("--lr", type=float, default=rate, help=f"(default: {rate:g})")
    parser.add_argument(
        "--seed", type=int, default=settings["seed"], help=f"(default: {settings['seed']})"
    )
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda (default: auto)")
    parser.add_argument("--resume", action="store_true", help="go on from the checkpoint in --out")


@main("train", arguments=add_arguments)
def run(args: argparse.Namespace, progress: Progress) -> dict[str, Any]:
    settings = read_json(HERE / "settings" / "train.json")
    settings |= {"epochs": args.epochs, "batch": args.batch, "seed": args.seed}
    settings["optimiser"] = settings["optimiser"] | {"lr": args.lr}
    data = data_settings(HERE, settings, args.data)
    progress.log(f"reading {data['kind']}" + (f" from {data['path']}" if data.get("path") else ""))
    training = Training(settings, data, device_called(args.device), args.out)
    progress.log(
        f"training {NAME} on {training.device}: {len(training.images.labels)} images, "
        f"{settings['epochs']} epochs of {training.steps} steps, {training.parameters} parameters"
    )
    if args.resume:
        training.resume(progress)
    with progress.holding_signals(), memory_errors_explained(settings["batch"]):
        score = training.run(progress)
    return training.finish(score, progress)


class Training:
    """Everything between two steps, so that it can be saved there."""

    def __init__(
        self, settings: dict[str, Any], data: dict[str, Any], device: torch.device, out: Path
    ) -> None:
        self.settings, self.data, self.device, self.out = settings, data, device, out
        self.images: Dataset = open_dataset(data, "train")
        self.test_images: Dataset = open_dataset(data, "test")
        self.steps = steps_per_epoch(self.images, settings["batch"])
        torch.manual_seed(settings["seed"])
        self.network = prepare(Network(), device)
        self.parameters = sum(parameter.numel() for parameter in self.network.parameters())
        self.optimiser = optimiser(self.network.parameters(), settings["optimiser"])
        self.epoch, self.step = 0, 0
        self.score = Score()
        self.curve: list[dict[str, float]] = []

    def run(self, progress: Progress) -> Score:
        """All epochs that are left; the test score after the last."""
        tested = None
        while self.epoch < self.settings["epochs"]:
            self._train_epoch(progress)
            tested = self._test(progress)
            self._close_epoch(tested, progress)
            every = self.settings.get("checkpoint_every") or 1
            if self.epoch % every == 0 or self.epoch == self.settings["epochs"]:
                self.save()
            stop_if_asked(progress, self.save, "train.py")
        return tested if tested is not None else self._test(progress)

    def _train_epoch(self, progress: Progress) -> None:
        self.network.train()
        batches = training_batches(
            self.images,
            self.settings["batch"],
            seed=self.settings["seed"],
            epoch=self.epoch,
            start=self.step,
        )
        for batch in batches:
            self._train_step(*to_device(batch, self.device))
            self.step += 1
            self._report(progress)
            stop_if_asked(progress, self.save, "train.py")

    def _train_step(self, images: Tensor, labels: Tensor) -> None:
        rate = self._rate()
        set_learning_rate(self.optimiser, rate)
        logits = self.network(images)
        loss = F.cross_entropy(
            logits, labels, label_smoothing=self.settings.get("label_smoothing") or 0.0
        )
        value = finite(loss, f"epoch {self.epoch + 1}, step {self.step + 1}", rate)
        self.optimiser.zero_grad()
        loss.backward()
        if self.settings.get("clip"):
            torch.nn.utils.clip_grad_norm_(self.network.parameters(), self.settings["clip"])
        self.optimiser.step()
        self.score.add(logits, labels, value)

    def _test(self, progress: Progress) -> Score:
        return evaluate(
            self.network,
            self.test_images,
            self.settings["batch"],
            self.device,
            lambda: stop_if_asked(progress, self.save, "train.py"),
        )

    def _close_epoch(self, tested: Score, progress: Progress) -> None:
        entry = {
            "epoch": self.epoch + 1,
            "lr": self._rate(),
            "loss": self.score.loss,
            "top1": self.score.top1,
            "test_loss": tested.loss,
            "test_top1": tested.top1,
            "test_top5": tested.top5,
        }
        self.curve.append(entry)
        progress.log(
            f"epoch {entry['epoch']:3}  loss {entry['loss']:.4f}  train {entry['top1']:7.2%}"
            f"  test {tested.top1:7.2%} (top-5 {tested.top5:.2%})"
        )
        self.epoch, self.step, self.score = self.epoch + 1, 0, Score()

    def _report(self, progress: Progress) -> None:
        progress.update(
            self.epoch + self.step / self.steps,
            self.settings["epochs"],
            unit="epochs",
            text=f"loss {self.score.loss:.4f}  top-1 {self.score.top1:.2%}",
            metrics={
                "loss": self.score.loss,
                "top1": self.score.top1,
                "top5": self.score.top5,
                "lr": self._rate(),
            },
        )

    def _rate(self) -> float:
        return learning_rate(
            self.settings["optimiser"]["lr"],
            self.settings.get("schedule"),
            self.epoch + self.step / self.steps,
            self.settings["epochs"],
        )

    def save(self) -> None:
        checkpoint.save_checkpoint(
            self.out / CHECKPOINT,
            self._digest(),
            {
                "network": dict(self.network.state_dict()),
                "optimiser": self.optimiser.state_dict(),
                "random": checkpoint.random_state(),
                "epoch": self.epoch,
                "step": self.step,
                "score": asdict(self.score),
                "curve": self.curve,
            },
        )

    def resume(self, progress: Progress) -> None:
        path = self.out / CHECKPOINT
        if not path.exists():
            progress.log(f"no checkpoint in {self.out}: starting at the first epoch")
            return
        state = checkpoint.load_checkpoint(path, self._digest())
        checkpoint.load_state(path, self.network, state["network"])
        load_optimiser(self.optimiser, state["optimiser"])
        checkpoint.set_random_state(state["random"])
        self.epoch, self.step = state["epoch"], state["step"]
        self.score = Score(**state["score"])
        self.curve = state["curve"]
        progress.log(f"going on at epoch {self.epoch + 1}, step {self.step + 1}")

    def _digest(self) -> str:
        data = {key: value for key, value in self.data.items() if key != "path"}
        return digest_of([checkpoint.code_digest(HERE / "model.py"), self.settings, data])

    def finish(self, score: Score, progress: Progress) -> dict[str, Any]:
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
