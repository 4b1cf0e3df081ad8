"""The fused quantisers against Brevitas' own forward and gradient, of the very same modules."""

import math

import pytest

torch = pytest.importorskip("torch")
qnn = pytest.importorskip("brevitas.nn")

from brevitas.core.quant import BinaryQuant, RescalingIntQuant  # noqa: E402
from brevitas.proxy.runtime_quant import FusedActivationQuantProxy  # noqa: E402

from support.layers import activation_grid  # noqa: E402
from support.layers.quantisers import (  # noqa: E402
    BinaryWeight,
    IntWeight,
    JoinAct,
    TensorBinaryWeight,
    TensorIntWeight,
    UnsignedAct,
)

pytestmark = pytest.mark.torch


def own_words(module):
    """Brevitas' classes under ours take over."""
    for part in module.modules():
        for own in (BinaryQuant, RescalingIntQuant, FusedActivationQuantProxy):
            if isinstance(part, own):
                part.forward = own.forward.__get__(part)
    return module


def activation(role, bits, return_quant_tensor=True):
    kind, quantiser = {"relu": (qnn.QuantReLU, UnsignedAct), "join": (qnn.QuantHardTanh, JoinAct)}[
        role
    ]
    return kind(act_quant=quantiser, bit_width=bits, return_quant_tensor=return_quant_tensor)


def both(make, *inputs):
    """(value, scale, gradients) of ours and of Brevitas; inputs are leaves."""
    results = []
    for change in (lambda module: module, own_words):
        torch.manual_seed(0)
        module = change(make().double())
        leaves = [it.clone(memory_format=torch.preserve_format).requires_grad_() for it in inputs]
        found = module(*leaves) if leaves else module.quant_weight()
        weight = torch.randn(found.value.shape, dtype=torch.float64)
        # The scale has a gradient of its own too: the average pool counts in it.
        ((found.value * weight).sum() + found.scale.sum()).backward()
        gradients = [leaf.grad for leaf in (*leaves, *module.parameters())]
        results.append((found, gradients))
    return results


