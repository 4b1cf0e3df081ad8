"""export.py, verify.py and build.py of a compiled folder: a NASH network carried to FINN, and what goes wrong on the way."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import numpy as np
import pytest

pytest.importorskip("brevitas")
pytest.importorskip("finn")

import onnx
from onnx import numpy_helper

from support.files import sha256

pytestmark = [pytest.mark.finn, pytest.mark.slow]
Program = Callable[..., CompletedProcess[str]]


@pytest.fixture(scope="session")
def estimated(program: Program, compiled: Path) -> Path:
    done = program("build.py", "--to", "codegen")
    assert done.returncode == 0, done.stderr
    return compiled / "results" / "build"


def test_export_names_qonnx_after_the_layers(compiled: Path):
    model = onnx.load(compiled / "results" / "export" / "model.qonnx.onnx")
    names = {node.name for node in model.graph.node}
    assert {
        "stem.conv",
        "stem.conv.quantised_weight",
        "stem.conv.bn",
        "stem.conv.act",
        "group0.block0.add.join1",
        "group0.nas.node2.add.join",
        "head.avgpool",
        "head.fc",
    } <= names


def test_an_export_is_the_same_every_time(program: Program, compiled: Path, tmp_path: Path):
    done = program("export.py", "--out", str(tmp_path))
    assert done.returncode == 0, done.stderr
    for name in ("model.qonnx.onnx", "model.integer.onnx", "ranges.json"):
        assert sha256(tmp_path / name) == sha256(compiled / "results" / "export" / name)


def test_the_integer_graph_alone_needs_no_images(program: Program, compiled: Path, tmp_path: Path):
    out = tmp_path / "export"
    done = program("export.py", "--integer-only", "--data", "/nowhere", "--out", str(out))
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in out.iterdir()) == [
        "export.json",
        "model.integer.onnx",
        "ranges.json",
    ]
    whole = compiled / "results" / "export" / "model.integer.onnx"
    assert sha256(out / "model.integer.onnx") == sha256(whole)
    done = program("verify.py", "--export", str(out))
    assert done.returncode == 1
    assert "was made with --integer-only" in done.stderr


def test_golden_vectors_are_the_logits_of_the_first_images(compiled: Path):
    golden = np.load(compiled / "results" / "export" / "golden.npz", allow_pickle=False)
    assert golden["images"].shape == (16, 1, 8, 8)
    assert golden["images"].dtype == np.uint8
    found = golden["integer_logits"] * golden["logits_scale"]
    np.testing.assert_allclose(found, golden["logits"], rtol=0, atol=1e-4)


def test_everything_computes_what_was_trained(program: Program, compiled: Path):
    done = program("verify.py", "--progress", "jsonl")
    assert done.returncode == 0, done.stderr
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert events[-1]["event"] == "result"
    result = json.loads((compiled / "results" / "verify" / "verify.json").read_text())
    images = result["images"]
    assert images == 359
    assert result["ok"] is True
    assert result["first_difference"] is None
    assert result["out_of_range"] == []
    assert result["integer"]["different"] == result["finn"]["different"] == 0
    assert result["integer"]["argmax_equal"] == result["finn"]["argmax_equal"] == images
    assert result["integer"]["activations_compared"] == 16
    assert result["qonnx"]["activations_compared"] == 16
    for counts in (result["qonnx"], result["brevitas_float32"]):
        assert counts["images_equal"] + counts["images_with_ties"] == images
        assert counts["max_logit_difference"] < 1e-5


def test_one_wrong_threshold_is_found_and_named(program: Program, compiled: Path, tmp_path: Path):
    """The verifier itself: an export in which one channel's first threshold is off by one."""
    export = tmp_path / "export"
    shutil.copytree(compiled / "results" / "export", export)
    path = export / "model.integer.onnx"
    model = onnx.load(path)
    for constant in model.graph.initializer:
        if constant.name == "group0.block0.conv1.act.thresholds":
            table = numpy_helper.to_array(constant).copy()
            table[:, 0] += 1
            constant.CopyFrom(numpy_helper.from_array(table, constant.name))
    onnx.save(model, path)
    done = program("verify.py", "--export", str(export), "--out", str(tmp_path / "out"))
    assert done.returncode == 1
    assert f"{path} is not the file that export.py wrote" in done.stderr

    about = json.loads((export / "export.json").read_text())
    about["files"]["model.integer.onnx"] = sha256(path)
    (export / "export.json").write_text(json.dumps(about))
    done = program(
        "verify.py", "--export", str(export), "--out", str(tmp_path / "out"), "--skip-finn"
    )
    assert done.returncode == 1
    result = json.loads((tmp_path / "out" / "verify.json").read_text())
    assert result["ok"] is False
    assert result["finn"] is None
    assert result["first_difference"]["evaluation"] == "the integer graph"
    assert result["first_difference"]["layer"] == "group0.block0.conv1.act"
    assert (
        "the integer graph differs from the trained network first at group0.block0.conv1.act"
        in done.stderr
    )
    assert "Traceback" not in done.stderr


