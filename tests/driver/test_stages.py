"""Each stage reads what it declares, so that its key cannot be too small."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from nashc import emit, resources
from nashc.driver.key import program_files
from nashc.lower import lower
from nashc.schema import load
from nashc.stages import STAGES, Stage
from tests.driver.lab import QUICKSTART
from tests.driver.stand_in import GENOTYPE


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """All files of a project that can do every stage."""
    path = tmp_path_factory.mktemp("spec") / "quickstart.nash"
    text = QUICKSTART.read_text().replace("search {", "search {\n  budget { fits = target }")
    path.write_text(text + GENOTYPE)
    spec = load(path)
    return emit.project(spec, lower(spec))


@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: stage.name)
def test_the_program_and_its_settings_are_emitted(stage: Stage, files: dict[str, str]):
    assert stage.program in files
    assert {f"settings/{name}" for name in stage.settings} <= set(files)


@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: stage.name)
def test_the_program_opens_no_settings_but_those_declared(stage: Stage, files: dict[str, str]):
    opened = set(re.findall(r'"settings" / "(\w+\.json)"', files[stage.program]))
    assert opened <= {*stage.settings, *stage.optional_settings}


@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: stage.name)
def test_the_program_knows_the_options_it_is_given(stage: Stage, files: dict[str, str]):
    text = "".join(files[path] for path in program_files(stage, files))
    options = {"--out", *(take.option for take in stage.takes)}
    options |= {"--data"} if stage.reads_data else set()
    options |= {"--resume"} if stage.can_resume else set()
    options |= {word for word in stage.arguments if word.startswith("--")}
    assert {option for option in options if f'"{option}"' not in text} == set()


def test_training_is_independent_of_hardware(files: dict[str, str]):
    train = next(stage for stage in STAGES if stage.name == "train")
    parts = program_files(train, files)
    assert "model.py" in parts and "support/layers/quantisers.py" in parts
    assert not {"lowering.py", "support/finn/hardware.py"} & set(parts)


def test_every_program_of_the_templates_belongs_to_a_stage():
    programs = {path.name for path in (resources.template_root() / "programs").glob("*.py")}
    assert programs == {Path(stage.program).name for stage in STAGES}
