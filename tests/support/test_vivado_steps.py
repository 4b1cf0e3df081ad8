"""The steps behind code generation with tools that only record how they were called: real FINN, no Vivado."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

pytest.importorskip("brevitas")
pytest.importorskip("finn")

pytestmark = [pytest.mark.finn, pytest.mark.slow]
Program = Callable[..., CompletedProcess[str]]

# Writes down its arguments; HLS fails for one layer as the real one would, or makes the IP of the others.
TOOL = """#!/bin/bash
echo "$(basename $0) $@" >> {record}
folder=$(dirname "$1")
node=$(basename $(find $folder -name 'top_*.cpp') .cpp | sed s/top_//)
if [ "$node" = "{broken}" ]; then
  echo "ERROR: [HLS 200-1715] Encountered problem during source synthesis of $node" >> $folder/vitis_hls.log
  echo "ERROR: [HLS 200-70] Pre-synthesis failed." >> $folder/vitis_hls.log
  exit 1
fi
mkdir -p $folder/project_$node/sol1/impl/ip $folder/project_$node/sol1/impl/verilog
"""
STEP = """
import json, sys
from pathlib import Path
from support.finn import options as finn_options
from support.finn import tool as finn_tool
from support.vivado import config as vivado_config
from support.vivado import steps as vivado_steps
from support.vivado import tools as vivado_tools
from support.files import read_json
from support.progress import StageError
out = Path({out!r})
finn_tool.start(out / "finn")
import finn.xsi
finn.xsi.SimEngine = object  # FINN imports its simulator, which Vivado builds, for an annotation
from qonnx.core.modelwrapper import ModelWrapper
job = vivado_config.Job(
    out, "Pynq-Z1", "xc7z020clg400-1", {shell!r}, 5.0, {{**finn_options.DEFAULTS, **{options!r}}},
    read_json(out / "names.json"), {{"group0.block0.conv1": "own.nash:7"}},
)
try:
    {body}
except StageError as error:
    print("StageError", error.message, "|", error.help)
"""


@pytest.fixture(scope="module")
def generated(program: Program, compiled: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("generated")
    done = program("build.py", "--to", "codegen", "--out", str(out))
    assert done.returncode == 0, done.stderr
    return out


def finn(
    compiled: Path,
    out: Path,
    body: str,
    *,
    tools: Path | None = None,
    shell: str = "vivado_zynq",
    **options: Any,
) -> str:
    """What a piece of Python prints that has a `job`."""
    import os

    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    if tools:
        environment["PATH"] = f"{tools}:{environment['PATH']}"
        environment["XILINX_VIVADO"] = str(tools / "Vivado" / "2024.1")
    text = STEP.format(out=str(out), body=body, options=options, shell=shell)
    done = subprocess.run(
        [sys.executable, "-c", text],
        cwd=compiled,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def tools(generated: Path, tmp_path: Path) -> Path:
    """A folder of programs called as AMD's are. HLS fails for group0.block0.conv1."""
    names = json.loads((generated / "names.json").read_text())
    broken = next(node for node, name in names.items() if name == "group0.block0.conv1")
    for name in ("vivado", "vitis_hls", "v++"):
        program = tmp_path / name
        program.write_text(TOOL.format(record=tmp_path / "record", broken=broken))
        program.chmod(0o755)
    (tmp_path / "Vivado" / "2024.1").mkdir(parents=True)
    return tmp_path


IPGEN = 'vivado_steps.run("ipgen", ModelWrapper(str(out / "steps" / "05_codegen.onnx")), job)'


def test_a_failure_of_hls_is_told_with_layer_and_line(
    compiled: Path, generated: Path, tools: Path
) -> None:
    said = finn(compiled, generated, IPGEN, tools=tools).splitlines()[-1]
    assert said.startswith(
        "StageError step_hw_ipgen of finn-plus 1.6.1 failed: group0.block0.conv1 (MVAU_hls_"
    )
    assert "own.nash:7): ERROR: [HLS 200-1715] Encountered problem during source synthesis" in said
    log = (generated / "errors" / "step_hw_ipgen.log").read_text()
    assert "HLS IP Generation failed" in log and "[HLS 200-70]" in log
    record = (tools / "record").read_text().splitlines()
    assert record and all(line.startswith("vitis_hls ") for line in record)
    assert all(line.endswith(".tcl") for line in record)


def test_what_finn_calls_done_is_looked_for(compiled: Path, generated: Path) -> None:
    body = (
        "print(vivado_steps.missing_outputs(step, ModelWrapper(str(out / 'steps/05_codegen.onnx')), job))"
        " if (step := 'ipgen') else None"
    )
    assert "the IP of stem.conv" in finn(compiled, generated, body)
    for step in ("fifos", "stitched", "rtlsim", "ooc", "synthesised", "driver", "deployed"):
        said = finn(
            compiled, generated, f"print(vivado_steps.missing_outputs({step!r}, None, job))"
        )
        assert str(generated) in said, step


def test_options_become_finns_settings(compiled: Path, generated: Path) -> None:
    body = """c = vivado_config.config_of(job); print(
        c.shell_flow_type.value, c.auto_fifo_strategy.value, c.large_fifo_mem_style.value,
        [kind.value for kind in c.generate_outputs], c.vitis_opt_strategy, c.vitis_platform,
        c.vitis_floorplan_file and Path(c.vitis_floorplan_file).read_text())"""
    said = finn(
        compiled,
        generated,
        body,
        shell="vitis_alveo",
        fifo_sizing="minimal",
        fifo_ram_style="ultra",
        driver="cpp",
        vitis_strategy="performance_best",
        vitis_platform="my_platform",
        floorplan={"*": 0, "group0.*": 2},
    )
    assert said.startswith("vitis_alveo force_minimal_fifos ultra ['stitched_ip'")
    assert "'cpp_driver', 'deployment_package'" in said
    assert "VitisOptStrategy.PERFORMANCE_BEST my_platform" in said
    plan = json.loads(said[said.index("{") :])
    names = json.loads((generated / "names.json").read_text())
    regions = {names[node]: values["slr"] for node, values in plan.items() if node in names}
    assert regions["group0.block0.conv1.window"] == 2 and regions["stem.conv"] == 0
    assert set(regions) == set(names.values())


@pytest.mark.parametrize(
    ("options", "shell", "words"),
    [
        ({"fifo_sizing": "characterize"}, "vivado_zynq", "cannot size FIFOs by fifo_sizing"),
        ({}, "vitis_alveo", "has no vitis_alveo shell for a board called Pynq-Z1"),
        ({"floorplan": {"*": 0}}, "vivado_zynq", "a floorplan is for the regions of Alveo cards"),
        ({"driver": "cpp"}, "vivado_zynq", "C++ driver is for Alveo cards"),
        ({}, "none", "FINN has no flow to a bitfile for the board Pynq-Z1"),
    ],
)
def test_what_cannot_be_is_told_before_hours_of_building(
    compiled: Path, generated: Path, options: dict[str, Any], shell: str, words: str
) -> None:
    body = 'vivado_tools.check_tools("bitfile", job, None); vivado_config.config_of(job)'
    if "fifo_sizing" in options:
        body = "vivado_config.config_of(job)"
    said = finn(compiled, generated, body, shell=shell, **options)
    assert said.startswith("StageError") and words in said


@pytest.mark.parametrize(
    ("body", "lacks"),
    [
        (
            "vivado_steps._finn_step = lambda *_: None; vivado_steps.run('ooc', None, job)",
            "finn-plus 1.6.1 has no step_out_of_context_synthesis",
        ),
        (
            "vivado_config.dataclasses = type('', (), {'fields': lambda _: []}); vivado_config.config_of(job)",
            "the DataflowBuildConfig of finn-plus 1.6.1 has no auto_fifo_depths",
        ),
    ],
)
def test_a_finn_that_lacks_something(compiled: Path, generated: Path, body: str, lacks: str):
    way = "install one that was tested: finn-plus 1.6, or AMD's FINN from 0.10 on"
    assert finn(compiled, generated, body) == f"StageError {lacks} | {way}\n"


def test_nodes_without_code_are_told(compiled: Path, generated: Path):
    """FINN ends without an error where a node's folder stays empty."""
    body = """from support import build_steps
    from types import SimpleNamespace
    build_steps.finn_names.finn_names = lambda model: (model, {})
    build_steps.finn_hardware.generate_code = lambda model, *_: model
    build_steps.finn_hardware.without_code = lambda _: ["MVAU_hls_0", "FMPadding_rtl_1"]
    build_steps._code(None, SimpleNamespace(part="p", clock_ns=5.0))"""
    assert finn(compiled, generated, body) == (
        "StageError FINN ended code generation without an error, but made none for MVAU_hls_0, FMPadding_rtl_1 | "
        f"what it made and why it may have stopped is in {generated}/finn\n"
    )


def test_steps_of_a_target(compiled: Path, generated: Path) -> None:
    body = 'print(vivado_steps.steps_of("bitfile", job))'
    steps = ["ipgen", "fifos", "stitched", "prepared", "synthesised", "driver", "deployed"]
    assert finn(compiled, generated, body).strip() == str(steps)
    assert finn(compiled, generated, body, deployment=False).strip() == str(steps[:-1])
    without = finn(compiled, generated, body, driver="none", deployment=False)
    assert without.strip() == str(steps[:-2])


@pytest.mark.parametrize(
    ("options", "op", "attribute", "value"),
    [
        ({"prefer": "hls"}, "Thresholding_hls", None, None),
        ({"mem_mode": "internal_embedded"}, "MVAU_hls", "mem_mode", "internal_embedded"),
        ({"ram_style": "distributed"}, "MVAU_hls", "ram_style", "distributed"),
    ],
)
def test_options_of_layers_reach_the_generated_code(
    program: Program,
    compiled: Path,
    tmp_path: Path,
    options: dict[str, Any],
    op: str,
    attribute: str | None,
    value: str | None,
) -> None:
    settings = compiled / "settings" / "build.json"
    before = settings.read_text()
    settings.write_text(json.dumps({**json.loads(before), "finn": options}))
    try:
        done = program("build.py", "--to", "codegen", "--out", str(tmp_path))
    finally:
        settings.write_text(before)
    assert done.returncode == 0, done.stderr
    import onnx

    nodes = onnx.load(tmp_path / "steps" / "05_codegen.onnx").graph.node
    found = [node for node in nodes if node.op_type == op]
    assert found
    for node in found if attribute else ():
        values = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
        assert values[attribute].decode() == value
