"""Which FINN it is, and the names of steps that go with it."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import SimpleNamespace

import pytest

from support.finn import options as finn_options
from support.finn import tool as finn_tool
from support.progress import StageError
from support.vivado import config as vivado_config
from support.vivado import steps as vivado_steps

AMD = "finn.transformation.fpgadataflow.convert_to_hw_layers"
PLUS = "finn.transformation.fpgadataflow.convert_to_hw"


@pytest.fixture(params=[(), ("finn",), ("finn", AMD), ("finn", PLUS)], ids=len)
def installed(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch):
    found = request.param
    spec = lambda name: SimpleNamespace(name=name) if name in found else None  # noqa: E731
    monkeypatch.setattr(importlib.util, "find_spec", spec)
    finn_tool.found.cache_clear()
    yield found
    finn_tool.found.cache_clear()


def test_found_by_its_modules(installed: tuple[str, ...]) -> None:
    if len(installed) < 2:
        with pytest.raises(StageError, match=r"no FINN in this Python|older than 0\.10"):
            finn_tool.found()
        return
    assert finn_tool.found().is_plus is (PLUS in installed)
    assert str(finn_tool.found()).startswith("finn-plus" if PLUS in installed else "AMD FINN")


def test_amds_finn_has_other_steps(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """As v0.10.1 of Xilinx/finn names them."""
    names = (
        "step_hw_ipgen",
        "step_set_fifo_depths",
        "step_create_stitched_ip",
        "step_synthesize_bitfile",
        "step_make_pynq_driver",
        "step_deployment_package",
    )
    module = SimpleNamespace(**dict.fromkeys(names))
    monkeypatch.setattr(vivado_steps, "_finn_steps", lambda: module)
    monkeypatch.setattr(vivado_steps, "found", lambda: finn_tool.Tool("AMD FINN", "0.10.1", False))
    job = vivado_config.Job(
        tmp_path, "Pynq-Z1", "xc7z020clg400-1", "vivado_zynq", 5.0, finn_options.DEFAULTS
    )
    assert vivado_steps.steps_of("bitfile", job) == [
        *("ipgen", "fifos", "stitched", "synthesised", "driver", "deployed")
    ]
    assert vivado_steps._finn_step(module, "driver") == "step_make_pynq_driver"
    assert vivado_steps.missing_outputs("fifos", None, job) == [
        str(tmp_path / "final_hw_config.json")
    ]
    with pytest.raises(StageError, match=r"AMD FINN 0\.10\.1 has no step_out_of_context_synthesis"):
        vivado_steps.run("ooc", None, job)


def test_an_option_that_does_not_exist() -> None:
    with pytest.raises(StageError, match="there is no FINN option memmode"):
        finn_options.options_of({"finn": {"memmode": "external"}})
