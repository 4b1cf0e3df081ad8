"""Searched bit widths and numbers of channels: their table is what `nashc estimate` says, what is found is the best within the budget."""

import random
from pathlib import Path

import pytest

from nashc.diagnostics import Diagnostic, SpecError
from nashc.emit.searched_bits import settings_of_bits
from nashc.emit.searched_channels import settings_of_channels
from nashc.lower import lower
from nashc.schema import load
from nashc.space import hardware_terms
from nashc.space.feasible import support_module
from nashc.space.place_table import PlaceTable
from support.budget.expected_joint import ExpectedJointCost
from support.budget.joint_costs import JointCosts
from support.derivation.jointly_within import derive_jointly_within
from support.derivation.places import Place, most_probable, places_text
from support.derivation.within import Derived
from support.progress import StageError
from tests.space.every_choice import every, finds_the_best, finds_the_nearest
from tests.space.expected import is_the_mean
from tests.space.spaces import estimated, places_drawn

SPEC = """nash 1
use basic from "nashc/resnet.nash"
backbone tiny(width = 8, wide = 2 * width) {
  stem:   conv 3x3(width) -> bn -> act -> maxpool 3x3(stride = 2)
  group0: basic(width) * 2
  group1: basic(wide, stride = 2, project = true)
  head:   avgpool -> fc: linear(classes)
}
network tiny {
  input    = UINT8 1x16x16
  classes  = 10
  backbone = tiny(%(arguments)s)
  %(cell)s
  bits { %(bits)s }
}
%(genotype)s
search { data = folder("images"); precision = quantised }
target { board = %(board)s }
"""
CELL = "cell in each group { ops = [maxpool 3x3, identity, conv 1x1, conv 3x3] }"
GENOTYPE = """genotype {
  group0 = conv 3x3 from 0, identity from 1, maxpool 3x3 from 0, conv 1x1 from 3
  group1 = conv 1x1 from 0, identity from 1
}"""
SPACES = {
    "groups": {"bits": "group* = [w1a1, w1a2, w2a1, w4a4]; stem.conv.act = a1"},
    "groups at a rate": {"bits": "group* = [w1a1, w4a4, w8a8]", "board": "U250; fps = 60000"},
    "layers": {"bits": "group*.block*.conv* = [w1a1, w2a2]; group*.block*.add* = [a1, a3]"},
    "weights and stem": {"bits": "*.conv1 = [w1, w2, w5]; stem* = [w4a1, w8a2]"},
    "a fixed cell": {
        "bits": "group* = [w1a1, w1a2, w2a2]; stem* = [w8a1, w8a4]",
        "cell": CELL,
        "genotype": GENOTYPE,
    },
    "channels": {"bits": "group* = w1a2", "arguments": "width = [2, 8, 12], wide = [16, 5, 32]"},
    "channels at a rate": {
        "bits": "group* = w4a4",
        "arguments": "width = [2, 8, 5, 16]",
        "board": "U250; fps = 60000",
    },
    "channels and bits": {
        "bits": "group* = [w1a1, w4a2]; stem* = w4a1",
        "arguments": "width = [3, 8], wide = [8, 24]",
    },
    "channels of a fixed cell": {
        "bits": "nas = w1a4",
        "arguments": "width = [4, 8], wide = [16, 24]",
        "cell": CELL,
        "genotype": GENOTYPE,
    },
}


def write(folder: Path, **values: str) -> Path:
    path = folder / "space.nash"
    usual = {"cell": "", "genotype": "", "board": "U250", "arguments": "width = 8"}
    path.write_text(SPEC % {**usual, **values}, encoding="utf-8")
    return path


@pytest.fixture(params=SPACES)
def space(request, tmp_path: Path) -> Path:
    return write(tmp_path, **SPACES[request.param])


def test_the_table_says_what_the_estimate_of_the_found_file_says(space: Path) -> None:
    spec = load(space)
    costs = JointCosts.of(PlaceTable(spec).to_json())
    rules = settings_of_bits(spec, lower(spec)), settings_of_channels(spec)
    rnd = random.Random(1)
    for _ in range(6):
        places = places_drawn(costs, rnd)
        chosen = most_probable(places)
        block = places_text("tiny", *rules, places, chosen)
        assert costs.of_network(costs.picks({}, chosen)) == estimated(space, block), block


