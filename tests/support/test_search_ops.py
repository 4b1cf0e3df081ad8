"""The ops of a search: their shapes, their binary weights, and what they say of ops that did not run."""

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("brevitas")

import brevitas.nn as qnn  # noqa: E402
from torch import nn  # noqa: E402

from support.derivation.cells import IDENTITY, MAX_POOL  # noqa: E402
from support.layers.binary_conv import BinaryConv, signs  # noqa: E402
from support.search.candidates import search_op  # noqa: E402
from support.search.convs import Binary, FactorisedIdentity, Float  # noqa: E402
from support.search.gates import Gate  # noqa: E402
from support.search.ops import Identity, Node  # noqa: E402
from support.search.quantised import Quantised  # noqa: E402
from support.search.space import MixedOp, edges, mixed_ops  # noqa: E402

pytestmark = pytest.mark.torch

OPS = ("zero", "maxpool 3x3", "identity", "conv 1x1", "conv 3x3", "conv 5x5")
SHAPES = [(4, 1), (8, 2), (8, 1), (6, 2), (3, 1), (1, 2)]
CONVS = {"binary": Binary(), "float": Float(), "1 bit": Quantised(1), "4 bits": Quantised(4)}


@pytest.mark.parametrize("name", OPS)
@pytest.mark.parametrize(("outputs", "stride"), SHAPES)
@pytest.mark.parametrize("size", [8, 7])
def test_every_op_makes_the_same_shape(name, outputs, stride, size):
    op = search_op(name, 4, outputs, stride, Binary())
    side = -(-size // stride)
    assert op(torch.rand(2, 4, size, size)).shape == (2, outputs, side, side)


@pytest.mark.parametrize("name", OPS)
@pytest.mark.parametrize(("outputs", "stride"), SHAPES)
@pytest.mark.parametrize("convs", CONVS.values(), ids=CONVS)
def test_the_inner_product_is_that_of_what_the_op_makes(name, outputs, stride, convs):
    torch.manual_seed(0)
    op = search_op(name, 4, outputs, stride, convs).double()
    for bn in op.modules():
        if isinstance(bn, nn.BatchNorm2d):
            nn.init.normal_(bn.weight)
            nn.init.normal_(bn.bias)
    x = torch.rand(3, 4, 6, 6, dtype=torch.float64).to(memory_format=torch.channels_last)
    y = op(x)
    grad = torch.randn_like(y)
    with torch.no_grad():
        found = op.along(grad, Node(x))
    assert torch.allclose(found, (grad * y).sum(), rtol=1e-11, atol=1e-11)


def test_an_identity_is_nothing_where_it_can_be():
    assert isinstance(search_op(IDENTITY, 4, 4, 1, Binary()), Identity)
    assert isinstance(search_op(IDENTITY, 4, 4, 2, Binary()), FactorisedIdentity)


def test_a_quantised_identity_across_a_change_is_the_convolution_that_will_be_trained():
    conv = search_op(IDENTITY, 4, 8, 2, Quantised(3, of_identity=1)).conv
    assert (conv.kernel_size, conv.stride, conv.padding) == ((2, 2), (2, 2), (0, 0))
    assert len(conv.quant_weight().value[0].unique()) == 2


def test_a_max_pool_stands_beside_itself():
    y = search_op(MAX_POOL, 2, 4, 2, Binary())(torch.randn(3, 2, 6, 6))
    assert torch.equal(y[:, :2], y[:, 2:])


@pytest.mark.parametrize(("outputs", "stride"), [(4, 1), (4, 2), (8, 2), (3, 2), (6, 1), (9, 1)])
def test_a_max_pool_made_again_has_the_gradient_of_one_that_was_kept(outputs, stride):
    torch.manual_seed(0)
    op = search_op(MAX_POOL, 4, outputs, stride, Binary()).double()
    first = torch.relu(torch.randn(2, 4, 6, 6, dtype=torch.float64)).requires_grad_()  # with ties
    second = first.detach().clone().requires_grad_()
    op(first).square().sum().backward()
    pooled = nn.functional.max_pool2d(second, 3, stride, 1)
    op.bn(torch.cat([pooled] * 3, dim=1)[:, :outputs]).square().sum().backward()
    assert torch.allclose(first.grad, second.grad, rtol=0, atol=1e-12)


@pytest.mark.parametrize(("kernel", "stride", "size"), [(3, 1, 6), (5, 2, 4), (5, 1, 2), (3, 1, 1)])
def test_a_binary_convolution_by_the_book(kernel, stride, size):
    torch.manual_seed(0)
    conv = BinaryConv(3, 5, kernel, stride).double()
    x = torch.relu(torch.randn(2, 3, size, size, dtype=torch.float64)).requires_grad_()

    b, w = x.detach().sign().requires_grad_(), conv.weight.detach().sign().requires_grad_()
    wanted = torch.relu(nn.functional.conv2d(b, w, None, stride, kernel // 2))
    upstream = torch.randn_like(wanted)
    (wanted * upstream).sum().backward()

    y = conv(x)
    (y * upstream).sum().backward()
    assert torch.equal(y, wanted)
    assert torch.allclose(conv.weight.grad, w.grad, rtol=0, atol=1e-12)
    slope = torch.where(x < 1, 2 - 2 * x, 0).detach()
    assert torch.allclose(x.grad, b.grad * slope, rtol=0, atol=1e-12)


@pytest.mark.parametrize("convs", [Binary(), Float()], ids=["binary", "float"])
def test_the_rim_that_meets_no_pixel_is_left_out(convs):
    torch.manual_seed(0)
    cut = search_op("conv 5x5", 3, 5, 1, convs, side=2).conv.double()
    whole = search_op("conv 5x5", 3, 5, 1, convs).conv.double()
    assert (cut.weight.shape[-1], whole.weight.shape[-1]) == (3, 5)
    with torch.no_grad():
        whole.weight[:, :, 1:4, 1:4] = cut.weight
    x = torch.rand(2, 3, 2, 2, dtype=torch.float64)
    assert torch.allclose(cut(x), whole(x), rtol=0, atol=1e-12)
    assert search_op("conv 5x5", 3, 5, 2, convs, side=2).conv.weight.shape[-1] == 5
    assert search_op("conv 5x5", 3, 5, 1, convs, side=3).conv.weight.shape[-1] == 5


def test_the_scale_is_applied_to_whole_numbers():
    op = search_op("conv 3x3", 3, 5, 1, Binary()).double()
    x = torch.rand(2, 3, 6, 6, dtype=torch.float64)
    scaled = op.conv(x) * op.conv.weight.abs().mean()
    assert torch.allclose(op(x), op.bn(scaled), rtol=0, atol=1e-12)


@pytest.mark.parametrize("kernel", [1, 3, 5])
@pytest.mark.parametrize(("stride", "size"), [(1, 7), (2, 7), (1, 2)])
def test_bytes_and_floats_sum_up_to_the_same(kernel, stride, size):
    torch.manual_seed(0)
    conv = BinaryConv(32, 24, kernel, stride)
    x = torch.relu(torch.randn(4, 32, size, size)).to(memory_format=torch.channels_last)
    b = signs(x)
    if b.dtype != torch.uint8:
        pytest.skip("torch has no oneDNN here, so there are no bytes to compare")
    assert torch.equal(conv.of_signs(b), conv.of_signs(b.float()))


@pytest.mark.parametrize(("bits", "values"), [(1, 2), (2, 3), (4, 15)])
def test_quantised_convolutions_have_the_bits_of_the_spec(bits, values):
    conv = search_op("conv 5x5", 8, 8, 1, Quantised(bits)).conv
    assert isinstance(conv, qnn.QuantConv2d)
    assert conv.quant_weight().value[0].unique().numel() == values


def mixed_op(sampled):
    torch.manual_seed(3)
    mixed = MixedOp(OPS, 4, 8, 2).double()
    mixed.set_gate(Gate(sampled, tuple(range(len(OPS))), torch.softmax(mixed.alpha.detach(), 0)))
    return mixed, torch.rand(2, 4, 6, 6, dtype=torch.float64)


def test_the_input_gets_its_gradient_through_the_sampled_op():
    mixed, x = mixed_op(4)
    first, second = x.clone().requires_grad_(), x.clone().requires_grad_()
    mixed(first).square().sum().backward()
    mixed.candidates[4](second).square().sum().backward()
    assert torch.equal(first.grad, second.grad)


def test_a_weight_step_runs_the_sampled_op_alone():
    mixed, x = mixed_op(4)
    mixed.alpha.requires_grad_(False)
    ran = []
    for name, op in zip(OPS, mixed.candidates, strict=True):
        op.register_forward_hook(lambda *_, name=name: ran.append(name))
        op.along = lambda *_, name=name: ran.append(f"along {name}")
    mixed(x).square().sum().backward()
    assert ran == ["conv 3x3"]
    with_gradient = {
        it
        for it in range(len(OPS))
        for p in mixed.candidates[it].parameters()
        if p.grad is not None
    }
    assert with_gradient == {4}


def test_what_derivation_learns_of_a_cell():
    first, second = MixedOp(OPS, 4, 8, 2), MixedOp(("zero", "conv 1x1"), 8, 8)
    cells = {"group1": {(0, 1): first, (1, 2): second}}
    assert list(mixed_ops(cells)) == [first, second]
    [one, two] = edges(cells)["group1"]
    assert (one.source, one.node, one.ops, one.changes_channels) == (0, 1, OPS, True)
    assert (two.source, two.node, two.ops) == (1, 2, ("zero", "conv 1x1"))
    assert not two.changes_channels
    first.alpha.requires_grad_(False)
    first.set_gate(Gate(3, (3,), torch.ones(1)))
    first.alpha.requires_grad_(True)
    first.set_gate(Gate(4, (4,), torch.ones(1)))
    assert first.sampled_counts == [0, 0, 0, 1, 1, 0]
    [one, _] = edges(cells)["group1"]
    assert one.trained == (0, 0, 0, 1, 0, 0)
    assert sum(one.weights) == pytest.approx(1)


def test_what_is_kept_of_weights_follows_them():
    conv = BinaryConv(4, 4, 3)
    b = signs(torch.rand(1, 4, 5, 5))
    first, scale = conv.of_signs(b), conv.scale()
    optimiser = torch.optim.SGD(conv.parameters(), 1.0, momentum=0.9)
    conv.weight.grad = 3 * conv.weight.detach()  # past zero: every sign turns
    optimiser.step()
    assert conv.scale() == pytest.approx(2 * scale)
    whole = nn.functional.conv2d(b.float(), conv.weight.detach().sign(), padding=1)
    assert torch.equal(conv.of_signs(b), whole.relu())
    assert not torch.equal(conv.of_signs(b), first)
    conv.weight.data = -conv.weight.data.clone()
    assert torch.equal(conv.of_signs(b), first)


def test_sums_that_end_near_whole_numbers_are_whole(monkeypatch):
    """As a GPU's may, which multiplies by transforms."""
    conv = BinaryConv(4, 4, 3).double()  # of doubles there are no bytes
    b = signs(torch.rand(2, 4, 5, 5, dtype=torch.float64))
    exact, convolve = conv.of_signs(b), nn.functional.conv2d
    monkeypatch.setattr(nn.functional, "conv2d", lambda *given: convolve(*given) - 1e-4)
    assert torch.equal(conv.of_signs(b), exact)
    assert torch.equal(conv.kept(conv.of_signs(b)).double(), exact)


def test_packed_again_are_the_new_weights_for_the_same_images():
    conv = BinaryConv(4, 4, 3)
    images = [signs(torch.rand(2, 4, side, side)) for side in (5, 7)]
    for b in images:
        conv.of_signs(b)
    packs = {name: it for name, it in conv._kept.items() if isinstance(name, torch.Size)}
    conv.pack_again()
    assert all(conv._kept[name] is pack for name, pack in packs.items()), "nothing has changed"
    with torch.no_grad():
        conv.weight.neg_()
    conv.pack_again()
    assert packs.keys() < conv._kept.keys()
    assert all(conv._kept[name] is not pack for name, pack in packs.items())
    ready = dict(conv._kept)
    for b in images:
        whole = nn.functional.conv2d(b.float(), conv.weight.detach().sign(), padding=1)
        assert torch.equal(conv.of_signs(b), whole.relu())
    assert conv._kept == ready, "made before, not now"


@pytest.mark.parametrize(("inputs", "kept"), [(28, torch.uint8), (29, torch.int16)])
def test_sums_are_kept_in_as_few_bytes_as_hold_the_largest(inputs, kept):
    conv = BinaryConv(inputs, 2, 3)
    with torch.no_grad():
        conv.weight.fill_(1.0)
    y = conv.of_signs(signs(torch.ones(1, inputs, 3, 3)))
    assert y.max() == 9 * inputs
    assert conv.kept(y).dtype == kept
    assert torch.equal(conv.kept(y).to(y.dtype), y)
