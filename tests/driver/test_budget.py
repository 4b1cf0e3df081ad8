"""A budget is kept by a stage of its own: another budget goes on from the search that there is."""

import pytest

from nashc.driver.compile import compile_spec
from tests.driver.lab import Lab

BUDGET = "search {\n  budget { lut < %d }\n"


@pytest.fixture
def budget(lab: Lab) -> Lab:
    lab.edit("search {\n", BUDGET % 40_000)
    return lab


def test_a_budget_is_kept_after_the_search(budget: Lab):
    budget.run()
    search, derive, *_ = budget.calls()
    assert [search["stage"], derive["stage"]] == ["search", "derive"]
    [given] = (budget.out / "results" / "search").glob("*/genotype.json")
    assert derive["argv"][:2] == ["--search", str(given.resolve())]
    text = (budget.out / "found.nash").read_text()
    assert "group0 = identity from 0, identity from 1" in text
    assert f"# search {given.parent.name}: 15 epochs on digits" in text
    assert ": within lut <= 39,999\n" in text


def test_another_budget_searches_nothing(budget: Lab):
    budget.run()
    budget.calls()
    budget.edit("lut < 40000", "lut < 30000; fits = U50")
    rows = {row.stage: row for row in budget.plan().rows}
    assert (rows["search"].action, rows["derive"].action) == ("kept", "run")
    assert rows["derive"].why.startswith("derive.limits.bram18: not set -> ")
    assert (rows["train"].action, rows["train"].why) == ("after", "after derive")
    budget.run()
    assert budget.called() == ["derive"]  # it finds the same network, whose training is kept


def test_the_board_and_its_clock_cost_no_search_either(budget: Lab):
    budget.run(last="derive")
    budget.calls()
    budget.edit("100 MHz", "150 MHz")
    budget.run(last="derive")
    assert budget.called() == ["derive"]


def test_a_weight_is_another_search(budget: Lab):
    budget.run(last="derive")
    budget.calls()
    budget.edit("search {\n", "search {\n  cost { lut = 0.5 }\n")
    budget.run(last="derive")
    assert budget.called() == ["search"]  # a stand-in, which ends as the one before


def test_the_search_asked_for_includes_its_budget(budget: Lab):
    budget.run(last="search")
    assert budget.called() == ["search", "derive"]
    assert (budget.out / "model.py").is_file()


def test_a_search_without_a_budget_serves_one_with(lab: Lab):
    lab.run(last="search")
    assert lab.called() == ["search"]
    lab.edit("search {\n", BUDGET % 40_000)
    lab.run(last="search")
    assert lab.called() == ["derive"]


def test_compile_knows_a_found_file_by_its_budget(budget: Lab):
    budget.run(last="search")
    text = (budget.out / "found.nash").read_text()
    (budget.out / "results").rename(budget.folder / "elsewhere")
    assert not compile_spec(budget.request()).project.lacks_genotype
    assert (budget.out / "found.nash").read_text() == text
    budget.edit("lut < 40000", "lut < 30000")
    assert compile_spec(budget.request()).project.lacks_genotype
