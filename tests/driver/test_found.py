"""What a search found: a spec beside the project, which later commands take up."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from nashc.diagnostics import SpecError
from nashc.driver.compile import compile_spec
from nashc.driver.display import display
from nashc.driver.estimate import Question, answer
from tests.driver.lab import Lab


def test_the_found_architecture_is_a_spec(lab: Lab):
    outcome = lab.run()
    key = outcome.results["search"].key
    text = (lab.out / "found.nash").read_text()
    assert text.splitlines()[2].startswith(f"# search {key}: 15 epochs on digits, batch 64, seed 2")
    assert 'extends "../../quickstart.nash"\n\ngenotype {\n' in text
    # It says what was searched, so it gives the same network as the run.
    from nashc.schema import load

    assert not load(lab.out / "found.nash").is_searched


def test_estimate_points_at_what_the_search_found(lab: Lab, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(lab.folder)
    question = Question(Path("quickstart.nash"), {}, "finn-plus-1.6")

    def help_text() -> str:
        with pytest.raises(SpecError) as refused:
            answer(question)
        return refused.value.diagnostics[0].help

    assert help_text().startswith("`nashc run quickstart.nash --to search` finds it and writes")
    lab.run(last="search")
    assert help_text() == (
        "a search has written build/quickstart/found.nash: estimate that, or write a genotype"
    )
    shutil.copy("quickstart.nash", "other.nash")  # a spec whose network is called the same
    question = replace(question, spec=Path("other.nash"))
    assert help_text().startswith("`nashc run other.nash --to search` finds it")


def test_a_changed_clock_changes_nothing_of_what_was_found(lab: Lab):
    lab.run()
    text = (lab.out / "found.nash").read_text()
    lab.edit("clock = 100 MHz", "clock = 200 MHz")
    lab.run()
    assert (lab.out / "found.nash").read_text() == text


def test_overrides_become_part_of_the_found_spec(lab: Lab):
    lab.run(overrides={"bits": "w2a2"})
    text = (lab.out / "found.nash").read_text()
    assert 'extends "../../quickstart.nash" with { bits = w2a2 }' in text


def test_compile_takes_up_what_the_search_found(lab: Lab):
    before = compile_spec(lab.request())
    assert before.project.lacks_genotype and not (lab.out / "model.py").exists()
    key = lab.run(last="search").results["search"].key
    after = compile_spec(lab.request())
    assert after.search == key and (lab.out / "model.py").exists()


def test_compile_takes_up_a_found_file_without_its_result(lab: Lab):
    key = lab.run(last="search").results["search"].key
    (lab.out / "results").rename(lab.folder / "gone")
    assert compile_spec(lab.request()).search == key
    lab.edit("epochs = 15", "epochs = 16")
    assert compile_spec(lab.request()).search is None


def test_the_found_spec_in_its_own_folder_survives_a_run(lab: Lab):
    lab.run()
    found = lab.out / "found.nash"
    text = found.read_text()
    from dataclasses import replace

    from nashc.driver.run import run

    lab.calls()
    with (lab.folder / "screen").open("a") as stream:
        run(replace(lab.request(), spec=found), display(stream))
    assert found.read_text() == text
    assert lab.called() == []