def test_estimates_carry_the_names_of_the_layers(estimated: Path):
    estimates = json.loads((estimated / "estimates.json").read_text())
    layers = {layer["name"]: layer for layer in estimates["layers"]}
    assert layers["group0.block0.conv1"]["op"] == "MVAU_hls"
    assert layers["group1.nas.node1.conv.window"]["layer"] == "group1.nas.node1.conv"
    assert layers["stem.maxpool"]["op"] == "Pool_hls"
    assert layers["group0.nas.node1.add"]["op"] == "ElementwiseAdd_hls"
    assert layers["classify"]["op"] == "LabelSelect_hls"
    assert estimates["bottleneck"] in layers
    assert estimates["network"]["cycles"] == max(layer["cycles"] for layer in layers.values())
    assert estimates["network"]["fps"] == pytest.approx(2e8 / estimates["network"]["cycles"])
    assert estimates["network"]["fps"] >= 10000
    assert estimates["network"]["lut"] == sum(layer["lut"] for layer in layers.values())
    assert estimates["board"] == {
        "name": "Pynq-Z1",
        "lut": 53200,
        "bram18": 280,
        "uram": 0,
        "dsp": 220,
    }
    assert set(json.loads((estimated / "folding.json").read_text())) <= set(layers)
    report = json.loads((estimated / "report" / "estimate_layer_cycles.json").read_text())
    assert set(report) == set(layers)


def test_code_generation_needs_no_vivado(estimated: Path):
    names = json.loads((estimated / "names.json").read_text())
    finn_name = next(finn for finn, layer in names.items() if layer == "group0.block0.conv1")
    (folder,) = (estimated / "finn").glob(f"code_gen_ipgen_{finn_name}_*")
    assert (folder / f"top_{finn_name}.cpp").stat().st_size > 0


def test_finished_steps_are_kept_until_something_changes(program: Program, estimated: Path):
    done = program("build.py")
    kept = [f"{step}: kept" for step in ("hw", "specialised", "folded", "minimised", "estimates")]
    assert [line for line in done.stdout.splitlines() if "kept" in line] == kept
    done = program("build.py", "--target-fps", "20000")
    assert [line for line in done.stdout.splitlines() if "kept" in line] == kept[:2]


def test_folding_by_layer_name(program: Program, tmp_path: Path):
    folding = tmp_path / "folding.json"
    out = str(tmp_path / "out")

    def build(content: object) -> CompletedProcess[str]:
        folding.write_text(json.dumps(content))
        return program("build.py", "--folding", str(folding), "--out", out)

    assert build({"group0.block0.conv2": {"PE": 8, "SIMD": 36}}).returncode == 0
    estimates = json.loads((tmp_path / "out" / "estimates.json").read_text())
    layer = next(x for x in estimates["layers"] if x["name"] == "group0.block0.conv2")
    assert (layer["pe"], layer["simd"], layer["cycles"]) == (8, 36, 128)

    done = build({"group0.block0.conv2.fork": {"PE": 2}})
    assert done.returncode == 0, done.stderr
    assert "group0.block0.conv2.fork: this hardware has no such part" in done.stdout
    done = build({"group0.block0.conv2": {"PE": 3}})
    assert done.returncode == 1
    assert "group0.block0.conv2: PE = 3 does not divide 8" in done.stderr
    done = build({"group0.blok0.conv2": {"PE": 2}})
    assert done.returncode == 1
    assert "the folding names a layer that the hardware does not have" in done.stderr
    assert "near: group0.block0.conv2" in done.stderr


