"""Optimisers of the programs are torch's, without its compiler."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from support import __file__ as support  # noqa: E402
from support.progress import StageError  # noqa: E402
from support.training.optimisation import device_called, load_optimiser, optimiser  # noqa: E402

pytestmark = pytest.mark.torch

NO_GPU = pytest.mark.skipif(
    torch.version.cuda is None or torch.cuda.is_available(), reason="no driver's word"
)

SETTINGS = {
    "sgd": {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.01, "nesterov": True},
    "adam": {"lr": 0.1, "betas": (0.0, 0.999), "weight_decay": 0.01},
    "adamw": {"lr": 0.1, "weight_decay": 0.01},
}
KINDS = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam, "adamw": torch.optim.AdamW}
ALONE = """
import sys, torch
from support.training.optimisation import load_optimiser, optimiser
for name in ("sgd", "adam", "adamw"):
    weight = torch.nn.Parameter(torch.ones(3, 3))
    weight.grad = torch.ones(3, 3)
    made = optimiser([weight], {"name": name, "lr": 0.1})
    made.step()
    made.zero_grad()
    load_optimiser(made, made.state_dict())
print("torch._dynamo" in sys.modules)
"""


def steps(made, weight, count):
    generator = torch.Generator().manual_seed(count)
    for _ in range(count):
        weight.grad = torch.randn(3, 3, generator=generator)
        made.step()
        made.zero_grad()


@pytest.mark.parametrize("name", SETTINGS)
def test_steps_are_those_of_torch(name):
    own, plain = (torch.nn.Parameter(torch.ones(3, 3)) for _ in range(2))
    options = dict(SETTINGS[name])
    made = optimiser([own], {"name": name, **options})
    wanted = KINDS[name]([plain], **options)
    assert isinstance(made, KINDS[name])
    for it, weight in ((made, own), (wanted, plain)):
        steps(it, weight, 3)
    resumed = optimiser([own], {"name": name, **options})
    load_optimiser(resumed, made.state_dict())
    for it, weight in ((resumed, own), (wanted, plain)):
        steps(it, weight, 2)
    assert torch.equal(own, plain)
    assert own.grad is None


def test_decay_of_vectors_is_asked_for():
    vector = torch.nn.Parameter(torch.ones(3))
    settings = {"name": "sgd", "lr": 0.1, "weight_decay": 0.5}
    [group] = optimiser([vector], settings).param_groups
    assert group["weight_decay"] == 0
    [group] = optimiser([vector], settings, decays_vectors=True).param_groups
    assert group["weight_decay"] == 0.5


def test_the_compiler_is_not_imported():
    """Noticed here when torch wraps its optimisers in another way."""
    paths = {"PYTHONPATH": str(Path(support).parents[1])}
    done = subprocess.run(
        [sys.executable, "-c", ALONE], capture_output=True, text=True, env=os.environ | paths
    )
    assert done.stdout == "False\n", done.stdout + done.stderr


def test_counts_of_steps_stay_on_the_processor():
    """Even that of a parameter of the same shape, a scale: torch would read it back from a GPU at each step."""
    scale = torch.nn.Parameter(torch.ones(()))
    scale.grad = torch.ones(())
    trained = optimiser([scale], {"name": "adam", "lr": 0.1})
    trained.step()
    elsewhere = torch.nn.Parameter(torch.ones((), device="meta"))
    resumed = optimiser([elsewhere], {"name": "adam", "lr": 0.1})
    load_optimiser(resumed, trained.state_dict())
    devices = {name: it.device.type for name, it in resumed.state[elsewhere].items()}
    assert devices == {"step": "cpu", "exp_avg": "meta", "exp_avg_sq": "meta"}


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("meta", "Tensor.item() cannot be called on meta tensors"),
        ("gpu", "Expected one of cpu, cuda, "),
        pytest.param("cuda", "Found no NVIDIA driver on your system", marks=NO_GPU),
    ],
)
def test_a_device_that_does_not_add_up_is_told_why(name, why):
    with pytest.raises(StageError) as caught:
        device_called(name)
    message = f"torch cannot use the device {name!r} here: {why}"
    assert caught.value.message.startswith(message)
    assert "\n" not in caught.value.message
    assert caught.value.help == "--device cpu"
