"""The integer graph, layer by layer, against torch in float64; and what it refuses."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("brevitas")
pytest.importorskip("qonnx")

import brevitas.nn as qnn
import torch
from qonnx.core.modelwrapper import ModelWrapper
from torch import nn

from support.integers.graph import IntegerGraph
from support.layers.quantisers import (
    BinaryWeight,
    FloorTrunc,
    IntWeight,
    JoinAct,
    TensorBinaryWeight,
    TensorIntWeight,
    UnsignedAct,
)
from support.progress import StageError
from support.verification.execution import Runner

pytestmark = pytest.mark.torch
SCALE = 1 / 255


def start(channels: int = 3, size: int = 6) -> tuple[IntegerGraph, object]:
    graph = IntegerGraph("test")
    return graph, graph.input("image", (1, size, size, channels), "UINT8", SCALE)


def images(channels: int = 3, size: int = 6, count: int = 5) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, channels, size, size)).astype(np.uint8)


def conv(i: int, o: int, kernel: int = 3, bits: int = 4, **more: object) -> nn.Module:
    quant: dict[str, object] = {"weight_quant": BinaryWeight}
    if bits > 1:
        quant = {"weight_quant": IntWeight, "weight_bit_width": bits}
    return qnn.QuantConv2d(i, o, kernel, padding=kernel // 2, bias=False, **quant, **more)


def batchnorm(channels: int, seed: int = 0) -> nn.Module:
    """Gains of both signs, and one of zero."""
    module = nn.BatchNorm2d(channels)
    draws = torch.Generator().manual_seed(seed)
    module.weight.data = 3 * torch.randn(channels, generator=draws)
    module.weight.data[0] = 0.0
    module.bias.data = torch.randn(channels, generator=draws)
    module.running_mean = torch.randn(channels, generator=draws) / 4
    module.running_var = torch.rand(channels, generator=draws) + 0.1
    return module


def relu(bits: int, **more: object) -> nn.Module:
    return qnn.QuantReLU(act_quant=UnsignedAct, bit_width=bits, **more)


@pytest.fixture(autouse=True)
def _same_weights_every_time() -> None:
    torch.manual_seed(1)


def exact(*modules: nn.Module) -> list[nn.Module]:
    return [module.double().eval() for module in modules]


def integers(graph: IntegerGraph, tensor: str, pixels: np.ndarray) -> np.ndarray:
    """NCHW values of a tensor, for every image at once."""
    graph._logits, kept = graph_end(graph, tensor), graph._logits
    runner = Runner(ModelWrapper(graph.write(classify=False)), [tensor], checks_datatypes=True)
    graph._logits = kept
    found = runner.run(pixels.transpose(0, 2, 3, 1))[tensor]
    assert not runner.out_of_range
    return found.transpose(0, 3, 1, 2) if found.ndim == 4 else found


def graph_end(graph: IntegerGraph, tensor: str) -> object:
    """Let the graph end at any tensor."""
    from support.integers.values import Value

    shape, _ = graph._parts.tensors[tensor]
    return Value(tensor, shape, 0, 1, np.ones(shape[-1]), np.zeros(shape[-1]))


def real(pixels: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(pixels).double() * SCALE


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("kernel", [1, 3, 5])
def test_conv_batchnorm_relu(bits: int, stride: int, kernel: int):
    convolution, norm, act = exact(conv(3, 8, kernel, bits, stride=stride), batchnorm(8), relu(2))
    graph, x = start()
    y = graph.act("a", graph.batchnorm("n", graph.conv("c", x, convolution), norm), act)
    pixels = images()
    with torch.no_grad():
        expected = act(norm(convolution(real(pixels)))) / y.gain[0]
    found = integers(graph, "a", pixels)
    assert np.array_equal(found, expected.numpy().round())
    assert len(np.unique(found)) >= 3  # not all saturated


def test_a_join_is_signed_and_narrow_and_its_sum_keeps_one_scale():
    convolution, norm, act, join = exact(
        conv(3, 4), batchnorm(4), relu(4), qnn.QuantHardTanh(act_quant=JoinAct, bit_width=8)
    )
    graph, x = start()
    wide = graph.batchnorm("n", graph.conv("c", x, convolution), norm)
    low = graph.act("a", wide, act)
    first = graph.act("j0", wide, join)
    total = graph.add("s", graph.add("s0", first, graph.act("j1", low, join)), first)
    assert (first.low, first.high) == (-127, 127)
    assert (total.low, total.high) == (-381, 381)
    pixels = images()
    with torch.no_grad():
        y = norm(convolution(real(pixels)))
        expected = (2 * join(y) + join(act(y))) / total.gain[0]
    assert np.array_equal(integers(graph, "s", pixels), expected.numpy().round())


def test_a_maxpool_before_the_activation_is_done_after_it():
    convolution, norm, act = exact(conv(3, 8), batchnorm(8), relu(2))
    graph, x = start(size=7)
    y = graph.maxpool("p", graph.conv("c", x, convolution), window=3, stride=2, pad=1)
    y = graph.act("a", graph.batchnorm("n", y, norm), act)
    assert y.shape == (1, 4, 4, 8)
    pixels = images(size=7)
    pool = nn.MaxPool2d(3, 2, 1)
    with torch.no_grad():
        expected = act(norm(pool(convolution(real(pixels))))) / y.gain[0]
    assert np.array_equal(integers(graph, y.tensor, pixels), expected.numpy().round())
    graph._logits = graph_end(graph, y.tensor)
    kinds = [node.op_type for node in graph.write(classify=False).graph.node]
    assert kinds == ["Im2Col", "MatMul", "MultiThreshold", "MaxPoolNHWC", "Sub", "Abs"]


def test_two_activations_of_one_waiting_pool():
    convolution, norm, low, wide = exact(conv(3, 4), batchnorm(4), relu(2), relu(8))
    graph, x = start()
    y = graph.maxpool("p", graph.conv("c", x, convolution), window=3, stride=1, pad=1)
    y = graph.batchnorm("n", y, norm)
    a, b = graph.act("a", y, low), graph.act("b", y, wide)
    pixels = images()
    with torch.no_grad():
        before = norm(nn.functional.max_pool2d(convolution(real(pixels)), 3, 1, 1))
    for value, act in ((a, low), (b, wide)):
        with torch.no_grad():
            expected = (act(before) / value.gain[0]).numpy().round()
        assert np.array_equal(integers(graph, value.tensor, pixels), expected)


def test_a_batchnorm_after_a_maxpool_turns_channels_of_negative_gain():
    first, norm, join = exact(
        relu(8), batchnorm(3), qnn.QuantHardTanh(act_quant=JoinAct, bit_width=8)
    )
    graph, x = start()
    x = graph.act("q", x, first)
    y = graph.maxpool("p", x, window=3, stride=1, pad=1)
    y = graph.act("j", graph.batchnorm("n", y, norm), join)
    pixels = images()
    with torch.no_grad():
        pooled = nn.functional.max_pool2d(first(real(pixels)), 3, 1, 1)
        expected = join(norm(pooled)) / y.gain[0]
    assert np.array_equal(integers(graph, "j", pixels), expected.numpy().round())


@pytest.mark.parametrize(
    ("bits", "size", "kept"),
    [
        (4, 4, 4),
        (2, 6, 8),
        (8, 3, 5),
        (4, 6, 4),
        (4, 4, 1),
        (4, 1, 2),
        (2, 1, 4),
        # Brevitas clips these at their largest sum, a power of two
        *((1, size, kept) for size in (1, 2, 3, 4) for kept in (1, 2, 4, 8)),
    ],
)
def test_avgpool_and_linear(bits: int, size: int, kept: int):
    act, pool, linear = exact(
        relu(bits, return_quant_tensor=True),
        qnn.TruncAvgPool2d(size, trunc_quant=FloorTrunc, bit_width=kept),
        qnn.QuantLinear(3, 7, bias=False, weight_quant=TensorIntWeight, weight_bit_width=8),
    )
    graph, x = start(size=size)
    v = graph.avgpool("p", graph.act("a", x, act), pool)
    y = graph.linear("f", v, linear)
    graph.output(y)
    pixels = images(size=size)
    with torch.no_grad():
        pooled = pool(act(real(pixels))).value
        expected = linear(pooled.flatten(1)).numpy()
    assert np.array_equal(integers(graph, v.tensor, pixels), (pooled / v.gain[0]).numpy().round())
    np.testing.assert_allclose(integers(graph, "f", pixels) * y.gain, expected, atol=1e-12)


def test_linear_of_a_picture_takes_the_weights_in_our_order():
    act, linear = exact(
        relu(4),
        qnn.QuantLinear(3 * 2 * 2, 5, bias=False, weight_quant=TensorIntWeight, weight_bit_width=4),
    )
    graph, x = start(size=2)
    y = graph.linear("f", graph.act("a", x, act), linear)
    graph.output(y)
    pixels = images(size=2)
    with torch.no_grad():
        expected = linear(act(real(pixels)).flatten(1)).numpy()
    np.testing.assert_allclose(integers(graph, "f", pixels) * y.gain, expected, atol=1e-12)


def test_the_class_is_that_of_the_largest_logit():
    act, linear = exact(
        relu(4),
        qnn.QuantLinear(12, 5, bias=False, weight_quant=TensorIntWeight, weight_bit_width=4),
    )
    graph, x = start(size=2)
    graph.output(graph.linear("f", graph.act("a", x, act), linear))
    pixels = images(size=2)
    found = Runner(ModelWrapper(graph.write())).run(pixels.transpose(0, 2, 3, 1))
    with torch.no_grad():
        expected = linear(act(real(pixels)).flatten(1)).numpy().argmax(axis=1)
    assert np.array_equal(found["class"].reshape(-1), expected)


@pytest.mark.parametrize("bits", [1, 4])
@pytest.mark.parametrize("pooled", [False, True])
def test_single_bits_are_multiplied_as_single_bits(bits: int, pooled: bool):
    """{0, 1} times +-1 is a popcount, with zeros of the padding; other weights get the same bit in a wider type."""
    first, convolution, norm, act = exact(relu(1), conv(3, 8, 3, bits), batchnorm(8), relu(1))
    graph, x = start(size=7)
    x = graph.act("q", x, first)
    y = graph.conv("c", x, convolution)
    if pooled:
        y = graph.maxpool("p", y, window=3, stride=2, pad=1)
    y = graph.act("a", graph.batchnorm("n", y, norm), act)
    pixels = images(size=7)
    with torch.no_grad():
        z = convolution(first(real(pixels)))
        z = nn.functional.max_pool2d(z, 3, 2, 1) if pooled else z
        expected = (act(norm(z)) / y.gain[0]).numpy().round()
    found = integers(graph, y.tensor, pixels)
    assert np.array_equal(found, expected)
    assert set(np.unique(found)) == {0, 1}
    assert graph._parts.datatype_of(y.tensor) == "BINARY"


def test_single_bits_read_by_two_activations():
    """The second batch norm cannot turn the weights of a sum that was read already."""
    first, convolution, norm, other, act, join = exact(
        relu(1),
        conv(3, 8, 3, 1),
        batchnorm(8),
        batchnorm(8, seed=1),
        relu(2),
        qnn.QuantHardTanh(act_quant=JoinAct, bit_width=8),
    )
    graph, x = start()
    total = graph.conv("c", graph.act("q", x, first), convolution)
    a = graph.act("a", graph.batchnorm("n", total, norm), act)
    b = graph.act("b", graph.batchnorm("m", total, other), join)
    pixels = images()
    with torch.no_grad():
        z = convolution(first(real(pixels)))
        wanted = ((a, act(norm(z))), (b, join(other(z))))
    for value, expected in wanted:
        found = integers(graph, value.tensor, pixels)
        assert np.array_equal(found, (expected / value.gain[0]).numpy().round())


def test_logits_of_single_bits():
    act, linear = exact(
        relu(1),
        qnn.QuantLinear(12, 5, bias=False, weight_quant=TensorBinaryWeight),
    )
    graph, x = start(size=2)
    y = graph.linear("f", graph.act("a", x, act), linear)
    graph.output(y)
    pixels = images(size=2)
    with torch.no_grad():
        expected = linear(act(real(pixels)).flatten(1)).numpy()
    np.testing.assert_allclose(integers(graph, "f", pixels) * y.gain, expected, atol=1e-12)


def test_the_same_network_gives_the_same_bytes():
    def build() -> bytes:
        torch.manual_seed(0)
        convolution, norm, act = exact(conv(3, 8), batchnorm(8), relu(2))
        graph, x = start()
        graph.act("a", graph.batchnorm("n", graph.conv("c", x, convolution), norm), act)
        graph._logits = graph_end(graph, "a")
        return graph.write(classify=False).SerializeToString(deterministic=True)

    assert build() == build()


def test_what_nothing_reads_is_left_out():
    act, state, linear = exact(
        relu(4),
        relu(8),
        qnn.QuantLinear(12, 5, bias=False, weight_quant=TensorIntWeight, weight_bit_width=4),
    )
    graph, x = start(size=2)
    read = graph.act("a", x, act)
    graph.maxpool("unread.pool", graph.act("unread", x, state), window=3, stride=1, pad=1)
    graph.output(graph.linear("f", read, linear))
    model = graph.write()
    assert [node.name for node in model.graph.node] == ["a", "f.flat", "f", "classify"]
    names = {constant.name for constant in model.graph.initializer}
    names |= {info.name for info in model.graph.value_info}
    names |= {annotation.tensor_name for annotation in model.graph.quantization_annotation}
    assert not any(name.startswith("unread") for name in names)


# ---- refusals: each names the layer ----------------------------------------------------------------


def refused(*calls: object) -> str:
    with pytest.raises(StageError) as error:
        calls[0](*calls[1:])
    return error.value.message


def test_a_signed_activation_of_one_bit_is_refused():
    graph, x = start()
    (join,) = exact(qnn.QuantHardTanh(act_quant=JoinAct, bit_width=1))
    message = refused(graph.act, "block.join", x, join)
    assert message == "block.join: a signed activation of 1 bit holds nothing but 0"


def test_an_add_of_two_scales_is_refused():
    graph, x = start()
    small, large = exact(relu(2), relu(4))
    a, b = graph.act("a", x, small), graph.act("b", x, large)
    message = refused(graph.add, "block.add", a, b)
    assert message == "block.add: the inputs of an add must come from one shared quantiser"


def test_a_padded_maxpool_of_signed_values_is_refused():
    (join,) = exact(qnn.QuantHardTanh(act_quant=JoinAct, bit_width=8))
    graph, x = start()
    x = graph.act("j", x, join)
    graph.maxpool("unpadded", x, 3, 1, 0)
    message = refused(graph.maxpool, "nas.pool", x, 3, 1, 1)
    assert message == "nas.pool: FINN cannot pad a max-pool of signed values"


def test_a_signed_activation_of_a_waiting_pool_is_refused():
    convolution, join = exact(conv(3, 4), qnn.QuantHardTanh(act_quant=JoinAct, bit_width=8))
    graph, x = start()
    x = graph.maxpool("stem.pool", graph.conv("c", x, convolution), 3, 1, 1)
    message = refused(graph.act, "stem.join", x, join)
    assert message == (
        "stem.join: a signed activation after the max-pool stem.pool cannot be lowered"
    )


def test_a_convolution_of_unquantised_sums_is_refused():
    first, second = exact(conv(3, 4), conv(4, 4))
    graph, x = start()
    message = refused(graph.conv, "conv2", graph.conv("conv1", x, first), second)
    assert message == "conv2: its input conv1 is not quantised"


def test_grouped_convolutions_are_refused():
    graph, x = start()
    message = refused(graph.conv, "dw", x, *exact(conv(3, 3, groups=3)))
    assert message == "dw: grouped convolutions cannot be lowered to FINN yet"


def test_padding_with_anything_but_zeros_is_refused():
    graph, x = start()
    module = conv(3, 4)
    module.padding_mode = "circular"
    message = refused(graph.conv, "conv", x, *exact(module))
    assert message == "conv: only numeric zero padding can be lowered"


def test_a_zero_point_is_refused():
    module, act = exact(conv(3, 4), qnn.QuantReLU(act_quant=UnsignedAct, bit_width=2))
    act.act_quant.zero_point = lambda: torch.tensor(3.0)
    graph, x = start()
    message = refused(graph.act, "act", graph.conv("conv", x, module), act)
    assert message == "act: the activation has a zero point, FINN needs a symmetric one"


def test_a_linear_bias_is_refused():
    (linear,) = exact(qnn.QuantLinear(108, 5, bias=True, weight_quant=TensorIntWeight))
    graph, x = start()
    message = refused(graph.linear, "head.fc", x, linear)
    assert message == "head.fc: a linear layer with a bias cannot be lowered to FINN yet"


def test_a_rounding_average_pool_is_refused():
    act, pool = exact(relu(4, return_quant_tensor=True), qnn.TruncAvgPool2d(6, bit_width=4))
    graph, x = start()
    x = graph.act("a", x, act)
    assert "FINN cuts averages off" in refused(graph.avgpool, "head.avgpool", x, pool)
