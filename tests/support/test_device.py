"""On a device that is not the processor the programs do what they do on it: every tensor is where it is needed.

A GPU where there is one; everywhere else a card that is none (card.py), which finds every meeting of tensors of two devices.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("brevitas")
pytest.importorskip("sklearn")

from generated import (  # noqa: E402
    EVERYTHING,
    QUANTISED,
    SEARCH,
    TEMPLATES,
    TRAIN,
    Generated,
    lower_precision,
)
from safetensors.torch import load_file  # noqa: E402

from tests.space.programs import compiled  # noqa: E402

pytestmark = [pytest.mark.torch, pytest.mark.slow]

HERE = Path(__file__).parent
NEEDS_GPU = pytest.mark.skipif(not torch.cuda.is_available(), reason="torch finds no GPU here")
DEVICES = ["card", pytest.param("cuda", marks=NEEDS_GPU)]
# Large batches: five steps an epoch are enough.
KINDS = {
    "train": {"train": EVERYTHING | {"batch": 256}},
    "search": {"search": SEARCH | {"epochs": 1, "batch": 128}},
    "search quantised": {
        "search": QUANTISED | {"batch": 128, "estimator": {"name": "two_path"}},
    },
    "search widths": {},
}
# Bit widths and numbers of channels, with a cost.
WIDTHS = """nash 1
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
  backbone = tiny(width = [8, 4])
  bits { group* = [w1a2, w2a2, w4a4] }
}

search {
  data      = digits
  precision = quantised
  epochs    = 1
  batch     = 128
  cost { lut = 1e-4 }
}

train { data = digits }

target {
  board = Pynq-Z1
  clock = 100 MHz
  fps   = 10000
}
"""
# What is read back is what a step needs to know: whether it diverged, how well it did, and which ops are drawn.
WAITS = {
    "train": "a step waits in checked",
    "search": "a step waits in checked, moved, checked",
    "search quantised": "a step waits in checked, moved, checked",
    "search widths": "a step waits in checked, moved, checked",
}
MIXES = """
import torch, card
card.install()
with card.Card():
    there, number = torch.ones(3, device="card"), torch.tensor(2.0)
    assert (there * number).device.type == "card"
    assert (there.cpu() + torch.ones(3)).tolist() == [2.0, 2.0, 2.0]
    there + torch.ones(3)
"""


def run(*arguments):
    paths = os.pathsep.join([str(TEMPLATES), str(HERE)])
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": paths}
    command = [sys.executable, *map(str, arguments)]
    return subprocess.run(
        command, capture_output=True, text=True, env=environment, timeout=300, check=False
    )


def test_the_card_refuses_to_mix_devices():
    done = run("-c", MIXES)
    assert done.stderr.endswith(
        "RuntimeError: aten.add.Tensor meets a tensor (3,) that is not on the card\n"
    )


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("kind", KINDS)
def test_a_device_gives_the_result_of_the_processor(tmp_path, device, kind):
    """Stopped and resumed there, too."""
    settings = KINDS[kind]
    if kind == "train":
        start = lower_precision(tmp_path / "start.safetensors")
        settings = {"train": settings["train"] | {"start": start}}
    generated = Generated.write(tmp_path / "out", **settings)
    if kind == "search quantised":
        generated.search_quantised()
    if kind == "search widths":
        compiled(generated.folder, WIDTHS)
    program = generated.folder / f"{kind.partition(' ')[0]}.py"
    out = tmp_path / "results"
    done = run(HERE / "card.py", device, "0.5", program, "--out", out)
    assert done.returncode == 0, done.stderr
    if device == "card":
        assert done.stderr.splitlines()[-1] == WAITS[kind]
    wanted, found = (load_file(out / it / "checkpoint.safetensors") for it in ("cpu", "device"))
    assert wanted.keys() == found.keys()
    for name, tensor in wanted.items():
        # Equal on the card; a GPU sums in another order.
        torch.testing.assert_close(found[name], tensor, rtol=0, atol=1e-10, msg=name)


@NEEDS_GPU
@pytest.mark.parametrize("program", ["train", "search"])
def test_mixed_precision_on_a_gpu(tmp_path, program):
    """The loss of an epoch is that of float32, but for what bfloat16 rounds."""
    short = {"train": TRAIN | {"epochs": 1}, "search": SEARCH | {"epochs": 1}}
    generated = Generated.write(tmp_path / "out", **short)
    losses = []
    for more in ((), ("--amp",)):
        out = tmp_path / f"results{len(more)}"
        done = generated.run(f"{program}.py", "--device", "cuda", "--out", str(out), *more)
        assert done.code == 0, done.errors
        losses.append(done.last("progress")["metrics"]["loss"])
    assert losses[1] == pytest.approx(losses[0], rel=0.05)
