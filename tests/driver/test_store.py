"""Results are whole or not there."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from nashc.diagnostics import SpecError
from nashc.driver.key import Key
from nashc.driver.store import Store
from nashc.stages import BY_NAME

TRAIN, ESTIMATE = BY_NAME["train"], BY_NAME["estimate"]
ABOUT = {"duration_s": 1.0, "spec_digest": "d"}
KEY, OTHER = Key({"a": 1}), Key({"a": 2})


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "results")


def train(store: Store, key: Key, label: str = "") -> None:
    partial = store.begin(TRAIN, key.digest, resumes=False)
    for name in TRAIN.gives:
        (partial / name).write_text(key.digest)
    store.finish(TRAIN, key, about={"label": label, **ABOUT}, result={"top1": 1})


def test_a_finished_result_is_found_again(store: Store):
    assert store.find(TRAIN, KEY.digest) is None
    train(store, KEY)
    found = store.find(TRAIN, KEY.digest)
    assert found and found.summary == {"top1": 1}
    assert set(found.outputs) == set(TRAIN.gives)
    assert not store.partial(TRAIN, KEY.digest).exists()


def test_a_result_that_lost_a_file_does_not_count(store: Store):
    train(store, KEY)
    (store.root / "train" / KEY.digest / "weights.safetensors").unlink()
    assert store.find(TRAIN, KEY.digest) is None


def test_a_result_whose_file_was_changed_is_told(store: Store):
    train(store, KEY)
    found = store.find(TRAIN, KEY.digest)
    assert found
    found.check()
    weights = found.folder / "weights.safetensors"
    weights.write_text("mine")
    with pytest.raises(SpecError) as told:
        found.check()
    [diagnostic] = told.value.diagnostics
    assert diagnostic.code == "NASH508"
    assert diagnostic.message == f"{weights} is not what train wrote"
    assert diagnostic.help == "put it back as it was, or make it anew: nashc run --force train"


@pytest.mark.parametrize("field", ["outputs", "result", "material", "label", "duration_s"])
def test_a_record_with_something_else_in_it_does_not_count(store: Store, field: str):
    train(store, KEY)
    record = store.root / "train" / KEY.digest / "stage.json"
    record.write_text(json.dumps(json.loads(record.read_text()) | {field: 3}))
    assert store.find(TRAIN, KEY.digest) is None


@pytest.mark.parametrize("result", [{}, {"top1": 2}])
def test_a_record_that_tells_another_result_does_not_count(store: Store, result: dict):
    train(store, KEY)
    record = store.root / "train" / KEY.digest / "stage.json"
    found = json.loads(record.read_text())
    record.write_text(json.dumps(found))  # laid out anew, and no more
    assert store.find(TRAIN, KEY.digest)
    record.write_text(json.dumps(found | {"result": result}))
    assert store.find(TRAIN, KEY.digest) is None


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", "\x00"])
def test_a_damaged_record_does_not_count(store: Store, text: str):
    train(store, KEY)
    (store.root / "train" / KEY.digest / "stage.json").write_text(text)
    assert store.find(TRAIN, KEY.digest) is None
    assert store.latest(TRAIN) is None


def test_the_latest_result_is_the_one_made_last_for_that_variant(store: Store):
    train(store, OTHER)
    train(store, KEY)
    train(store, Key({"a": 3}), label="bits-w2a2")
    latest = store.latest(TRAIN)
    assert latest and latest.key == KEY.digest


def test_a_forced_stage_takes_the_place_of_its_old_result(store: Store):
    train(store, KEY)
    train(store, KEY)
    assert [path.name for path in (store.root / "train").iterdir()] == [KEY.digest]


def test_what_a_killed_run_was_replacing_goes(store: Store):
    train(store, KEY)
    old = store.root / "train" / f".{KEY.digest}.old.4711"
    (store.root / "train" / KEY.digest).rename(old)
    train(store, OTHER)
    assert [path.name for path in (store.root / "train").iterdir()] == [OTHER.digest]


def test_only_what_was_saved_is_gone_on_with(store: Store):
    partial = store.begin(TRAIN, KEY.digest, resumes=False)
    (partial / "log.txt").write_text("started")
    assert not store.was_interrupted(TRAIN, KEY.digest)
    (partial / "checkpoint").write_text("half")
    assert store.was_interrupted(TRAIN, KEY.digest)
    assert not store.was_interrupted(TRAIN, OTHER.digest)
    assert store.begin(TRAIN, KEY.digest, resumes=True) == partial
    assert (partial / "checkpoint").exists()
    store.begin(TRAIN, KEY.digest, resumes=False)
    assert not (partial / "checkpoint").exists()


def test_without_a_saved_state_other_partial_results_go(store: Store):
    """A log of another state of the spec helps nobody; a checkpoint is hours of work."""
    for key, name in ((KEY, "checkpoint"), (OTHER, "log.txt")):
        (store.begin(TRAIN, key.digest, resumes=False) / name).write_text("begun")
    begun = store.begin(ESTIMATE, KEY.digest, resumes=False)
    (begun / "steps").mkdir()
    store.begin(TRAIN, "new", resumes=False)
    assert not store.partial(TRAIN, OTHER.digest).exists()
    assert store.interrupted([TRAIN, ESTIMATE]) == (store.partial(TRAIN, KEY.digest),)
    assert begun.exists()  # of another stage
    store.begin(ESTIMATE, OTHER.digest, resumes=False)
    assert not begun.exists()


def test_an_estimate_builds_on_the_one_before(store: Store):
    partial = store.begin(ESTIMATE, KEY.digest, resumes=False)
    for name in ("steps/0.onnx", "finn/code.cpp", "estimates.json", "log.txt"):
        (partial / name).parent.mkdir(exist_ok=True)
        (partial / name).write_text(name)
    store.finish(ESTIMATE, KEY, about={"label": "", **ABOUT}, result={})
    following = store.begin(ESTIMATE, OTHER.digest, resumes=False)
    found = sorted(p.relative_to(following).as_posix() for p in following.rglob("*") if p.is_file())
    assert found == ["estimates.json", "steps/0.onnx"]
