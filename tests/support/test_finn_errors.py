"""The cause of a failure out of logs as Vivado and Vitis HLS write them, and its layer and line in the spec."""

from __future__ import annotations

import os
from pathlib import Path

from support.finn import errors as finn_errors

NODES = {
    "MVAU_hls_1": "stem.conv",
    "MVAU_hls_11": "group1.block0.conv2",
    "FMPadding_rtl_0": "stem.conv.pad",
}
ORIGINS = {"stem.conv": "own.nash:19", "group1.block0.conv2": "resnet.nash:9"}
VIVADO = """INFO: [Common 17-206] Exiting
WARNING: [Synth 8-7080] Parallel synthesis criteria is not met
ERROR: [Synth 8-439] module 'MVAU_hls_11' not found [/b/vivado_stitch_proj_x/top.v:31]
ERROR: [Common 17-69] Command failed: Synthesis failed - please see the console or run log file for details
"""
HLS = """INFO: [HLS 200-10] Analyzing design file 'top_MVAU_hls_1.cpp' ...
/b/code_gen_ipgen_MVAU_hls_1_a3/top_MVAU_hls_1.cpp:20:13: error: no member named 'slide' in 'hls::stream'
ERROR: [HLS 207-3771] use of undeclared identifier
ERROR: [HLS 200-70] Pre-synthesis failed.
"""


def explained(tmp_path: Path, error: Exception | None = None) -> tuple[finn_errors.Cause, str]:
    cause = finn_errors.cause_of(error or RuntimeError("exit code 1"), tmp_path, 0, NODES)
    return cause, finn_errors.explain(cause, NODES, ORIGINS)


def test_vivados_first_error_and_not_its_echo(tmp_path: Path) -> None:
    (tmp_path / "vivado.log").write_text(VIVADO)
    cause, text = explained(tmp_path)
    assert text == (
        "group1.block0.conv2 (MVAU_hls_11, resnet.nash:9): ERROR: [Synth 8-439] module 'MVAU_hls_11' "
        "not found [/b/vivado_stitch_proj_x/top.v:31]"
    )
    assert cause.where == f"{tmp_path}/vivado.log:3"


def test_the_compiler_inside_of_hls(tmp_path: Path) -> None:
    folder = tmp_path / "code_gen_ipgen_MVAU_hls_1_a3"
    folder.mkdir()
    (folder / "vitis_hls.log").write_text(HLS)
    _cause, text = explained(tmp_path)
    assert text.startswith("stem.conv (MVAU_hls_1, own.nash:19): /b/code_gen_ipgen_MVAU_hls_1_a3")
    assert text.endswith("error: no member named 'slide' in 'hls::stream'")


def test_an_echo_is_better_than_nothing(tmp_path: Path) -> None:
    (tmp_path / "v.log").write_text(
        "ERROR: [Common 17-39] 'launch_runs' failed due to earlier errors.\n"
    )
    assert "Common 17-39" in explained(tmp_path)[1]


def test_the_log_that_failed_first(tmp_path: Path) -> None:
    for time_s, name in ((2000, "late.log"), (1000, "early.log")):
        (tmp_path / name).write_text(f"ERROR: [X 1-1] {name}\n")
        os.utime(tmp_path / name, (time_s, time_s))
    assert explained(tmp_path)[1].endswith("early.log")
    (cause, _text) = explained(tmp_path)
    assert finn_errors.cause_of(RuntimeError(), tmp_path, 1500, NODES).text.endswith("late.log")
    assert cause.node is None


class NodeProto:
    def __init__(self, name: str) -> None:
        self.name = name


class Operation:
    def __init__(self, name: str) -> None:
        self.onnx_node = NodeProto(name)

    def width(self) -> int:
        return int("99x")


def test_a_node_that_the_message_does_not_name_is_the_one_under_way(tmp_path: Path) -> None:
    for start in (
        lambda: Operation("MVAU_hls_1").width(),
        lambda: of_node(NodeProto("MVAU_hls_1")),
    ):
        try:
            start()
        except ValueError as error:
            text = explained(tmp_path, error)[1]
        assert text == (
            "stem.conv (MVAU_hls_1, own.nash:19): invalid literal for int() with base 10: '99x'"
        )


def of_node(node: NodeProto) -> int:
    return int("99x") + len(node.name)


def test_a_name_is_told_once(tmp_path: Path) -> None:
    names = {"stem.conv": "stem.conv"}
    cause = finn_errors.cause_of(ValueError("stem.conv: no shape"), tmp_path, 0, names)
    assert finn_errors.explain(cause, names, ORIGINS) == "stem.conv (own.nash:19): no shape"
    assert finn_errors.explain(cause, names, {}) == "stem.conv: no shape"


def test_without_a_log_the_first_exception_of_the_chain(tmp_path: Path) -> None:
    try:
        try:
            raise ValueError("ip_path is not set correctly in node FMPadding_rtl_0")
        except ValueError as inner:
            raise RuntimeError("stitching failed") from inner
    except RuntimeError as error:
        cause, text = explained(tmp_path, error)
        finn_errors.keep(tmp_path / "errors" / "stitched.log", "stitched", error, cause)
    assert text == (
        "stem.conv (FMPadding_rtl_0, own.nash:19): ip_path is not set correctly in node FMPadding_rtl_0"
    )
    kept = (tmp_path / "errors" / "stitched.log").read_text()
    assert "stitching failed" in kept and "Traceback" in kept