def assert_same(ours, brevitas):
    (found, gradients), (wanted, wanted_gradients) = ours, brevitas
    for name in ("value", "scale", "zero_point", "bit_width"):
        a, b = getattr(found, name), getattr(wanted, name)
        if a.dim():  # one scale for all is [] or, for means, [1] in Brevitas
            assert a.shape == b.shape, name
        a = a.reshape(b.shape)
        torch.testing.assert_close(a, b, rtol=1e-13, atol=1e-14, msg=name)
    assert found.signed == wanted.signed
    assert len(gradients) == len(wanted_gradients)
    for a, b in zip(gradients, wanted_gradients, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("bits", range(1, 9))
def test_unsigned_activations(bits, layout):
    x = 4 * torch.randn(8, 4, 6, 6, dtype=torch.float64).contiguous(memory_format=layout)
    assert_same(*both(lambda: activation("relu", bits), x))


@pytest.mark.parametrize("bits", range(2, 9))
def test_joins(bits):
    x = 8 * torch.randn(8, 4, 6, 6, dtype=torch.float64)
    assert_same(*both(lambda: activation("join", bits), x))


@pytest.mark.parametrize(("role", "bits"), [("relu", n) for n in (1, 2, 3, 4)] + [("join", 8)])
def test_the_float32_forward_is_the_same_to_the_bit(role, bits):
    ours, brevitas = activation(role, bits), own_words(activation(role, bits))
    x = 5 * torch.randn(100_000)
    x = torch.cat([x, torch.arange(-300, 300) * ours(x).scale.detach() / 2])  # half-way values
    with torch.no_grad():
        assert torch.equal(ours(x).value, brevitas(x).value)
        assert torch.equal(ours(x).scale, brevitas(x).scale)


@pytest.mark.parametrize(("role", "bits"), [("relu", n) for n in (1, 2, 4, 8)] + [("join", 8)])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_training_in_float32_differs_at_half_way_values_alone(role, bits, layout):
    quantiser = activation(role, bits)
    pixels = (5 * torch.randn(8, 4, 40, 40)).contiguous(memory_format=layout)
    dy = torch.randn(8, 4, 40, 40)
    found, wanted = [], []
    for dtype, results in ((torch.float32, found), (torch.float64, wanted)):
        quantiser.to(dtype).zero_grad()
        x = pixels.to(dtype, copy=True).requires_grad_()
        quantised = quantiser(x)
        y, scale = quantised.value, quantised.scale
        (y * dy.to(dtype)).sum().backward()
        [log_end] = quantiser.parameters()
        results.extend((y.detach(), scale.detach(), x.grad, log_end.grad.clone()))
    steps = wanted[0] / wanted[1]
    half_way = ((pixels / wanted[1]).frac().abs() - 0.5).abs() < 1e-4
    assert half_way.sum() < 0.001 * half_way.numel()
    assert torch.equal((found[0] / found[1]).round()[~half_way], steps.round().float()[~half_way])
    assert ((found[0] / found[1]).round() - steps).abs().max() <= 1
    assert torch.equal(found[2][~half_way], wanted[2].float()[~half_way])
    torch.testing.assert_close(found[3], wanted[3].float(), rtol=1e-3, atol=1e-3)
    assert found[0].stride() == pixels.stride()


@pytest.mark.parametrize("count", [2, 3])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_an_add_is_one_function_with_its_quantisers(count, layout, monkeypatch):
    join = activation("join", 8, return_quant_tensor=False)
    values = [(8 * torch.randn(4, 3, 5, 5)).contiguous(memory_format=layout) for _ in range(count)]
    dy = torch.randn(4, 3, 5, 5).contiguous(memory_format=layout)
    results, rounded, round_ = [], [], activation_grid._rounded_in_bytes
    monkeypatch.setattr(
        activation_grid, "_rounded_in_bytes", lambda *a: rounded.append(1) or round_(*a)
    )
    for add in (activation_grid.added, lambda join, *values: sum(map(join, values))):
        leaves = [it.clone().requires_grad_() for it in values]
        join.zero_grad()
        y = add(join, *leaves)
        y.backward(dy)
        [log_end] = join.parameters()
        results.append((y.detach(), log_end.grad.clone(), *(it.grad for it in leaves)))
    (y, scale, *gradients), (plain_y, plain_scale, *plain_gradients) = results
    assert torch.equal(y, plain_y) and y.stride() == values[0].stride()
    assert all(map(torch.equal, gradients, plain_gradients))
    torch.testing.assert_close(scale, plain_scale, rtol=1e-5, atol=1e-4)
    assert len(rounded) == 2 * count  # none in a backward pass


@pytest.mark.parametrize("way", ["evaluation", "float64", "without quantisers"])
def test_elsewhere_an_add_is_the_sum_of_what_its_quantisers_give(way):
    join = activation("join", 8, return_quant_tensor=False)
    join.train(way != "evaluation").to(torch.float64 if way == "float64" else torch.float32)
    join.act_quant.disable_quant = way == "without quantisers"
    asked = []
    join.register_forward_hook(lambda *_: asked.append(1))
    a, b = (8 * torch.randn(2, 100)).to(join.act_quant.scale().dtype if way == "float64" else None)
    assert torch.equal(activation_grid.added(join, a, b), join(a) + join(b))
    assert len(asked) == 4


def test_a_scale_that_diverged_is_not_hidden():
    quantiser = activation("relu", 4)
    [log_end] = quantiser.parameters()
    with torch.no_grad():
        log_end.fill_(math.nan)
    assert quantiser(torch.ones(3)).value.isnan().all()


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("bits", range(1, 9))
def test_weights(bits, layout):
    quantiser = {"weight_quant": BinaryWeight}
    if bits > 1:
        quantiser = {"weight_quant": IntWeight, "weight_bit_width": bits}
    assert_same(
        *both(lambda: qnn.QuantConv2d(3, 5, 3, bias=False, **quantiser).to(memory_format=layout))
    )


@pytest.mark.parametrize("quantiser", [TensorIntWeight, TensorBinaryWeight])
def test_weights_with_one_scale(quantiser):
    assert_same(*both(lambda: qnn.QuantLinear(6, 5, bias=False, weight_quant=quantiser)))


def test_a_relu_is_part_of_its_grid():
    x = torch.tensor([-3.0, -0.0, 0.0, 1e-9, 0.4, 99.0], requires_grad=True)
    found = activation("relu", 2)(x)
    found.value.sum().backward()
    assert x.grad.tolist() == [0, 0, 0, 1, 1, 0]


def test_bfloat16_is_quantised_in_float32():
    quantiser = activation("join", 8)
    x = 5 * torch.randn(1000, dtype=torch.bfloat16)
    found = quantiser(x.requires_grad_())
    assert (
        torch.equal(found.value, quantiser(x.float()).value) and found.value.dtype == torch.float32
    )
    found.value.sum().backward()
    assert x.grad.dtype == torch.bfloat16


def test_an_all_zero_channel_has_finite_gradients():
    for quantiser in ({"weight_quant": BinaryWeight}, {"weight_quant": IntWeight}):
        conv = qnn.QuantConv2d(2, 3, 3, bias=False, **quantiser)
        with torch.no_grad():
            conv.weight[1] = 0
        conv.quant_weight().value.sum().backward()
        assert conv.weight.grad.isfinite().all()


@pytest.mark.parametrize(("role", "bits"), [("relu", 2), ("join", 8)])
def test_a_training_step_makes_no_quant_tensors(role, bits, monkeypatch):
    layer = activation(role, bits)
    plain = activation(role, bits, return_quant_tensor=False)
    x = 4 * torch.randn(100)
    wanted = layer(x).value
    assert plain.act_quant.scale() == layer.act_quant.scale() and plain.training
    assert torch.equal(plain.eval()(x), wanted)
    monkeypatch.setattr(plain.act_quant, "create_quant_tensor", None)
    assert torch.equal(plain.train()(x), wanted)
