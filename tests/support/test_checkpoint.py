"""Weights and interrupted work come back to the bit, and never into another network."""

import json
import os
import signal
import time

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from support.files import keep_as, remove_leftovers  # noqa: E402
from support.progress import Diverged, StageError  # noqa: E402
from support.training.checkpoint import (  # noqa: E402
    Checkpoint,
    check_finite,
    code_digest,
    load_checkpoint,
    load_weights,
    random_state,
    read,
    save_checkpoint,
    save_weights,
    set_random_state,
)

pytestmark = pytest.mark.torch


def network(width=3):
    return nn.Sequential(nn.Conv2d(1, width, 3), nn.BatchNorm2d(width))


def test_a_state_of_any_shape_comes_back_to_the_bit(tmp_path):
    model = network()
    optimiser = torch.optim.Adam(model.parameters(), lr=0.1, betas=(0.5, 0.9))
    model(torch.randn(2, 1, 5, 5)).square().mean().backward()
    optimiser.step()
    state = {
        "optimiser": optimiser.state_dict(),
        "random": torch.get_rng_state(),
        "score": {"loss": 0.1 + 0.2, "none": None},
        "history": [{"epoch": 1, "tuple": (1, "a")}],
    }
    path = tmp_path / "checkpoint.safetensors"
    save_checkpoint(path, Checkpoint({"seed": 1}, state))
    found = load_checkpoint(path).state
    assert json.dumps(_as_plain(found)) == json.dumps(_as_plain(state))
    assert found["optimiser"]["param_groups"][0]["betas"] == (0.5, 0.9)
    assert found["optimiser"]["state"].keys() == {0, 1, 2, 3}


def _as_plain(value):
    if isinstance(value, torch.Tensor):
        return [str(value.dtype), value.tolist()]
    if isinstance(value, dict):
        return [[key, _as_plain(item)] for key, item in value.items()]
    if isinstance(value, list | tuple):
        return [type(value).__name__, [_as_plain(item) for item in value]]
    return value


def test_weights(tmp_path):
    path = tmp_path / "weights.safetensors"
    trained, other = network(), network()
    save_weights(path, trained, "digest", {"top1": 0.97})
    assert load_weights(path, other, "digest") == {"top1": 0.97}
    for name, tensor in trained.state_dict().items():
        assert torch.equal(tensor, other.state_dict()[name])


def refusal(path, into=None, digest="digest"):
    with pytest.raises(StageError) as caught:
        load_weights(path, into or network(), digest)
    return caught.value.message.replace(str(path), "FILE")


def test_missing_and_broken_weights_have_a_way_out(tmp_path):
    path = tmp_path / "weights.safetensors"
    for content in (None, b"", b"no tensors"):
        if content is not None:
            path.write_bytes(content)
        with pytest.raises(StageError) as caught:
            load_weights(path, network(), "digest")
        assert caught.value.help == "run train.py, or name other weights with --weights"


def test_what_is_refused(tmp_path):
    path = tmp_path / "weights.safetensors"
    assert refusal(path) == "there is no file FILE"
    save_weights(path, network(), "digest", {})
    wanted = "FILE was trained for another network than the model.py here"
    assert refusal(path, digest="another") == wanted
    wanted = "FILE: 0.bias has the shape (3,), the network wants (4,)"
    assert refusal(path, into=network(4)) == wanted
    assert refusal(path, into=nn.Conv2d(1, 3, 3)) == "FILE has 0.bias, the network has not"
    path.write_bytes(path.read_bytes()[:-50])
    assert refusal(path).startswith("FILE is broken or was not written by a program of this folder")
    path.write_bytes(b"")
    assert refusal(path).startswith("FILE is broken")


def test_a_bit_that_was_lost_is_noticed_wherever_it_was(tmp_path):
    path = tmp_path / "checkpoint.safetensors"
    state = {"network": network().state_dict(), "random": random_state(), "lr": 1e-3}
    save_checkpoint(path, Checkpoint({"seed": 1}, state))
    content = path.read_bytes()
    draws = np.random.default_rng(0)
    for place in draws.integers(len(content), size=300):
        damaged = bytearray(content)
        damaged[place] ^= 1 << draws.integers(8)
        path.write_bytes(damaged)
        with pytest.raises(StageError, match=r"is broken|reads 2"):
            load_checkpoint(path)


