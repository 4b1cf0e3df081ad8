"""Epochs of steps that can be interrupted: what training and searching have in common.

Between two steps the state of a loop is whole. There it is saved, every so many seconds or steps and when SIGINT or SIGTERM
came; from a saved state the loop goes on to the very bits that it would have had without the interruption (on a CPU).
"""

from __future__ import annotations

import argparse
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import nn

from support import checkpoint, distributed
from support.classification import memory_errors_explained
from support.files import digest_of, remove_leftovers
from support.optimisation import learning_rate
from support.progress import Progress, Stopped

CHECKPOINT = "checkpoint.safetensors"
SAVE_EVERY_S = 60.0


def add_loop_arguments(
    parser: argparse.ArgumentParser, settings: dict[str, Any], out: Path
) -> None:
    """settings: the defaults. out: where results go without --out."""
    parser.add_argument("--out", type=Path, default=out, metavar="DIR")
    parser.add_argument(
        "--data", metavar="PATH", help="where the data set lies (default: the spec's)"
    )
    for name in ("epochs", "batch", "seed"):
        default = settings[name]
        parser.add_argument(f"--{name}", type=int, default=default, help=f"(default: {default})")
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda (default: auto)")
    parser.add_argument("--resume", action="store_true", help="go on from the checkpoint in --out")
    parser.add_argument(
        "--save-seconds",
        type=float,
        default=SAVE_EVERY_S,
        metavar="S",
        help=f"time between two checkpoints, the most that is lost (default: {SAVE_EVERY_S:g})",
    )
    parser.add_argument(
        "--save-steps", type=int, metavar="N", help="save every N steps, too (default: never)"
    )


class Loop(ABC):
    """A program's loop: a subclass says what a step and the end of an epoch are, and what else its state is."""

    program: ClassVar[str]
    network: nn.Module
    steps_per_epoch: int

    def __init__(
        self,
        args: argparse.Namespace,
        settings: dict[str, Any],
        data: dict[str, Any],
        device: torch.device,
        code: Path,
    ) -> None:
        """code: the file of the network; a checkpoint fits this code, these settings and this data alone."""
        self.settings, self.data, self.out = settings, data, args.out
        self.device = device
        self.epochs: int = settings["epochs"]
        self.batch: int = settings["batch"]
        self.epoch, self.step = 0, 0
        self._resumes: bool = args.resume
        self._save_seconds, self._save_steps = args.save_seconds, args.save_steps
        self._saved_s, self._saved_at = time.monotonic(), (0, 0)
        self._digest = _digest(settings, data, code)

    # ---- what a subclass says ----------------------------------------------------------------------

    @abstractmethod
    def batches(self) -> Iterator[Any]:
        """Those of this epoch, from `self.step` on."""

    @abstractmethod
    def take_step(self, batch: Any) -> None: ...

    @abstractmethod
    def close_epoch(self, progress: Progress) -> None:
        """After the last step of `self.epoch`, which is still this one. Called again when interrupted in here."""

    @abstractmethod
    def metrics(self) -> dict[str, float]:
        """Of the epoch so far, with "loss" and "top1"."""

    @abstractmethod
    def state(self) -> dict[str, Any]:
        """All that a resumed run needs besides epoch, step and torch's random numbers: as `checkpoint.save_checkpoint` takes it.
        Called in all processes, of which one saves it.
        """

    @abstractmethod
    def load(self, path: Path, state: dict[str, Any]) -> None:
        """Take over what `state` gave. path: of the checkpoint, for errors."""

    # ---- the loop ----------------------------------------------------------------------------------

    def run(self, progress: Progress) -> None:
        """All epochs that are left. Errors: StageError; Stopped, with the state saved, when a signal asks."""
        if self._resumes:
            self._resume(progress)
        with progress.holding_signals(), memory_errors_explained(self.batch):
            self.network.train()
            while self.epoch < self.epochs:
                for batch in self.batches():
                    self.take_step(batch)
                    self.step += 1
                    self._report(progress)
                    self.pause(progress)
                self.close_epoch(progress)
                self.epoch, self.step = self.epoch + 1, 0
                if self.epoch == self.epochs:
                    self.save()
                self.pause(progress)

    def pause(self, progress: Progress) -> None:
        """Where the state is whole: save it if it is time to, and end if a signal asked for it. All processes alike."""
        stop_signal, is_time = distributed.largest(
            [progress.stop_signal or 0, self._is_time_to_save()]
        )
        if stop_signal:
            self.save()
            progress.log(f"saved; python {self.program} --resume goes on from here")
            raise Stopped(stop_signal)
        if is_time:
            self.save()

    def where(self) -> str:
        return f"epoch {self.epoch + 1}, step {self.step + 1}"

    def rate(self, peak: float, schedule: dict[str, Any] | None) -> float:
        """The learning rate of this step."""
        return learning_rate(
            peak, schedule, self.epoch + self.step / self.steps_per_epoch, self.epochs
        )

    def save(self) -> None:
        state = {
            "loop": self.state(),
            "random": checkpoint.random_state(),
            "epoch": self.epoch,
            "step": self.step,
        }
        if distributed.rank() == 0:
            checkpoint.save_checkpoint(self.out / CHECKPOINT, self._digest, state)
        self._saved_s, self._saved_at = time.monotonic(), (self.epoch, self.step)

    def _resume(self, progress: Progress) -> None:
        path = self.out / CHECKPOINT
        if distributed.rank() == 0:
            remove_leftovers(path)
        if not path.exists():
            progress.log(f"no checkpoint in {self.out}: starting at the first epoch")
            return
        state = checkpoint.load_checkpoint(path, self._digest)
        self.load(path, state["loop"])
        checkpoint.set_random_state(state["random"])
        self.epoch, self.step = state["epoch"], state["step"]
        progress.log(f"going on at {self.where()}")

    def _is_time_to_save(self) -> bool:
        if (self.epoch, self.step) == self._saved_at:
            return False
        every = self._save_steps
        is_counted = bool(every and self.step % every == 0)
        return is_counted or time.monotonic() - self._saved_s >= self._save_seconds

    def _report(self, progress: Progress) -> None:
        metrics = self.metrics()
        progress.update(
            self.epoch + self.step / self.steps_per_epoch,
            self.epochs,
            unit="epochs",
            text=f"loss {metrics['loss']:.4f}  top-1 {metrics['top1']:.2%}",
            metrics=metrics,
        )


def _digest(settings: dict[str, Any], data: dict[str, Any], code: Path) -> str:
    """Not of the data set's path: it may lie elsewhere when the loop goes on."""
    rest = {key: value for key, value in data.items() if key != "path"}
    return digest_of([checkpoint.code_digest(code), settings, rest])
