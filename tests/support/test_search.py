"""search.py in a compiled folder: it leaves a genotype and its history, stops and goes on."""

import json
import math
import signal

import pytest

pytest.importorskip("torch")
pytest.importorskip("sklearn")

from generated import DATA, SEARCH, Generated
from PIL import Image

pytestmark = [pytest.mark.torch, pytest.mark.slow]

FILES = ("genotype.json", "found.nash", "search.jsonl")


@pytest.fixture(scope="module")
def searched(tmp_path_factory):
    generated = Generated.write(tmp_path_factory.mktemp("searched"))
    finished = generated.run("search.py")
    assert finished.code == 0, finished.errors
    return generated.folder / "results" / "search", finished


def test_what_a_search_leaves(searched):
    results, finished = searched
    genotype = json.loads((results / "genotype.json").read_text())
    assert genotype["cells"].keys() == {"group0", "group1"}
    assert [choice["node"] for choice in genotype["cells"]["group1"]] == [1, 2]
    provenance = genotype["provenance"]
    assert (provenance["seed"], provenance["epochs"], provenance["data"]) == (2, 2, "digits")
    assert len(provenance["weights"]["group0"]) == 3
    assert finished.last("result")["cells"] == genotype["cells"]

    text = (results / "found.nash").read_text()
    assert text.startswith(
        "# Found by nashc for small: policy v3, estimator binary_gate,\n"
        "# 2 epochs on digits, batch 64, seed 2.\n"
        "# warning: 6 of 6 edges are undecided: "
    )
    assert provenance["findings"]["undecided_edges"][0] == "group0 0-1"
    for cell, choices in genotype["cells"].items():
        flow = ", ".join(f"{it['op']} from {it['from']}" for it in choices)
        assert f"  {cell} = {flow}\n" in text


def test_the_history(searched):
    results, finished = searched
    assert any(
        e.get("text", "").endswith(": 6 edges, 2 epochs of 11 steps, seed 2")
        for e in finished.events
    )
    history = [json.loads(line) for line in (results / "search.jsonl").read_text().splitlines()]
    assert [entry["epoch"] for entry in history] == [1, 2]
    edge = history[0]["cells"]["group0"]["0-2"]
    # 11 steps an epoch, each with an architecture update and a weight update: 22 draws on each edge.
    assert sum(edge["sampled"]) == 22
    assert len(edge["alpha"]) == len(edge["sampled"]) == 6
    assert 1.7 < edge["entropy_nats"] < 1.792
    # 11 steps an epoch: of the last one, not of one that never was.
    steps = [11 * (it["epoch"] - 1) + 10 for it in history]
    assert [it["lr"] for it in history] == pytest.approx(
        [0.05 * (1 + math.cos(math.pi * step / 22)) for step in steps]
    )


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_interrupted_and_resumed_search_ends_the_same(searched, tmp_path, number):
    whole, _ = searched
    generated = Generated.write(tmp_path / "out")
    every = ("--save-steps", "2")
    stopped = generated.interrupted("search.py", number, *every, after_epochs=0.4)
    assert stopped.code == (143 if number == signal.SIGTERM else -signal.SIGKILL)
    resumed = generated.run("search.py", "--resume")
    assert resumed.code == 0, resumed.errors
    assert any(e.get("text", "").startswith("going on at epoch 1, step ") for e in resumed.events)
    for name in FILES:
        found = generated.folder / "results" / "search" / name
        assert found.read_bytes() == (whole / name).read_bytes(), name


def test_images_that_the_training_behind_it_lacks(tmp_path):
    """Told before the first epoch. The search reads the digits, the training pictures without a val or test folder."""
    pictures = tmp_path / "pictures"
    for name in ("cat", "dog"):
        (pictures / "train" / name).mkdir(parents=True)
        Image.new("L", (8, 8)).save(pictures / "train" / name / "1.png")
    generated = Generated.write(tmp_path / "out", search=SEARCH | {"data": DATA})
    folders = DATA | {"kind": "folder", "path": "elsewhere", "classes": 2}
    (generated.folder / "settings" / "data.json").write_text(json.dumps(folders))
    failed = generated.run("search.py", "--training-data", str(pictures))
    assert failed.code == 1
    assert failed.last("error")["message"] == (
        f"training cannot follow: {pictures} has no test or val folder with class folders"
    )
    assert not any(event["event"] == "progress" for event in failed.events)


def test_an_unknown_estimator(tmp_path):
    generated = Generated.write(tmp_path / "out", search=SEARCH | {"estimator": {"name": "oracle"}})
    failed = generated.run("search.py")
    assert failed.code == 1
    assert failed.last("error")["message"] == "no estimator is called 'oracle'"


def test_alphas_that_are_no_numbers(tmp_path):
    """The weights of the first step are saved, what the architecture became in the second is not."""
    every = ("--alpha-lr", "1e38", "--save-steps", "1")
    failed = Generated.write(tmp_path / "out").run("search.py", *every)
    assert failed.code == 1
    error = failed.last("error")
    assert error["message"] == "an alpha is infinite or no number at epoch 1, step 2"
    assert error["help"] == (
        "lower the learning rate of the alphas (it is 1e+38); the same command with --resume, --lr X, --alpha-lr X, "
        "--clip X goes on at epoch 1, step 2"
    )


def test_gradients_of_the_weights_that_are_no_numbers(tmp_path):
    """The loss before them was fine: the step is not made, and what was saved goes on."""
    generated = Generated.write(tmp_path / "out", search=SEARCH | {"epochs": 1})
    every = ("--save-steps", "4")
    diverged = generated.interrupted("search.py", None, *every, after_epochs=0.4)
    assert diverged.code == 1
    error = diverged.last("error")
    assert error["message"] == "the norm of the gradients is inf at epoch 1, step 6, weights"
    assert error["help"].startswith("lower the learning rate (it is 0.0")
    assert error["help"].endswith(
        "clip the gradients; the same command with --resume, --lr X, --alpha-lr X, --clip X goes on at epoch 1, step 5"
    )
    resumed = generated.run("search.py", "--resume", "--lr", "0.01")
    assert resumed.code == 0, resumed.errors


def test_several_seeds_in_one_command(tmp_path):
    generated = Generated.write(tmp_path / "out")
    finished = generated.run("search.py", "--seeds", "2", "--epochs", "1")
    assert finished.code == 0, finished.errors
    results = generated.folder / "results" / "search"
    provenance = json.loads((results / "genotype.json").read_text())["provenance"]
    assert [it["seed"] for it in provenance["spread"]["seeds"]] == [2, 3]
    assert provenance["seed"] in (2, 3)
    assert "# The best of 2 seeds: validation " in (results / "found.nash").read_text()
    assert all((results / f"seeds.{kind}").stat().st_size > 1000 for kind in ("png", "svg"))
    for seed in (2, 3):
        own = results / f"seed-{seed}"
        assert len((own / "search.jsonl").read_text().splitlines()) == 1
        for name in ("alphas", "cells", "stability"):
            for kind in ("png", "svg"):
                assert (own / f"{name}.{kind}").stat().st_size > 1000
    progress = [event for event in finished.events if event["event"] == "progress"]
    assert {event["total"] for event in progress} == {2}  # of both seeds, for the time left
    done = [event["done"] for event in progress]
    assert done == sorted(done) and done[-1] == 2
