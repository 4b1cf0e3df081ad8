"""Float epochs, averaged weights, a teacher, weights to start from: what they compute, and that they resume to the bit."""

import json
import signal
import sys

import pytest

torch = pytest.importorskip("torch")
qnn = pytest.importorskip("brevitas.nn")
pytest.importorskip("sklearn")

from generated import EVERYTHING, TRAIN, Generated, lower_precision  # noqa: E402
from torch import nn  # noqa: E402

from support.layers.quantisers import IntWeight, UnsignedAct  # noqa: E402
from support.progress import StageError  # noqa: E402
from support.training.average import Average  # noqa: E402
from support.training.checkpoint import save_weights  # noqa: E402
from support.training.classification import memory_errors_explained  # noqa: E402
from support.training.optimisation import check_warmup, learning_rate, optimiser  # noqa: E402
from support.training.precision import distilled, set_quantised, start_from, teacher_of  # noqa: E402
from support.training.tensorboard import TensorBoard  # noqa: E402

pytestmark = pytest.mark.torch


def network(bits=4, width=3):
    return nn.Sequential(
        qnn.QuantConv2d(1, width, 3, bias=False, weight_quant=IntWeight, weight_bit_width=bits),
        nn.BatchNorm2d(width),
        qnn.QuantReLU(act_quant=UnsignedAct, bit_width=bits, return_quant_tensor=True),
    )


@pytest.mark.slow
def test_everything_at_once_resumes_to_the_same_bits(tmp_path):
    start = lower_precision(tmp_path / "start.safetensors")
    settings = EVERYTHING | {"start": start, "amp": True}
    whole = Generated.write(tmp_path / "whole", train=settings)
    finished = whole.run("train.py")
    assert finished.code == 0, finished.errors
    results = whole.folder / "results" / "train"
    names = {"curve.png", "curve.svg", "log.jsonl", "metrics.json", "weights.safetensors"}
    assert {file.name for file in results.iterdir()} == names | {"checkpoint.safetensors"}
    log = [json.loads(line) for line in (results / "log.jsonl").read_text().splitlines()]
    assert log == json.loads((results / "metrics.json").read_text())["curve"]
    assert [line["is_float"] for line in log] == [True, False]

    cut = Generated.write(tmp_path / "cut", train=settings)
    in_float = cut.interrupted("train.py", signal.SIGTERM, after_epochs=0.4)
    quantised = cut.interrupted("train.py", signal.SIGINT, "--resume", after_epochs=1.2)
    assert (in_float.code, quantised.code) == (143, 130)
    resumed = cut.run("train.py", "--resume")
    assert resumed.code == 0, resumed.errors
    for name in ("weights.safetensors", "metrics.json", "log.jsonl", "curve.svg"):
        found = cut.folder / "results" / "train" / name
        assert found.read_bytes() == (results / name).read_bytes(), name


def test_without_quantisers_the_network_is_float():
    net = network().eval()
    x = torch.randn(4, 1, 6, 6)
    in_float = nn.functional.relu(net[1](nn.functional.conv2d(x, net[0].weight)))
    quantised = net(x).value
    teacher = teacher_of(net)
    torch.testing.assert_close(teacher(x), in_float)
    assert torch.equal(net(x).value, quantised) and not torch.allclose(quantised, in_float)
    set_quantised(net, False)
    torch.testing.assert_close(net(x), in_float)
    set_quantised(net, True)
    assert torch.equal(net(x).value, quantised)


def test_distillation():
    logits, taught = torch.randn(5, 3), torch.randn(5, 3)
    labelled = torch.tensor(2.0)
    soft = (taught / 4).softmax(1)
    divergence = (soft * (soft.log() - (logits / 4).softmax(1).log())).sum(1).mean()
    found = distilled(labelled, logits, taught, 0.25, 4.0)
    torch.testing.assert_close(found, 0.75 * labelled + 0.25 * 16 * divergence)


def test_averaged_weights(monkeypatch):
    net = network()
    start = net[0].weight.detach().clone()
    average = Average(net, 0.5)
    monkeypatch.setattr(nn.Module, "state_dict", None)  # slow, and not asked in a step
    with torch.no_grad():
        net[0].weight += 1
    average.update()  # decay of the first step: 2 / 11
    torch.testing.assert_close(average.network[0].weight, start + 9 / 11)
    for _ in range(60):
        average.update()
    torch.testing.assert_close(average.network[0].weight, start + 1)
    assert not any(it.requires_grad for it in average.network.parameters())


def test_starting_from_other_bits(tmp_path):
    path, other, net = tmp_path / "w.safetensors", network(bits=8), network(bits=2)
    save_weights(path, other, "another digest", {})
    start_from(path, net)
    for name, tensor in other.state_dict().items():
        assert torch.equal(net.state_dict()[name], tensor), name