def test_a_pickle_is_refused(tmp_path):
    path = tmp_path / "weights.pth"
    torch.save(network().state_dict(), path)
    assert refusal(path).startswith("FILE is broken")


def test_weights_are_no_checkpoint(tmp_path):
    path = tmp_path / "weights.safetensors"
    save_weights(path, network(), "digest", {})
    with pytest.raises(StageError, match="is no checkpoint, or one of an older program"):
        load_checkpoint(path)


def test_a_gpu_that_is_not_in_use_is_left_alone(monkeypatch):
    """Its generator cannot be asked without a context there: some 500 MB."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    for name in ("get_rng_state", "set_rng_state"):
        monkeypatch.delattr(torch.cuda, name)
    state = random_state()
    drawn = torch.rand(3)
    set_random_state(state | {"cuda": torch.zeros(16, dtype=torch.uint8)})  # saved on a GPU
    assert torch.equal(torch.rand(3), drawn)


def test_what_is_no_number_is_named():
    optimiser = {
        "state": {0: {"step": torch.tensor(3), "momentum": torch.tensor([1.0, -torch.inf])}}
    }
    check_finite({"network": network().state_dict(), "history": [{"loss": 0.5}]}, "epoch 1, step 2")
    with pytest.raises(Diverged) as caught:
        check_finite({"network": network().state_dict(), "optimiser": optimiser}, "epoch 1, step 2")
    assert caught.value.message == (
        "optimiser/state/0/momentum is infinite or no number at epoch 1, step 2, and was not saved"
    )


def test_a_write_that_fails_leaves_the_old_file(tmp_path):
    path = tmp_path / "checkpoint.safetensors"
    save_checkpoint(path, Checkpoint({}, {"epoch": 1}))
    with pytest.raises(TypeError):
        save_checkpoint(path, Checkpoint({}, {"epoch": object()}))
    assert load_checkpoint(path).state == {"epoch": 1}
    assert [file.name for file in tmp_path.iterdir()] == [path.name]
    assert read(path)[0] == {}


def test_a_full_disk(tmp_path):
    resource = pytest.importorskip("resource")
    path = tmp_path / "checkpoint.safetensors"
    save_checkpoint(path, Checkpoint({}, {"epoch": 1}))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
    try:
        with pytest.raises(StageError) as caught:
            save_checkpoint(path, Checkpoint({}, {"tensor": torch.zeros(10_000)}))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert caught.value.message == f"cannot write {path}: file too large"
    assert caught.value.help == "make room on the disk and run again"
    assert load_checkpoint(path).state == {"epoch": 1}
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def test_a_place_that_cannot_be_written(tmp_path):
    (tmp_path / "file").touch()
    path = tmp_path / "file" / "checkpoint.safetensors"
    with pytest.raises(StageError) as caught:
        save_checkpoint(path, Checkpoint({}, {}))
    assert caught.value.message == f"cannot write {path}: file exists"
    assert caught.value.help == "choose another place with --out"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills processes that it forked")
def test_whenever_a_writer_is_killed_the_file_is_whole(tmp_path):
    path, previous = (tmp_path / f"{name}.safetensors" for name in ("checkpoint", "previous"))
    states = [{"tensor": torch.full((50_000,), float(number))} for number in (1, 2)]
    save_checkpoint(path, Checkpoint({}, states[0]))
    for moment_s in np.linspace(0.001, 0.05, 20):
        child = os.fork()
        if child == 0:
            while True:
                for state in states:
                    keep_as(path, previous)
                    save_checkpoint(path, Checkpoint({}, state))
        time.sleep(moment_s)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        for file in (path, previous):
            if file == path or file.exists():
                found = load_checkpoint(file).state["tensor"]
                assert found.unique().tolist() in ([1.0], [2.0])
    remove_leftovers(tmp_path)
    assert {file.name for file in tmp_path.iterdir()} <= {path.name, previous.name}


def test_the_digest_of_code_ignores_comments_and_layout(tmp_path):
    def digest(text):
        file = tmp_path / "model.py"
        file.write_text(text)
        return code_digest(file)

    plain = digest("x = conv(3, bits=4)\n")
    assert digest("x = conv(\n    3, bits=4\n)  # small.nash:4\n\n") == plain
    assert digest("x = conv(3, bits=2)\n") != plain
