"""Convolutions of whole numbers against the same convolution in float64, forward and backward."""

import copy

import pytest

torch = pytest.importorskip("torch")
qnn = pytest.importorskip("brevitas.nn")

from torch import nn  # noqa: E402

from support.layers import whole_conv  # noqa: E402
from support.layers.quantisers import BinaryWeight, IntWeight, JoinAct, UnsignedAct  # noqa: E402
from support.training.classification import prepare  # noqa: E402

pytestmark = [
    pytest.mark.torch,
    pytest.mark.skipif(
        not torch.backends.cpu.get_cpu_capability().startswith("AVX"),
        reason="whole numbers are multiplied on x86 processors with AVX2",
    ),
]
CPU = torch.device("cpu")
WHOLE = "_WholeConvBackward"


def layers(weight_bits=2, act_bits=2, inputs=8, outputs=6, kernel=3, **more):
    torch.manual_seed(0)
    weights = {"weight_quant": IntWeight, "weight_bit_width": weight_bits}
    if weight_bits == 1:
        weights = {"weight_quant": BinaryWeight}
    act = qnn.QuantReLU(act_quant=UnsignedAct, bit_width=act_bits)
    sizes = {"bias": False, "padding": kernel // 2} | more
    return nn.Sequential(act, qnn.QuantConv2d(inputs, outputs, kernel, **weights, **sizes))


def images(inputs=8, side=7, n=3):
    torch.manual_seed(1)
    return (3 * torch.randn(n, inputs, side, side)).to(memory_format=torch.channels_last)


def way(network, x):
    """What made the result; Brevitas renames its dimensions."""
    made_by = network(x).grad_fn
    while type(made_by).__name__ == "AliasBackward0":
        made_by = made_by.next_functions[0][0]
    return type(made_by).__name__


def stepped(network, x):
    """The result, and the gradients of all that has one."""
    x = x.clone(memory_format=torch.preserve_format).requires_grad_()
    y = network(x)
    torch.manual_seed(2)
    (y * torch.randn(y.shape, dtype=torch.float64).to(y)).sum().backward()
    return [y.detach(), x.grad, *(it.grad for it in network.parameters())]


def assert_close_to_float64(network, x):
    wanted = stepped(copy.deepcopy(network).double(), x.double())
    found = stepped(prepare(network, CPU), x)
    assert way(network, x) == WHOLE
    for ours, exact in zip(found, wanted, strict=True):
        # The gradient of the one scale is a sum whose summands cancel out.
        size = exact.abs().max() if exact.dim() else (wanted[1] * x).abs().sum()
        torch.testing.assert_close(ours.double(), exact, rtol=0, atol=float(2e-5 * size))


@pytest.mark.parametrize("act_bits", [1, 2, 4, 7, 8])
@pytest.mark.parametrize("weight_bits", [1, 2, 4, 7])
def test_bit_widths(weight_bits, act_bits):
    assert_close_to_float64(layers(weight_bits, act_bits), images())


@pytest.mark.parametrize("outputs", [1, 5, 16, 40])
@pytest.mark.parametrize("inputs", [1, 3, 4, 16, 33])
@pytest.mark.parametrize(("kernel", "stride"), [(1, 1), (1, 2), (3, 1), (3, 2), (5, 1), (2, 2)])
def test_sizes(inputs, outputs, kernel, stride):
    network = layers(2, 2, inputs, outputs, kernel, stride=stride)
    assert_close_to_float64(network, images(inputs, side=8))


def test_the_largest_sums_are_exact():
    """All levels 255, all weights 63: two such products just fit into 16 bits."""
    network = layers(7, 8, inputs=64, outputs=8)
    with torch.no_grad():
        network[1].weight.copy_(network[1].weight.sign())
    y = prepare(network, CPU)(torch.full((2, 64, 9, 9), 100.0))
    step, scale = network[0].act_quant.scale(), network[1].quant_weight().scale
    signs = network[1].weight.sign()
    sums = 255 * 63 * nn.functional.conv2d(torch.ones(2, 64, 9, 9), signs, padding=1)
    torch.testing.assert_close(y, sums * step * scale.reshape(-1, 1, 1), rtol=1e-6, atol=0)


def test_images_that_lie_channels_first():
    network, x = layers(), images().contiguous()
    wanted = stepped(copy.deepcopy(network), x)
    whole_conv.multiply_whole(network)
    assert way(network, x) == WHOLE
    for ours, floats in zip(stepped(network, x), wanted, strict=True):
        torch.testing.assert_close(ours, floats, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    "network",
    [
        layers(8, 8),
        layers(bias=True),
        layers(padding="same"),
        nn.Sequential(qnn.QuantIdentity(act_quant=JoinAct, bit_width=2), layers()[1]),
    ],
    ids=["products beyond 16 bits", "a bias", "padding by its name", "signed values"],
)
def test_what_is_multiplied_in_floats(network):
    assert way(prepare(network, CPU), images()) != WHOLE


def test_evaluation_float64_and_mixed_precision_multiply_floats():
    network, x = prepare(layers(), CPU), images()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert way(network, x) != WHOLE
    assert way(copy.deepcopy(network).double(), x.double()) != WHOLE
    with torch.no_grad():
        wanted = layers().to(memory_format=torch.channels_last).eval()(x)
        torch.testing.assert_close(network.eval()(x), wanted, rtol=0, atol=0)


def test_a_copy_multiplies_its_own_weights():
    network, x = prepare(layers(), CPU), images()
    other = copy.deepcopy(network)
    with torch.no_grad():
        other[1].weight.neg_()
    assert way(other, x) == WHOLE
    torch.testing.assert_close(other(x), -network(x), rtol=0, atol=0)


def test_another_processor_multiplies_floats(monkeypatch):
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "DEFAULT")
    assert way(prepare(layers(), CPU), images()) != WHOLE