def test_starting_from_float_weights(tmp_path):
    """Ranges of activations are not in the file: they begin as usual."""
    path, net = tmp_path / "w.safetensors", network(bits=2)
    plain = nn.Sequential(nn.Conv2d(1, 3, 3, bias=False), nn.BatchNorm2d(3))
    save_weights(path, plain, "", {})
    start_from(path, net)
    assert torch.equal(net[0].weight, plain[0].weight)
    assert float(net[2].act_quant.scale()) == pytest.approx(2.5 / 3)


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (
            nn.Sequential(nn.Conv2d(1, 3, 3, bias=False)),
            "it lacks 1.weight, 1.bias, 1.running_mean and 2 more",
        ),
        (
            network(width=4),
            "it has shapes that do not fit: 0.weight (4x1x3x3 there, 3x1x3x3 here), 1.weight",
        ),
        (
            nn.Sequential(*network(), nn.Conv2d(3, 3, 1)),
            "it has, beyond this network, 3.bias, 3.weight",
        ),
    ],
)
def test_weights_that_do_not_fit_are_named(tmp_path, other, message):
    path, net = tmp_path / "w.safetensors", network()
    save_weights(path, other, "", {})
    with pytest.raises(StageError) as caught:
        start_from(path, net)
    assert message in caught.value.message


def test_schedules():
    steps = {"name": "multistep", "at": [2, 5], "by": 0.5}
    assert [learning_rate(1.0, steps, at, 8) for at in (0, 1.9, 2, 5, 7)] == [1, 1, 0.5, 0.25, 0.25]
    square = {"name": "polynomial", "power": 2.0, "warmup": 2}
    rates = [learning_rate(1.0, square, at, 8) for at in (0, 1, 4, 8)]
    assert rates == pytest.approx([0, 0.5 * 0.765625, 0.25, 0])


@pytest.mark.parametrize(
    ("epochs", "float_epochs", "kind"), [(5, 0, "epochs"), (9, 5, "float epochs")]
)
def test_a_rate_that_never_gets_to_its_highest(epochs, float_epochs, kind):
    with pytest.raises(StageError) as caught:
        check_warmup({"name": "cosine", "warmup": 5}, epochs, float_epochs)
    assert caught.value.message == (
        f"the rate still rises when the {kind} end: the warm-up is 5 of 5"
    )
    assert caught.value.help == f"take more than 5 {kind}, or a shorter `warmup` in the spec"
    check_warmup({"name": "cosine", "warmup": 5}, 6, 6)
    check_warmup({"name": "cosine", "warmup": 5}, 6, 0)
    check_warmup({"name": "cosine"}, 1, 1)
    check_warmup(None, 1, 0)


@pytest.mark.slow
def test_fewer_epochs_than_the_warm_up_are_refused(tmp_path):
    settings = TRAIN | {"epochs": 9, "schedule": {"name": "cosine", "warmup": 2}}
    refused = Generated.write(tmp_path / "out", train=settings).run("train.py", "--epochs", "2")
    assert refused.code == 1
    assert refused.last("error")["message"] == (
        "the rate still rises when the epochs end: the warm-up is 2 of 2"
    )


def test_nesterov():
    settings = {"name": "sgd", "lr": 0.1, "momentum": 0.9, "nesterov": True}
    assert optimiser(network().parameters(), settings).param_groups[0]["nesterov"]


def test_too_little_memory_is_explained():
    with (
        pytest.raises(StageError, match="too little memory for a batch of 64"),
        memory_errors_explained(64),
    ):
        torch.empty(2**50)
    for words in (
        "CUDA error: out of memory",
        "CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`",
        "cuDNN error: CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED",
    ):
        with (
            pytest.raises(StageError, match="memory for a batch of 64"),
            memory_errors_explained(64),
        ):
            raise RuntimeError(words)
    with pytest.raises(RuntimeError, match="shapes"), memory_errors_explained(64):
        torch.ones(2, 3) @ torch.ones(2, 3)
    with pytest.raises(NotImplementedError), memory_errors_explained(64):
        raise NotImplementedError("one of torch's RuntimeErrors")


@pytest.mark.slow
def test_training_starts_from_a_file_under_the_data_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("NASHC_DATA", str(tmp_path))
    generated = Generated.write(tmp_path / "out", train=TRAIN | {"start": "missing.safetensors"})
    missing = generated.run("train.py")
    assert missing.code == 1
    assert (
        missing.last("error")["message"] == f"there is no file {tmp_path / 'missing.safetensors'}"
    )
    assert missing.last("error")["help"].startswith("--start weights.safetensors of a training")
    save_weights(tmp_path / "other.safetensors", network(), "", {})
    misfit = generated.run("train.py", "--start", "other.safetensors")
    assert "cannot start from" in misfit.last("error")["message"]


ENTRY = {"epoch": 1, "loss": 0.5, "test_loss": 0.75, "is_float": False}


def test_figures_for_tensorboard(tmp_path):
    pytest.importorskip("tensorboard", reason="tensorboard is not installed")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    TensorBoard(tmp_path).write(ENTRY)
    found = EventAccumulator(str(tmp_path)).Reload()
    assert found.Tags()["scalars"] == ["training/loss", "test/loss"]
    assert found.Scalars("test/loss")[0].value == 0.75


def test_without_tensorboard_it_is_said(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(StageError, match="needs the package tensorboard, which is not installed"):
        TensorBoard(tmp_path)