@pytest.mark.parametrize(
    "name", ["groups at a rate", "layers", "weights and stem", "channels and bits"]
)
def test_what_is_found_is_within_the_budget_and_the_best(name: str, tmp_path: Path) -> None:
    finds_the_best(JointCosts.of(PlaceTable(load(write(tmp_path, **SPACES[name]))).to_json()))


def test_the_nearest_widths_exceed_by_the_smallest_factor(tmp_path: Path) -> None:
    finds_the_nearest(
        JointCosts.of(PlaceTable(load(write(tmp_path, **SPACES["groups"]))).to_json())
    )


def test_no_budget_takes_the_most_probable_widths_and_a_small_one_is_refused(
    tmp_path: Path,
) -> None:
    costs = JointCosts.of(PlaceTable(load(write(tmp_path, **SPACES["groups"]))).to_json())
    places = places_drawn(costs, random.Random(3))
    likeliest = {it.name: max(zip(it.weights, it.alternatives, strict=True))[1] for it in places}
    loose = derived_within(places, costs, 10**9)
    assert most_probable(places) == loose.chosen == likeliest
    assert loose.displaced_places == [] and loose.answer.loss == 0
    limit = costs.of_network(costs.picks({}, likeliest))["lut"] - 1
    tight = derived_within(places, costs, limit)
    assert tight.figures == costs.of_network(costs.picks({}, tight.chosen))
    assert tight.figures["lut"] <= limit
    assert tight.displaced_places and tight.answer.loss > 0
    assert tight.displaced_places == [
        (name, width, tight.chosen[name])
        for name, width in likeliest.items()
        if width != tight.chosen[name]
    ]
    with pytest.raises(StageError, match="no network of this search stays within lut <= 10"):
        derived_within(places, costs, 10)
    with pytest.raises(
        StageError, match="prices other bit widths or channels than the search chose from"
    ):
        derived_within(places[:1], costs, 10**9)


def derived_within(places: list[Place], costs: JointCosts, most_lut: int) -> Derived:
    return derive_jointly_within({}, "v3", places, costs, {"lut": most_lut})


def refused(path: Path, budget: str) -> Diagnostic:
    path.write_text(path.read_text().replace("precision =", f"budget {{ {budget} }}; precision ="))
    with pytest.raises(SpecError) as error:
        hardware_terms(load(path))
    [problem] = error.value.diagnostics
    return problem


def test_a_rate_that_no_widths_reach_without_folding(tmp_path: Path) -> None:
    problem = refused(write(tmp_path, **SPACES["groups"]), "fps > 1M")
    assert problem.message.endswith("the fastest needs 36,864 cycles, 5,425.3 frames a second")
    assert problem.help == "fps >= 5425 can be met; `fps` in `target` lets FINN fold for more"


def test_widths_that_are_too_many_to_be_looked_at_together(tmp_path: Path, monkeypatch) -> None:
    solver = support_module("budget.joint_within")
    monkeypatch.setitem(solver.StateGraph.__init__.__globals__, "MOST_ARCS", 10)
    problem = refused(write(tmp_path, **SPACES["layers"]), "lut < 1M")
    assert problem.code == "NASH312"
    assert (
        problem.message == "too many bit widths depend on each other to be reckoned with together"
    )


@pytest.mark.parametrize("name", ["groups", "channels", "channels and bits"])
def test_the_expected_cost_is_the_mean_and_its_gradient_that_of_differences(
    name: str, tmp_path: Path
) -> None:
    torch = pytest.importorskip("torch")
    costs = JointCosts.of(PlaceTable(load(write(tmp_path, **SPACES[name]))).to_json())
    weights = {"lut": 1e-3, "bram18": 0.3, "cycles": 1e-4}
    expected = ExpectedJointCost(costs, (), "v3", weights)
    generator = torch.Generator().manual_seed(0)
    alphas = [torch.randn(len(its), generator=generator).double() for _, its in costs.places]
    shares = [torch.softmax(alpha, 0).tolist() for alpha in alphas]
    is_the_mean(expected, costs, every(costs), shares, alphas)
