"""train.py in a compiled folder: it learns, stops and goes on, and its weights load back exactly."""

import json
import re
import shutil
import signal
import subprocess
import sys

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("brevitas")
pytest.importorskip("sklearn")

Image = pytest.importorskip("PIL.Image")

from generated import DATA, TRAIN, Generated  # noqa: E402

from support.progress import StageError  # noqa: E402
from support.training.checkpoint import read  # noqa: E402
from support.training.optimisation import learning_rate, optimiser  # noqa: E402

pytestmark = [pytest.mark.torch, pytest.mark.slow]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Two epochs, not interrupted."""
    generated = Generated.write(tmp_path_factory.mktemp("trained"))
    finished = generated.run("train.py")
    assert finished.code == 0, finished.errors
    return generated, finished


def test_training(trained):
    generated, finished = trained
    results = generated.folder / "results" / "train"
    assert {file.name for file in results.iterdir()} >= {
        "weights.safetensors",
        "metrics.json",
        "checkpoint.safetensors",
    }
    metrics = json.loads((results / "metrics.json").read_text())
    assert metrics["train_images"] == 1438 and metrics["test_images"] == 359
    assert metrics["curve"][-1]["test_top1"] == metrics["top1"] == finished.last("result")["top1"]
    assert metrics["curve"][1]["loss"] < metrics["curve"][0]["loss"] < 2.2
    progress = finished.last("progress")
    assert progress["done"] == progress["total"] == 2
    assert progress["metrics"].keys() == {"loss", "top1", "top5", "lr", "waiting"}


LOGITS = """
import sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
import torch
from model import Network
from support.training import checkpoint
from support.data import datasets
folder = Path(sys.argv[1])
results = folder / "results" / "train"
network = Network()
checkpoint.load_weights(results / "weights.safetensors", network, checkpoint.code_digest(folder / "model.py"))
network.eval()
images, labels = datasets.load(datasets.data_settings(folder, {}), "test")
with torch.no_grad():
    logits = network(torch.from_numpy(images).float())
