"""Settings of `train`: what they become, and what is said of wrong ones."""

from pathlib import Path

import pytest

from nashc.diagnostics import SpecError
from nashc.emit.settings import settings
from nashc.schema import load
from tests.paths import ROOT

SPEC = (ROOT / "specs" / "quickstart.nash").read_text()


def trained_with(folder: Path, text: str) -> Path:
    head, _, rest = SPEC.partition("train {")
    path = folder / "x.nash"
    path.write_text(f"{head}train {{\n  data = digits\n  {text}\n}}{rest.partition('}')[2]}")
    return path


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("ema = 0.999", {"ema": 0.999}),
        ('start = "w.safetensors"', {"start": "w.safetensors"}),
        (
            "optimiser = sgd(nesterov = true)",
            {
                "optimiser": {
                    "name": "sgd",
                    "lr": 0.025,
                    "momentum": 0.9,
                    "weight_decay": 3e-4,
                    "nesterov": True,
                }
            },
        ),
        (
            "schedule = multistep(at = [30, 60])",
            {"schedule": {"name": "multistep", "at": (30, 60), "by": 0.1, "warmup": 0}},
        ),
        (
            "float_epochs = 3\n  distil = float",
            {"distil": {"name": "float", "weight": 0.5, "temperature": 4.0}, "float_epochs": 3},
        ),
    ],
)
def test_settings(tmp_path: Path, text: str, wanted: dict[str, object]) -> None:
    found = settings(load(trained_with(tmp_path, text)))["train"]
    assert {key: found[key] for key in wanted} == wanted


@pytest.mark.parametrize(
    ("text", "code", "message"),
    [
        ("ema = 1.5", "NASH105", "`ema`"),
        ("float_epochs = -1", "NASH105", "`float_epochs`"),
        ("distil = float", "NASH105", "`distil` needs a float network to learn from"),
        ("distil = friend", "NASH107", "friend"),
        ("float_epochs = 1\n  distil = float(weight = 2)", "NASH105", "`weight`"),
        ("optimiser = adamw(beta = 1)", "NASH110", "`beta`"),
        (
            "optimiser = sgd(momentum = 0, nesterov = true)",
            "NASH105",
            "Nesterov's momentum needs a momentum, and `momentum` is 0",
        ),
        (
            "schedule = multistep(at = [60, 30])",
            "NASH105",
            "the epochs of a multistep schedule rise",
        ),
        ("start = 3", "NASH104", "`start`"),
        (
            "epochs = 9\n  float_epochs = 5\n  warmup = 5",
            "NASH105",
            "the rate still rises when the float epochs end: `warmup` is 5 of 5",
        ),
    ],
)
def test_wrong_settings(tmp_path: Path, text: str, code: str, message: str) -> None:
    with pytest.raises(SpecError) as caught:
        load(trained_with(tmp_path, text))
    [found] = caught.value.diagnostics
    assert (found.code, message in found.message) == (code, True), found.message
    assert found.span is not None