@pytest.mark.skipif(shutil.which("vivado") is not None, reason="Vivado is here")
def test_without_vivado_nothing_is_started_and_nothing_claimed(program: Program, tmp_path: Path):
    out = tmp_path / "out"
    done = program("build.py", "--to", "bitfile", "--out", str(out))
    assert done.returncode == 3
    assert not out.exists()
    assert done.stderr.splitlines()[0] == (
        "build: error: --to bitfile needs Vivado, nothing was started. Missing: the environment variable "
        "XILINX_VIVADO; the program vivado; the program vitis_hls (vitis-run since 2024.2)"
    )
    assert "python build.py --to bitfile" in done.stderr


def test_an_unknown_board(program: Program):
    done = program("build.py", "--board", "Pynq-Z3")
    assert done.returncode == 1
    assert "FINN does not know the board 'Pynq-Z3'" in done.stderr
    assert "Traceback" not in done.stderr


def test_without_an_export(program: Program, tmp_path: Path):
    done = program("verify.py", "--export", str(tmp_path))
    assert done.returncode == 1
    assert "run export.py first" in done.stderr
    done = program("build.py", "--model", str(tmp_path / "none.onnx"))
    assert done.returncode == 1
    assert "no integer graph at" in done.stderr


REFUSED = """
import sys
from pathlib import Path
import onnx
import export
from support.finn import streamline
from support.progress import StageError
def refuse(*_):
    raise AssertionError("stem.conv: nothing to absorb")
streamline.streamline = refuse
export.HERE = Path(sys.argv[1])
(export.HERE / "layers.json").write_text('{"stem.conv": "own.nash:7"}')
try:
    model = onnx.load("results/export/model.qonnx.onnx")
    export._streamlined(model, "UINT8", Path(sys.argv[1]), print)
except StageError as error:
    print(f"{error.message}|{error.help}")
"""


def test_a_network_that_finn_cannot_streamline(program: Program, tmp_path: Path):
    said = program("-c", REFUSED, str(tmp_path)).stdout.splitlines()[-1]
    log = tmp_path / "errors" / "streamlining.log"
    assert said == (
        "finn-plus 1.6.1 cannot streamline this network: stem.conv (own.nash:7): nothing to absorb|"
        f"use the direct lowering: finn {{ lowering = direct }}; everything is in {log}"
    )
    assert "AssertionError: stem.conv: nothing to absorb" in log.read_text()


def test_without_the_weights_of_the_export(program: Program, compiled: Path, tmp_path: Path):
    path = tmp_path / "weights.safetensors"
    done = program("verify.py", "--weights", str(path))
    assert done.returncode == 1
    assert f"verify: error: no weights at {path}\n" in done.stderr
    path.write_bytes(b"of another training")
    done = program("verify.py", "--weights", str(path))
    assert done.returncode == 1
    export = compiled / "results" / "export"
    assert f"the export in {export} was made from other weights than {path}" in done.stderr


@pytest.mark.parametrize(
    ("option", "value", "told"),
    [
        ("--clock-ns", "0", "the clock period must be positive, not 0.0 ns"),
        ("--target-fps", "-1", "the target must be positive, not -1.0 frames a second"),
        ("--mvau-wwidth-max", "0", "a weight stream has 1 bit or more, not 0"),
    ],
)
def test_numbers_that_cannot_be_built_for(program: Program, option: str, value: str, told: str):
    done = program("build.py", f"{option}={value}")
    assert done.returncode == 1
    assert f"build: error: {told}\n" in done.stderr