print((logits.argmax(1).numpy() == labels).mean())
"""


def test_mixed_precision(trained, tmp_path):
    full, _ = trained
    generated = Generated.write(tmp_path / "out")
    finished = generated.run("train.py", "--amp")
    assert finished.code == 0, finished.errors
    result = finished.last("result")
    losses = [entry["loss"] for entry in result["curve"]]
    assert losses[1] < losses[0] and result["top1"] > 0.5
    assert result["settings"]["amp"] is True
    for name in ("weights.safetensors", "checkpoint.safetensors"):
        paths = [it.folder / "results" / "train" / name for it in (full, generated)]
        (one, _), (other, _) = (read(path) for path in paths)
        assert {k: (v.shape, v.dtype) for k, v in one.items()} == {
            k: (v.shape, v.dtype) for k, v in other.items()
        }
        assert all(tensor.isfinite().all() for tensor in other.values())
        assert any(not torch.equal(one[name], other[name]) for name in one)


def test_the_weights_load_back_exactly(trained):
    generated, finished = trained
    command = [sys.executable, "-c", LOGITS, str(generated.folder)]
    loaded = subprocess.run(command, capture_output=True, text=True, check=True)
    assert float(loaded.stdout) == finished.last("result")["top1"]


def test_interrupted_and_resumed_training_ends_with_the_same_bits(trained, tmp_path):
    generated = Generated.write(tmp_path / "out")
    stopped = generated.interrupted("train.py", signal.SIGINT, after_epochs=0.4)
    assert stopped.code == 130
    assert stopped.events[-2]["text"] == "saved; the same command with --resume goes on from here"
    results = generated.folder / "results" / "train"
    assert [file.name for file in results.iterdir()] == ["checkpoint.safetensors"]
    resumed = generated.run("train.py", "--resume")
    assert resumed.code == 0, resumed.errors
    assert_same_results(generated, trained)


def test_killed_training_loses_one_interval_and_ends_with_the_same_bits(trained, tmp_path):
    generated = Generated.write(tmp_path / "out")
    every = ("--save-steps", "3")
    killed = generated.interrupted("train.py", signal.SIGKILL, *every, after_epochs=0.6)
    assert killed.code == -signal.SIGKILL
    results = generated.folder / "results" / "train"
    for name in (".checkpoint.nashc-abcdefgh.safetensors", ".curve.nashc-abcdefgh.png"):
        (results / name).write_bytes(b"half of it")  # as of one that is killed while it writes
    resumed = generated.run("train.py", "--resume", *every)
    assert resumed.code == 0, resumed.errors
    assert not [*results.glob(".*")]
    [place] = [e["text"] for e in resumed.events if e.get("text", "").startswith("going on at ")]
    epoch, step = (int(word) for word in re.findall(r"\d+", place))
    # 22 steps an epoch: killed in step 14, saved in step 12.
    assert (epoch, step) == (1, 13)
    assert_same_results(generated, trained)


def assert_same_results(generated, trained):
    whole, _ = trained
    for name in ("weights.safetensors", "metrics.json"):
        found = generated.folder / "results" / "train" / name
        wanted = whole.folder / "results" / "train" / name
        assert found.read_bytes() == wanted.read_bytes(), name


def test_a_checkpoint_of_other_settings_is_refused(trained, tmp_path):
    generated, _ = trained
    shutil.copytree(generated.folder, tmp_path / "out")
    refused = Generated(tmp_path / "out").run("train.py", "--resume", "--batch", "32")
    assert refused.code == 1
    assert refused.last("error")["message"].endswith(
        "checkpoint.safetensors belongs to other settings: batch was 64 and is 32"
    )


def test_a_checkpoint_of_other_images_is_refused(tmp_path):
    images = tmp_path / "images"
    for split, count in (("train", 2), ("test", 1)):
        for label in range(10):
            folder = images / split / str(label)
            folder.mkdir(parents=True)
            for number in range(count):
                Image.new("L", (8, 8), 20 * label).save(folder / f"{number}.png")
    generated = Generated.write(tmp_path / "out", data=DATA | {"kind": "folder"})
    arguments = ("--data", str(images), "--epochs", "1")
    finished = generated.run("train.py", *arguments)
    assert finished.code == 0, finished.errors
    shutil.copy(images / "train" / "3" / "0.png", images / "train" / "3" / "2.png")
    refused = generated.run("train.py", *arguments, "--resume")
    assert refused.code == 1
    told = r"checkpoint\.safetensors belongs to other data: data\.train was 20 images \(.{12}\) and is 21 images \(.{12}\)$"
    assert re.search(told, refused.last("error")["message"])


def test_a_truncated_checkpoint_is_refused(trained, tmp_path):
    generated, _ = trained
    shutil.copytree(generated.folder, tmp_path / "out")
    path = tmp_path / "out" / "results" / "train" / "checkpoint.safetensors"
    path.write_bytes(path.read_bytes()[:-1000])
    refused = Generated(tmp_path / "out").run("train.py", "--resume")
    assert refused.code == 1
    assert refused.last("error")["message"].startswith(f"{path} is broken")
    assert (
        refused.last("error")["help"] == "start again without --resume, or name another checkpoint"
    )


def test_a_loss_that_is_no_number(tmp_path):
    settings = TRAIN | {"optimiser": {"name": "sgd", "lr": 1e30}, "schedule": {"name": "constant"}}
    failed = Generated.write(tmp_path / "out", train=settings).run("train.py")
    assert failed.code == 1
    assert failed.last("error")["message"].startswith("the loss is nan at epoch 1, step ")
    assert "lower the learning rate (it is 1e+30)" in failed.last("error")["help"]
    assert failed.errors == "" or "Traceback" not in failed.errors


def test_a_last_step_after_which_nothing_can_be_tested(tmp_path):
    settings = TRAIN | {"optimiser": {"name": "sgd", "lr": 1e9}, "schedule": {"name": "constant"}}
    generated = Generated.write(tmp_path / "out", train=settings | {"epochs": 1, "batch": 1438})
    failed = generated.run("train.py")
    error = failed.last("error")
    assert error["message"] == "the test loss is nan at the end of epoch 1"
    assert error["help"] == (
        "lower the learning rate (it is 1e+09), or clip the gradients; nothing was saved yet"
    )
    assert not [*(generated.folder / "results" / "train").iterdir()]


def test_a_smaller_rate_goes_on_where_training_diverged(tmp_path):
    settings = TRAIN | {"optimiser": {"name": "sgd", "lr": 0.1}, "epochs": 1}
    generated = Generated.write(tmp_path / "out", train=settings)
    every = ("--save-steps", "4")
    diverged = generated.interrupted("train.py", None, *every, after_epochs=0.4)
    error = diverged.last("error")
    assert error["message"] == "the norm of the gradients is inf at epoch 1, step 10"
    assert error["help"].endswith(
        "the same command with --resume, --lr X, --clip X goes on at epoch 1, step 9; "
        "with --resume previous.safetensors before that"
    )
    unsaid = generated.run("train.py", "--resume", "--epochs", "2")
    assert unsaid.last("error")["message"].endswith("settings: epochs was 1 and is 2")
    resumed = generated.run("train.py", "--resume", "--lr", "0.01", "--clip", "5")
    assert resumed.code == 0, resumed.errors
    results = generated.folder / "results" / "train"
    changes = json.loads((results / "metrics.json").read_text())["changes"]
    assert [(it["step"], it["name"], it["before"], it["now"]) for it in changes] == [
        (9, "settings.clip", None, 5.0),
        (9, "settings.optimiser.lr", 0.1, 0.01),
    ]
    assert not (results / "previous.safetensors").exists()


def test_learning_rates():
    cosine = {"name": "cosine", "warmup": 2}
    rates = [learning_rate(1.0, cosine, epoch, 8) for epoch in (0, 1, 4, 8)]
    assert rates == pytest.approx([0, 0.5 * 0.9619398, 0.5, 0])
    step = {"name": "step", "every": 30, "by": 0.1}
    assert [learning_rate(1e-3, step, epoch, 100) for epoch in (0, 29.9, 30, 60)] == pytest.approx(
        [1e-3, 1e-3, 1e-4, 1e-5]
    )
    assert learning_rate(0.5, None, 3, 10) == 0.5
    with pytest.raises(StageError, match="no schedule is called 'linear'"):
        learning_rate(0.5, {"name": "linear"}, 3, 10)


def test_weight_decay_is_for_weights_alone():
    network = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3), torch.nn.BatchNorm2d(2))
    adam = optimiser(network.parameters(), {"name": "adam", "lr": 1e-3, "weight_decay": 0.1})
    assert [(len(it["params"]), it["weight_decay"]) for it in adam.param_groups] == [
        (1, 0.1),
        (3, 0.0),
    ]
    with pytest.raises(StageError, match="the optimiser adam does not take this"):
        optimiser(network.parameters(), {"name": "adam", "lr": 1e-3, "momentum": 0.9})
    with pytest.raises(StageError, match="no optimiser is called 'lion'"):
        optimiser(network.parameters(), {"name": "lion", "lr": 1e-3})
