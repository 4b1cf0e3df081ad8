"""Epochs of steps that can be interrupted: what training and searching have in common.

Between two steps the state of a loop is whole. There it is saved, every so many seconds or steps and when SIGINT or SIGTERM
came; from a saved state the loop goes on to the very bits that it would have had without the interruption (on a CPU).
"""

from __future__ import annotations

import argparse
import contextlib
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import nn

from support.data.datasets import Dataset
from support.files import keep_as, make_folder, remove_leftovers
from support.progress import Diverged, Progress, StageError, Stopped
from support.training import checkpoint, distributed
from support.training.belonging import Option, changes_since, check_alike, given
from support.training.classification import memory_errors_explained
from support.waiting import Waiting


class Loop(ABC):
    """A program's loop: a subclass says what a step and the end of an epoch are, and what else its state is."""

    options: ClassVar[tuple[Option, ...]]
    """What a resumed run may change on its command line, and only there."""
    network: nn.Module
    steps_per_epoch: int

    def __init__(
        self,
        args: argparse.Namespace,
        settings: dict[str, Any],
        data: dict[str, Any],
        device: torch.device,
        code: Path,
        **images: Dataset,
    ) -> None:
        """code: the file of the network; a checkpoint fits this code, these settings, this data and these images alone."""
        self.settings, self.data, self.out = settings, data, args.out
        self.device = device
        self.epochs: int = settings["epochs"]
        self.batch: int = settings["batch"]
        self.epochs_before = 0  # of loops of the same command, for its progress
        self.epochs_in_all: int | None = None  # else those of this one
        self.epoch, self.step = 0, 0
        self._resumes: Path | None = args.resume and self.out / args.resume
        self._save_seconds, self._save_steps = args.save_seconds, args.save_steps
        self._waiting, self._is_hinted = Waiting(), False
        self._notes = [it.note for it in images.values() if it.note]
        self._saved_s, self._saved_at = time.monotonic(), (0, 0)
        self._last: Path | None = None  # the checkpoint that this run wrote or began with
        self._belongs_to = _belongs_to(settings, data, code, images)
        check_alike(distributed.of_first(lambda: self._belongs_to), self._belongs_to)
        self._given = given(args, self.options)
        self.changes: list[dict[str, Any]] = []
        """What resumed runs changed, and when: part of a result's provenance."""

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
        if distributed.rank() == 0:
            make_folder(self.out)
            remove_leftovers(self.out)
        for note in self._notes if self.epochs_before == 0 else []:
            progress.note(note)
        if self._resumes:
            self._resume(self._resumes, progress)
        with (
            progress.holding_signals(),
            memory_errors_explained(self.batch),
            self._way_back_told(),
        ):
            self.network.train()
            while self.epoch < self.epochs:
                for batch in self._waiting.over(self.batches()):
                    self.take_step(batch)
                    self.step += 1
                    self._report(progress)
                    self.pause(progress)
                self.close_epoch(progress)
                self._tell_waiting(progress)
                self.epoch, self.step = self.epoch + 1, 0
                if self.epoch == self.epochs:
                    self.save()
                    (self.out / checkpoint.PREVIOUS).unlink(
                        missing_ok=True
                    )  # nothing can diverge any more
                self.pause(progress)

    def pause(self, progress: Progress) -> None:
        """Where the state is whole: save it if it is time to, and end if a signal asked for it. All processes alike."""
        stop_signal, is_time = distributed.largest(
            [progress.stop_signal or 0, self._is_time_to_save()]
        )
        if stop_signal:
            self.save()
            progress.log("saved; the same command with --resume goes on from here")
            raise Stopped(stop_signal)
        if is_time:
            self.save()

    def length(self) -> str:
        """`2 epochs of 1 step`."""
        epochs, steps = self.epochs, self.steps_per_epoch
        return f"{epochs} epoch{'s' * (epochs != 1)} of {steps} step{'s' * (steps != 1)}"

    def where(self) -> str:
        return f"epoch {self.epoch + 1}, step {self.step + 1}"

    def save(self) -> None:
        """Errors: Diverged when the state holds what is no number; the checkpoints stay as they are."""
        state = {
            "loop": self.state(),
            "changes": self.changes,
            "random": checkpoint.random_state(),
            "epoch": self.epoch,
            "step": self.step,
        }
        checkpoint.check_finite(state["loop"], self.where())
        if distributed.rank() == 0:
            path = self.out / checkpoint.LAST
            if self._last is None:  # what lies there is another run's
                (self.out / checkpoint.PREVIOUS).unlink(missing_ok=True)
            with self._resuming_told():
                if self._last == path and path.exists():
                    keep_as(path, self.out / checkpoint.PREVIOUS)
                checkpoint.save_checkpoint(path, checkpoint.Checkpoint(self._belongs_to, state))
        self._last = self.out / checkpoint.LAST
        self._saved_s, self._saved_at = time.monotonic(), (self.epoch, self.step)

    def _resume(self, path: Path, progress: Progress) -> None:
        """The checkpoint is the first process's, which wrote it."""
        found = distributed.of_first(lambda: self._read(path))
        if found is None:
            progress.log(f"no checkpoint in {self.out}: starting at the first epoch")
            return
        changes = changes_since(path, found.belongs_to, self._belongs_to, self._given, self.options)
        state = found.state
        self.load(path, state["loop"])
        checkpoint.set_random_state(state["random"])
        self.epoch, self.step = self._saved_at = state["epoch"], state["step"]
        self._last = path
        self.changes = state["changes"]
        for change in changes:
            self.changes.append({"epoch": self.epoch + 1, "step": self.step + 1, **asdict(change)})
        progress.log(f"going on at {self.where()}" + "".join(f"; {it}" for it in changes))

    def _read(self, path: Path) -> checkpoint.Checkpoint | None:
        if not path.exists() and path == self.out / checkpoint.LAST:
            return None
        return checkpoint.load_checkpoint(path)

    @contextlib.contextmanager
    def _way_back_told(self) -> Iterator[None]:
        """What is no number any more is never saved: an earlier checkpoint is what a smaller rate starts from."""
        try:
            yield
        except Diverged as error:
            help = error.help or "lower the learning rate, or clip the gradients"
            raise Diverged(error.message, f"{help}; {self._way_back()}") from error

    @contextlib.contextmanager
    def _resuming_told(self) -> Iterator[None]:
        """A full disk leaves the last checkpoint as it is."""
        try:
            yield
        except StageError as error:
            if self._last is not None:
                epoch, step = self._saved_at
                error.help += f", with --resume: it goes on at epoch {epoch + 1}, step {step + 1}"
            raise

    def _way_back(self) -> str:
        if self._last is None:
            return "nothing was saved yet"
        (epoch, step), flags = self._saved_at, ", ".join(f"{it.flag} X" for it in self.options)
        where = f"epoch {epoch + 1}, step {step + 1}"
        way = f"the same command with --resume, {flags} goes on at {where}"
        has_previous = (self.out / checkpoint.PREVIOUS).is_file()
        return way + (f"; with --resume {checkpoint.PREVIOUS} before that" if has_previous else "")

    def _is_time_to_save(self) -> bool:
        if (self.epoch, self.step) == self._saved_at:
            return False
        every = self._save_steps
        is_counted = bool(every and self.step % every == 0)
        return is_counted or time.monotonic() - self._saved_s >= self._save_seconds

    def _tell_waiting(self, progress: Progress) -> None:
        """Once: the first epoch that waited much is like those behind it."""
        if self._waiting.is_large and not self._is_hinted:
            self._is_hinted = True
            progress.note(self._waiting.words())

    def _report(self, progress: Progress) -> None:
        metrics = self.metrics() | {"waiting": round(self._waiting.share, 3)}
        waits = f"  waits for data {metrics['waiting']:.0%}" if self._waiting.is_large else ""
        progress.update(
            self.epochs_before + self.epoch + self.step / self.steps_per_epoch,
            self.epochs_in_all or self.epochs,
            unit="epochs",
            text=f"loss {metrics['loss']:.4f}  top-1 {metrics['top1']:.2%}{waits}",
            metrics=metrics,
        )


def _belongs_to(
    settings: dict[str, Any], data: dict[str, Any], code: Path, images: dict[str, Dataset]
) -> dict[str, Any]:
    """Not the data set's path: it may lie elsewhere when the loop goes on."""
    told = {name: f"{len(it.labels)} images ({it.digest()[:12]})" for name, it in images.items()}
    return {
        "network": checkpoint.code_digest(code),
        "settings": {key: value for key, value in settings.items() if key != "data"},
        "data": {key: value for key, value in data.items() if key != "path"} | told,
    }
