"""Train the quantised network (NASH, Algorithm 2) and test it.

Writes weights.safetensors, metrics.json, log.jsonl (a line for each epoch) and, with matplotlib, curve.png and curve.svg.
A checkpoint is saved at intervals and on Ctrl-C; --resume goes on from it and ends with the same weights, to the bit on a
CPU, as a run that was not interrupted.
"""

from __future__ import annotations

if __name__ == "__main__":
    from support.beginning import end_at_once

    end_at_once()

    from support.heap import large_blocks_apart, without_caches

    without_caches()
    large_blocks_apart()

    from support.deferred_imports import import_brevitas

    import_brevitas()

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from model import NAME, Network
from torch import Tensor, nn

from support.data.batches import steps_per_epoch, training_batches
from support.data.datasets import data_root, data_settings, open_dataset
from support.files import read_settings, sha256, write_json, write_text
from support.heap import large_blocks_inside
from support.progress import Progress
from support.stage import main
from support.training import checkpoint
from support.training.arguments import add_loop_arguments
from support.training.average import Average
from support.training.belonging import Option, with_options
from support.training.classification import (
    Score,
    checked,
    evaluate,
    finite,
    prepare,
    to_device,
    told,
)
from support.training.curves import draw_curves
from support.training.distributed import computed_on, joined, parallel, rank, share
from support.training.loop import Loop
from support.training.mixed_precision import bfloat16_products
from support.training.optimisation import (
    check_warmup,
    learning_rate,
    load_optimiser,
    optimiser,
    set_learning_rate,
)
from support.training.precision import distilled, set_quantised, start_from, teacher_of
from support.training.tensorboard import TensorBoard

