"""From specs and swept values to points."""

from __future__ import annotations

from pathlib import Path

import pytest

from nashc.diagnostics import SpecError
from nashc.pareto.sweep import Point, Question, points
from tests.pareto.networks import write


@pytest.fixture
def specs(tmp_path: Path) -> dict[str, Path]:
    return write(tmp_path)


def swept(paths: list[Path], sweeps: dict[str, str], **settings: str) -> tuple[Point, ...]:
    values = {name: tuple(text.split(",")) for name, text in sweeps.items()}
    return points(Question(tuple(paths), values, settings))


def mistake(*question: object, **settings: str) -> tuple[str, str, str]:
    with pytest.raises(SpecError) as caught:
        swept(*question, **settings)  # type: ignore[arg-type]
    [problem] = caught.value.diagnostics
    return problem.code, problem.message, problem.help


def test_every_combination_of_what_a_spec_declares_is_a_point(specs):
    found = swept([specs["plain"], specs["v3"]], {"bits": "w1a2,w4a4", "strength": "0.1,1.0"})
    assert [point.label for point in found] == [
        "plain w1a2",
        "plain w4a4",
        "v3 w1a2",
        "v3 w4a4",
    ]
    # Nothing in v3 uses `strength`: two of its values are one network.
    assert [len(point.trials) for point in found] == [1, 1, 1, 1]
    assert [dict(trial.seeds) for point in found for trial in point.trials] == [{}] * 4
    assert [point.bits for point in found] == ["w1a2", "w4a4"] * 2


def test_seeds_of_the_training_are_trials_of_one_point(specs):
    found = swept([specs["plain"]], {"seed": "1,2,3", "bits": "w1a2,w2a2"})
    assert [point.label for point in found] == ["plain w1a2", "plain w2a2"]
    assert [dict(trial.seeds) for trial in found[0].trials] == [
        {"seed": "1"},
        {"seed": "2"},
        {"seed": "3"},
    ]
    assert len({trial.digest for trial in found[0].trials}) == 3
    assert found[0].trials[2].overrides == {"seed": "3", "bits": "w1a2"}


def test_a_seed_that_the_search_takes_too_makes_another_point(specs):
    text = specs["searched"].read_text().replace("seed   = 2", "seed   = seed")
    specs["searched"].write_text(text)
    found = swept([specs["searched"]], {"seed": "1,2"})
    assert [point.label for point in found] == ["searched seed=1", "searched seed=2"]


def test_one_curve_joins_points_along_the_first_swept_parameter(specs):
    found = swept([specs["plain"]], {"bits": "w1a2,w2a2", "fps": "100,10000"})
    assert [point.series for point in found] == [
        ("plain", "fps=100"),
        ("plain", "fps=10000"),
        ("plain", "fps=100"),
        ("plain", "fps=10000"),
    ]


def test_networks_of_one_name_go_by_their_files(specs, tmp_path: Path):
    other = tmp_path / "other.nash"
    other.write_text(specs["plain"].read_text())
    found = swept([specs["plain"], other, specs["v3"]], {})
    assert [point.network for point in found] == ["plain", "other", "v3"]


@pytest.mark.parametrize(
    ("files", "names"),
    [
        (["x/a", "y/a", "z/a-2"], ["a", "a-3", "a-2"]),
        (["x/a-2", "y/a", "z/a", "w/a-3"], ["a-2", "a", "a-4", "a-3"]),
        (["x/a", "y/A", "z/A-2"], ["a", "A-3", "A-2"]),
        (["x/e\u0301", "y/\u00e9"], ["e\u0301", "\u00e9-2"]),
        (["x/points.csv", "y/pareto.html"], ["points.csv-2", "pareto.html-2"]),
        (["x/..", "y/."], ["plain", "plain-2"]),
        (["x/a", "x/../x/a", "y/b"], ["a", "b"]),  # the same file twice
    ],
)
def test_no_two_networks_share_a_folder(files, names, specs, tmp_path: Path):
    paths = [tmp_path / f"{name}.nash" for name in files]
    for path in paths:
        path.parent.mkdir(exist_ok=True)
        path.write_text(specs["plain"].read_text())
    assert [point.network for point in swept(paths, {})] == names


def test_an_unknown_parameter(specs):
    assert mistake([specs["plain"]], {"bitz": "w2a2"}) == (
        "NASH113",
        "the spec has no parameter `bitz`",
        "did you mean `bits`?",
    )
    code, message, _ = mistake([specs["plain"], specs["v3"]], {}, width="8")
    assert (code, message) == ("NASH113", "none of the specs has a parameter `width`")


def test_a_value_that_is_not_allowed_is_told_as_set_tells_it(specs):
    assert mistake([specs["plain"]], {"bits": "w2a2,w3a3"}) == (
        "NASH114",
        "parameter `bits` cannot be `w3a3`",
        "legal are w1a2, w2a2, w4a4",
    )


def test_a_network_that_cannot_be_is_a_point_with_a_problem(specs):
    found = swept([specs["plain"]], {"fps": "0,100"})
    assert [point.problem and point.problem.code for point in found] == ["NASH105", None]
    assert found[0].label == "plain fps=0"
