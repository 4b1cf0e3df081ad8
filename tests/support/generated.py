"""A small compiled folder, as nashc would write it, and its programs run in it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nashc.emit import project
from nashc.emit.searched_bits import settings_of_bits
from nashc.lower import lower
from nashc.schema import load

FIXTURES = Path(__file__).parent / "fixtures"
TEMPLATES = Path(__file__).parents[2] / "templates"

DATA = {
    "kind": "digits",
    "path": None,
    "channels": 1,
    "height": 8,
    "width": 8,
    "classes": 10,
    "augment": {"flip": False, "crop": 1},
}
TRAIN = {
    "epochs": 2,
    "batch": 64,
    "optimiser": {"name": "adam", "lr": 0.004, "weight_decay": 0.0},
    "schedule": {"name": "cosine", "warmup": 0},
    "label_smoothing": 0.0,
    "clip": None,
    "seed": 1,
}
# All that a training can be told at once, but for weights to start from: `lower_precision` makes them.
EVERYTHING = TRAIN | {
    "epochs": 1,
    "float_epochs": 1,
    "optimiser": {"name": "adamw", "lr": 0.004, "weight_decay": 0.01},
    "schedule": {"name": "polynomial", "power": 1.0, "warmup": 0.5},
    "label_smoothing": 0.1,
    "clip": 1.0,
    "ema": 0.9,
    "distil": {"name": "float", "weight": 0.5, "temperature": 4.0},
}
SEARCH = {
    "epochs": 2,
    "batch": 64,
    "weights": {
        "optimiser": {"name": "sgd", "lr": 0.1, "momentum": 0.9, "weight_decay": 3e-4},
        "schedule": {"name": "cosine"},
    },
    "clip": 5,
    "alphas": {"lr": 3e-3, "betas": [0, 0.999], "weight_decay": 1e-3},
    "seed": 2,
    "estimator": {"name": "binary_gate"},
    "seeds": 1,
    "precision": "paper",
    "policy": "v3",
}

QUANTISED = SEARCH | {"precision": "quantised", "epochs": 1}
TINY = """nash 1
use basic from "nashc/resnet.nash"

backbone tiny(width = 4) {
  stem:   conv 3x3(width) -> bn -> act
  group0: basic(width)
  group1: basic(2 * width, stride = 2, project = true)
  head:   avgpool -> fc: linear(classes)
}

network tiny {
  input    = UINT8 1x8x8
  classes  = 10
  backbone = tiny
  cell in each group { policy = v3 }
}

search {
  data      = digits
  precision = quantised
}
"""


# A program sends the signal to itself: from outside it would come some steps later, or after the end.
INTERRUPTING = """
import os, runpy, sys
sys.argv = sys.argv[1:]
from support.training.loop import Loop
tell = Loop._report
def tell_and_interrupt(loop, progress):
    tell(loop, progress)
    if loop.epoch + loop.step / loop.steps_per_epoch > {after_epochs}:
        if {number}:
            os.kill(os.getpid(), {number})
        next(loop.network.parameters()).register_hook(lambda gradient: gradient * float("inf"))
Loop._report = tell_and_interrupt
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def lower_precision(path: Path) -> str:
    """Weights of the network of the fixtures with fewer bits, saved to `path`."""
    import torch

    from support.training.checkpoint import save_weights

    names: dict[str, Any] = {"__name__": "lower_precision"}
    exec((FIXTURES / "model.py").read_text().replace("bit_width=4", "bit_width=2"), names)
    torch.manual_seed(3)
    save_weights(path, names["Network"](), "of another network", {})
    return str(path)


@dataclass(frozen=True)
class Finished:
    code: int
    events: list[dict[str, Any]]
    errors: str

    def last(self, event: str) -> dict[str, Any]:
        return [it for it in self.events if it["event"] == event][-1]


@dataclass(frozen=True)
class Generated:
    folder: Path

    @staticmethod
    def write(folder: Path, **settings: dict[str, Any]) -> Generated:
        shutil.copytree(
            TEMPLATES / "support", folder / "support", ignore=shutil.ignore_patterns("__pycache__")
        )
        for name in ("train", "search"):
            shutil.copy(TEMPLATES / "programs" / f"{name}.py", folder)
        for name in ("model", "supernet"):
            shutil.copy(FIXTURES / f"{name}.py", folder)
        (folder / "settings").mkdir()
        for name, values in {"data": DATA, "train": TRAIN, "search": SEARCH, **settings}.items():
            (folder / "settings" / f"{name}.json").write_text(json.dumps(values))
        return Generated(folder)

    def search_quantised(self, bits: str = "") -> None:
        """Put in the supernet of a search with the spec's own quantisers. bits: lines that let it choose widths."""
        path = self.folder / "tiny.nash"
        path.write_text(TINY.replace("policy = v3 }", f"policy = v3 }}\n  bits {{ {bits} }}"))
        spec = load(path)
        graph = lower(spec)
        (self.folder / "supernet.py").write_text(project(spec, graph)["supernet.py"])
        if bits:
            settings = self.folder / "settings" / "search.json"
            known = json.loads(settings.read_text())
            settings.write_text(json.dumps({**known, "bits": settings_of_bits(spec, graph)}))

    def start(
        self, program: str, *arguments: str, wraps: str | None = None
    ) -> subprocess.Popen[str]:
        """wraps: the program that this one runs."""
        programs = [str(self.folder / name) for name in (program, wraps) if name]
        return subprocess.Popen(
            [sys.executable, *programs, "--progress", "jsonl", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )

    def interrupted(
        self, program: str, number: signal.Signals | None, *arguments: str, after_epochs: float
    ) -> Finished:
        """How a program ended that got a signal in the first step behind so many epochs, or else infinite gradients."""
        wrapper = self.folder / "interrupting.py"
        wrapper.write_text(INTERRUPTING.format(number=int(number or 0), after_epochs=after_epochs))
        return finish(self.start(wrapper.name, *arguments, wraps=program))

    def run(self, program: str, *arguments: str) -> Finished:
        return finish(self.start(program, *arguments))


def finish(process: subprocess.Popen[str]) -> Finished:
    output, errors = process.communicate(timeout=300)
    return Finished(process.returncode, [json.loads(line) for line in output.splitlines()], errors)
