"""What the bits of a spec mean: the values that weights and activations take."""

import pytest

torch = pytest.importorskip("torch")
qnn = pytest.importorskip("brevitas.nn")

from support.layers.quantisers import (  # noqa: E402
    BinaryWeight,
    FloorTrunc,
    IntWeight,
    JoinAct,
    TensorIntWeight,
    UnsignedAct,
)
from support.training.checkpoint import load_state  # noqa: E402

pytestmark = pytest.mark.torch


@pytest.mark.parametrize("bits", range(2, 9))
def test_int_weight(bits):
    conv = qnn.QuantConv2d(4, 6, 3, bias=False, weight_quant=IntWeight, weight_bit_width=bits)
    weight = conv.quant_weight()
    limit = 2 ** (bits - 1) - 1
    assert weight.scale.shape == (6, 1, 1, 1)
    largest = conv.weight.detach().abs().amax((1, 2, 3))
    assert torch.allclose(weight.scale.detach().flatten() * limit, largest)
    integers = weight.int()
    assert integers.min() >= -limit and integers.max() <= limit
    assert torch.equal(integers.abs().amax((1, 2, 3)), torch.full((6,), limit, dtype=torch.int8))


def test_an_all_zero_channel_stays_zero():
    conv = qnn.QuantConv2d(1, 2, 3, bias=False, weight_quant=IntWeight, weight_bit_width=4)
    with torch.no_grad():
        conv.weight[0] = 0
    assert torch.equal(conv.quant_weight().value[0], torch.zeros(1, 3, 3))


def test_binary_weight():
    conv = qnn.QuantConv2d(4, 6, 3, bias=False, weight_quant=BinaryWeight)
    weight = conv.quant_weight()
    scale = conv.weight.detach().abs().mean((1, 2, 3))
    assert torch.allclose(weight.scale.detach().flatten(), scale)
    assert torch.equal(weight.int(), torch.where(conv.weight >= 0, 1, -1).to(torch.int8))
    conv(torch.randn(1, 4, 5, 5)).sum().backward()
    assert (conv.weight.grad != 0).all()


def test_tensor_int_weight_has_one_scale():
    linear = qnn.QuantLinear(8, 10, bias=False, weight_quant=TensorIntWeight, weight_bit_width=8)
    assert linear.quant_weight().scale.numel() == 1


@pytest.mark.parametrize("bits", range(1, 9))
def test_unsigned_act(bits):
    act = qnn.QuantReLU(act_quant=UnsignedAct, bit_width=bits, return_quant_tensor=True)
    found = act(torch.linspace(-20, 20, 10_001))
    levels = torch.unique((found.value / found.scale).round())
    assert torch.equal(levels, torch.arange(2.0**bits))
    assert not found.signed


def test_one_bit_activations_train():
    act = qnn.QuantReLU(act_quant=UnsignedAct, bit_width=1)
    x = torch.randn(1000, requires_grad=True)
    y = act(x)
    assert torch.unique(y.detach()).tolist() == [0.0, 1.5]
    y.square().sum().backward()
    [scale] = act.parameters()
    assert scale.grad.abs() > 0
    assert (x.grad != 0).any()


def test_join_act_is_narrow_and_signed():
    act = qnn.QuantHardTanh(act_quant=JoinAct, bit_width=8, return_quant_tensor=True)
    found = act(torch.linspace(-50, 50, 20_001))
    levels = torch.unique((found.value / found.scale).round())
    assert torch.equal(levels, torch.arange(-127.0, 128.0))


@pytest.mark.parametrize(("window", "bits"), [(4, 4), (7, 4), (4, 8), (2, 2), (4, 2)])
def test_average_pool_shifts_as_finn_does(window, bits):
    """FINN's QuantAvgPool2d: the sum, shifted right by the bits of the largest sum less the bits that stay."""
    act = qnn.QuantReLU(act_quant=UnsignedAct, bit_width=4, return_quant_tensor=True)
    pool = qnn.TruncAvgPool2d(window, trunc_quant=FloorTrunc, bit_width=bits)
    x = act(torch.rand(50, 3, window, window) * 5)
    integers = (x.value / x.scale).round().sum((2, 3))
    shift = max(0, (15 * window * window).bit_length() - bits)
    pooled = pool(x)
    found = (pooled.value / pooled.scale).round().flatten(1)
    assert torch.equal(found, torch.floor(integers / 2**shift))


def test_loading_keeps_the_parameters_that_an_optimiser_holds(tmp_path):
    """Brevitas 0.13 makes new ones in load_state_dict. When this test's second half fails, load_state can go back to it."""
    act = qnn.QuantReLU(act_quant=UnsignedAct, bit_width=4)
    [before] = act.parameters()
    state = {name: tensor + 1 for name, tensor in act.state_dict().items()}
    load_state(tmp_path, act, state)
    assert next(act.parameters()) is before
    assert before.item() == next(iter(state.values())).item()

    act.load_state_dict(state)
    assert next(act.parameters()) is not before
