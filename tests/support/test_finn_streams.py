"""A window of many lanes: what FINN would fold wider than HLS can build."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("brevitas")
pytest.importorskip("finn")

import brevitas.nn as qnn
import torch
from qonnx.core.modelwrapper import ModelWrapper

from support.finn import folding as finn_folding
from support.finn import hardware as finn_hardware
from support.finn import streams as finn_streams
from support.finn import tool as finn_tool
from support.finn import widths as finn_widths
from support.integers.graph import IntegerGraph
from support.layers.quantisers import BinaryWeight, TensorIntWeight, UnsignedAct
from support.progress import StageError

pytestmark = [pytest.mark.finn, pytest.mark.slow]
PART = "xcu250-figd2104-2L-e"


def test_no_stream_is_wider_than_hls_takes(tmp_path: Path):
    """5x5 over 512 channels of 8 bits, as in ResNet18 NASH-v3: 12800 lanes at full width."""
    torch.manual_seed(0)
    finn_tool.start(tmp_path / "finn")
    modules = (
        qnn.QuantConv2d(512, 4, 5, padding=2, bias=False, weight_quant=BinaryWeight),
        qnn.QuantReLU(act_quant=UnsignedAct, bit_width=2),
        qnn.QuantLinear(16, 2, bias=False, weight_quant=TensorIntWeight, weight_bit_width=4),
    )
    conv, act, linear = (module.double().eval() for module in modules)
    graph = IntegerGraph("wide")
    x = graph.input("image", (1, 2, 2, 512), "UINT8", 1 / 255)
    x = graph.act("conv.act", graph.conv("conv", x, conv), act)
    graph.output(graph.linear("fc", x, linear))
    model = finn_widths.minimise(finn_hardware.to_hardware(ModelWrapper(graph.write())))
    model = finn_hardware.specialise(model, PART)
    with pytest.raises(StageError, match=r"hardware does not have: cnv\.act\.uint2"):
        finn_folding.apply_folding(model, {"cnv.act.uint2": {"PE": 1}})
    with pytest.raises(StageError, match="the folding of conv is no object of attributes"):
        finn_folding.apply_folding(model, {"conv": 4})
    said: list[str] = []
    finn_folding.apply_folding(model, {"conv.act.uint2": {"PE": 1}}, said.append)
    told = "conv.act.uint2: this hardware has no such part, its folding is not used"
    assert said == [told]
    model = finn_folding.fold(model, 16, 10000, said.append)
    conv_node = next(node for node in model.graph.node if node.name == "conv")
    assert finn_streams.widest(conv_node) <= finn_streams.WIDEST_STREAM
    assert "conv: a stream of 25600 bits is too wide for HLS, folded to PE 4, SIMD 800" in said
    with pytest.raises(StageError) as error:
        finn_streams.check(finn_folding.apply_folding(model, {"conv": {"SIMD": 1600}}))
    assert error.value.message == "conv: a stream of 12800 bits, HLS takes 8191"