HERE = Path(__file__).resolve().parent
OPTIONS = (
    Option("--lr", "optimiser.lr", "the learning rate at its highest"),
    Option("--clip", "clip", "the largest norm of all gradients of a step"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    settings = read_settings(HERE, "train")
    add_loop_arguments(parser, settings, HERE / "results" / "train", OPTIONS)
    parser.add_argument(
        "--start",
        metavar="FILE",
        default=settings.get("start"),
        help="weights.safetensors of a network with the same layers, whatever its bit widths (default: %(default)s)",
    )
    parser.add_argument(
        "--tensorboard",
        type=Path,
        metavar="DIR",
        help="write the figures of each epoch for TensorBoard",
    )


@main("train", arguments=add_arguments)
def run(args: argparse.Namespace, progress: Progress) -> dict[str, Any]:
    settings = read_settings(HERE, "train")
    settings |= {"epochs": args.epochs, "batch": args.batch, "seed": args.seed, "amp": args.amp}
    if args.start:
        # Relative to where data sets are. The digest makes it part of what a checkpoint belongs to.
        args.start = data_root() / Path(args.start).expanduser()
        way = "--start weights.safetensors of a training; relative paths begin at $NASHC_DATA, or where you are"
        settings["start"] = checkpoint.file_digest(args.start, way)
    settings = with_options(settings, args, OPTIONS)
    check_warmup(settings.get("schedule"), args.epochs, settings.get("float_epochs") or 0)
    data = data_settings(HERE, settings, args.data)
    progress.log(f"reading {data['kind']}" + (f" from {data['path']}" if data.get("path") else ""))
    with joined(args.device) as device:
        return _train(Training(args, settings, data, device), progress)


def _train(training: Training, progress: Progress) -> dict[str, Any]:
    progress.log(
        f"training {NAME} on {training.device}: {len(training.images.labels)} images, "
        f"{training.length()}, {training.parameters} parameters"
        + (f"; the first {training.float_epochs} epochs in float" if training.float_epochs else "")
    )
    training.run(progress)
    return training.finish(progress) if rank() == 0 else {}


class Training(Loop):
    """Float epochs first where there are any, then quantised ones; each is tested."""

    options = OPTIONS

    def __init__(
        self,
        args: argparse.Namespace,
        settings: dict[str, Any],
        data: dict[str, Any],
        device: torch.device,
    ) -> None:
        train, test = (open_dataset(data, split) for split in ("train", "test"))
        super().__init__(args, settings, data, device, HERE / "model.py", train=train, test=test)
        self.float_epochs: int = settings.get("float_epochs") or 0
        self.epochs += self.float_epochs
        self.images, self.test_images = train, test
        self.steps_per_epoch = steps_per_epoch(self.images, self.batch)
        torch.manual_seed(settings["seed"])
        self.network = prepare(Network(), device)
        if args.start:
            start_from(args.start, self.network)
        self.parallel = parallel(self.network, device)
        self.weights = list(self.network.parameters())  # once: it is a walk through all modules
        self.parameters = sum(weight.numel() for weight in self.weights)
        self.optimiser = optimiser(self.weights, settings["optimiser"])
        self.average: Average | None = None  # both from the first quantised step on
        self.teacher: nn.Module | None = None
        self.tensorboard = (
            TensorBoard(args.tensorboard) if args.tensorboard and rank() == 0 else None
        )
        self.score = Score()
        self.tested: Score | None = None
        self.curve: list[dict[str, float]] = []

    def batches(self) -> Iterator[tuple[Tensor, Tensor]]:
        self._enter_stage()
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
        with bfloat16_products(self.device, self.settings["amp"]):
            logits = self.parallel(images)
        logits = logits.to(torch.get_default_dtype())
        loss = self._loss(images, logits, labels)
        loss.backward()
        found, clip = told(logits, labels, loss), self.settings.get("clip")
        numbers = checked(found, self.weights, clip, self.where(), rate)
        self.score.add(len(labels), *numbers)
        self.optimiser.step()
        self.optimiser.zero_grad()  # at once, before the next activations take memory
        if self.average is not None:
            self.average.update()
        large_blocks_inside()

    def _loss(self, images: Tensor, logits: Tensor, labels: Tensor) -> Tensor:
        smoothing = self.settings.get("label_smoothing") or 0.0
        loss = F.cross_entropy(logits, labels, label_smoothing=smoothing)
        if self._is_float():
            # Ranges of activations rest; several processes exchange the gradients of all parameters, these zeros too.
            return loss + 0.0 * sum(it.sum() for it in self.weights if it.dim() == 0)
        if self.teacher is None:
            return loss
        with torch.no_grad():
            taught = self.teacher(images)
        distil = self.settings["distil"]
        return distilled(loss, logits, taught, distil["weight"], distil["temperature"])

    def _is_float(self) -> bool:
        return self.epoch < self.float_epochs

    def _enter_stage(self) -> None:
        """Quantisers off during the float epochs; what the quantised ones need at their first step."""
        set_quantised(self.network, not self._is_float())
        if self.step or self.epoch != self.float_epochs:
            return
        if self.settings.get("ema"):
            self.average = Average(self.network, self.settings["ema"])
        if self.settings.get("distil"):
            self.teacher = teacher_of(self.network)

    def close_epoch(self, progress: Progress) -> None:
        tested, score = self._test(progress), self.score.of_all()
        entry = {
            "epoch": self.epoch + 1,
            "lr": self._rate(self.step - 1),  # of the last step
            "is_float": self._is_float(),
            "loss": score.loss,
            "top1": score.top1,
            "test_loss": tested.loss,
            "test_top1": tested.top1,
            "test_top5": tested.top5,
        }
        self.curve.append(entry)
        if rank() == 0:
            lines = [json.dumps(line, sort_keys=True) + "\n" for line in self.curve]
            write_text(self.out / "log.jsonl", "".join(lines))
        if self.tensorboard:
            self.tensorboard.write(entry)
        progress.log(
            f"epoch {entry['epoch']:3}  loss {entry['loss']:.4f}  train {entry['top1']:7.2%}"
            f"  test {tested.top1:7.2%} (top-5 {tested.top5:.2%})"
            + ("  in float" if self._is_float() else "")
        )
        self.score, self.tested = Score(), tested

    def _test(self, progress: Progress) -> Score:
        """Errors: Diverged; weights may be beyond use before one of them is no number."""
        tested = evaluate(
            self._result(), self.test_images, self.batch, self.device, lambda: self.pause(progress)
        )
        rate = self._rate(self.step - 1)
        finite(tested.loss, f"the end of epoch {self.epoch + 1}", rate, "test loss")
        return tested

    def _result(self) -> nn.Module:
        """What is tested and exported."""
        return self.network if self.average is None else self.average.network

    def metrics(self) -> dict[str, float]:
        score = self.score
        return {"loss": score.loss, "top1": score.top1, "top5": score.top5, "lr": self._rate()}

    def _rate(self, step: int | None = None) -> float:
        """The schedule runs once over the float epochs and once over the quantised ones."""
        step = self.step if step is None else step
        epoch, epochs = self.epoch + step / self.steps_per_epoch, self.float_epochs
        if not self._is_float():
            epoch, epochs = epoch - self.float_epochs, self.epochs - self.float_epochs
        return learning_rate(
            self.settings["optimiser"]["lr"], self.settings.get("schedule"), epoch, epochs
        )

    def state(self) -> dict[str, Any]:
        return {
            "network": dict(self.network.state_dict()),
            "optimiser": self.optimiser.state_dict(),
            "average": self.average.state() if self.average else None,
            "teacher": dict(self.teacher.state_dict()) if self.teacher else None,
            "score": asdict(self.score.of_all()),
            "tested": asdict(self.tested) if self.tested else None,
            "curve": self.curve,
        }

    def load(self, path: Path, state: dict[str, Any]) -> None:
        checkpoint.load_state(path, self.network, state["network"])
        load_optimiser(self.optimiser, state["optimiser"])
        if state["average"]:
            self.average = Average(self.network, self.settings["ema"])
            self.average.load(path, state["average"])
        if state["teacher"]:
            self.teacher = teacher_of(self.network)
            checkpoint.load_state(path, self.teacher, state["teacher"])
        self.score = Score.resumed(state["score"])
        self.tested = Score(**state["tested"]) if state["tested"] else None
        self.curve = state["curve"]

    def finish(self, progress: Progress) -> dict[str, Any]:
        score = self.tested or self._test(progress)
        digest = checkpoint.code_digest(HERE / "model.py")
        weights = self.out / "weights.safetensors"
        about = {"name": NAME, "top1": score.top1, "epochs": self.epoch}
        checkpoint.save_weights(weights, self._result(), digest, about)
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
            "changes": self.changes,
            "computed_on": computed_on(self.device),
            "curve": self.curve,
            "weights": weights.name,
            "weights_sha256": sha256(weights),
            "model_digest": digest,
        }
        write_json(self.out / "metrics.json", metrics)
        draw_curves(self.curve, self.out, progress)
        summary = f"{score.top1:.2%} of {score.images} test images right (top-5 {score.top5:.2%})"
        return metrics | {"out": str(self.out), "summary": f"{summary}, weights in {weights}"}


if __name__ == "__main__":
    sys.exit(run())
