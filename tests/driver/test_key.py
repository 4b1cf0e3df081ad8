"""Keys change with what a stage does, and with nothing else."""

from __future__ import annotations

import json
import re

from nashc.driver.key import code_digest, differences, key_of, program_files
from nashc.schema.models import Finn
from nashc.stages import BY_NAME
from tests.paths import ROOT

FILES = {
    "train.py": '"""Trains."""\nimport torch\nfrom support import data\nimport model\n',
    "model.py": "from support.quantisers import IntWeight\n",
    "lowering.py": "",
    "support/__init__.py": "",
    "support/data.py": "def load():\n    from support.files import read\n",
    "support/files.py": "",
    "support/quantisers.py": "",
    "support/finn_hardware.py": "",
    "settings/train.json": '{"epochs": 40, "optimiser": {"lr": 0.002}}',
    "settings/build.json": '{"clock_ns": 10.0}',
}
TRAIN = BY_NAME["train"]


def test_comments_docstrings_and_layout_do_not_count():
    bare = "def f(x):\n    return x + 1\n"
    told = '"""Doc."""\n\n\ndef f(x):  # spec.nash:12\n    """Adds."""\n    return (x + 1)\n'
    assert code_digest(bare) == code_digest(told)


def test_what_a_file_does_counts():
    assert code_digest("x = 4\n") != code_digest("x = 5\n")
    assert code_digest('x = "a"\n') != code_digest('x = "b"\n')


def test_a_program_is_all_that_it_imports():
    assert program_files(TRAIN, FILES) == (
        "model.py",
        "support/__init__.py",
        "support/data.py",
        "support/files.py",
        "support/quantisers.py",
        "train.py",
    )


def test_a_key_ignores_what_the_stage_does_not_read():
    other = {
        **FILES,
        "settings/build.json": '{"clock_ns": 5.0}',
        "support/finn_hardware.py": "x = 1\n",
        "lowering.py": "y = 2\n",
    }
    assert _train_key(FILES) == _train_key(other)


def test_a_key_follows_settings_programs_and_versions():
    settings = FILES["settings/train.json"]
    keys = {
        _train_key(FILES),
        _train_key({**FILES, "settings/train.json": settings.replace("40", "41")}),
        _train_key({**FILES, "support/quantisers.py": "x = 1\n"}),
        key_of(TRAIN, FILES, {}, {"torch": "2.12.1"}).digest,
    }
    assert len(keys) == 4


def test_settings_count_as_values_not_as_text():
    settings = '{"optimiser":{"lr":0.002},\n"epochs":40}'
    assert _train_key(FILES) == _train_key({**FILES, "settings/train.json": settings})


def test_differences_name_the_setting():
    old = key_of(TRAIN, FILES, {"search/a": "1"}, {"torch": "2.12.0"}).material
    changed = {
        **FILES,
        "settings/train.json": '{"epochs": 80, "optimiser": {"lr": 0.002}}',
        "model.py": "x = 1\n",
    }
    new = key_of(TRAIN, changed, {"search/a": "2"}, {"torch": "2.12.1"}).material
    assert differences(old, new) == [
        "train.epochs: 40 -> 80",
        "torch: 2.12.0 -> 2.12.1",
        "search/a is another one",
        "model.py changed",
        "support/quantisers.py is gone",
    ]


def _train_key(files: dict[str, str]) -> str:
    return key_of(TRAIN, files, {}, {}).digest


def test_the_version_of_finn_counts_where_finn_lowers():
    def key(lowering: str, finn: str) -> str:
        files = {"export.py": "", "settings/export.json": f'{{"lowering": "{lowering}"}}'}
        return key_of(BY_NAME["export"], files, {}, {"torch": "2.12", "finn-plus": finn}).digest

    assert key("direct", "1.6.1") == key("direct", "1.7.0")
    assert key("streamline", "1.6.1") != key("streamline", "1.7.0")


def test_estimates_are_kept_whatever_only_vivado_reads():
    def key(stage: str, **finn: object) -> str:
        settings = json.dumps({"clock_ns": 5.0, "shell": "zynq", "finn": finn})
        return key_of(BY_NAME[stage], {"settings/build.json": settings}, {}, {}).digest

    for option, value in DEFAULTS.items():
        usual, other = {**DEFAULTS, option: value}, {**DEFAULTS, option: "another"}
        is_estimated = key("estimate", **usual) != key("estimate", **other)
        assert is_estimated == (option in READ_BY_ESTIMATES), option
        assert key("synthesise", **usual) != key("synthesise", **other)


def test_estimates_read_the_options_that_their_key_holds():
    """`_layer_options` of build_steps.py is what steps up to the estimates are keyed by."""
    text = (ROOT / "templates" / "support" / "build_steps.py").read_text()
    body = text[text.index("def _layer_options") :]
    assert set(re.findall(r'"(\w+)"', body[: body.index("\n\n\n")])) == READ_BY_ESTIMATES


READ_BY_ESTIMATES = {"prefer", "mem_mode", "ram_style"}
DEFAULTS = {**Finn().model_dump(exclude={"lowering"}), "floorplan": {}}
