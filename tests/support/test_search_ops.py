"""The ops of a search: their shapes, their binary weights, and the gradient that reaches the architecture."""

import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from support.derive import IDENTITY, MAX_POOL  # noqa: E402
from support.search_ops import BinaryConv, FactorisedIdentity, search_op  # noqa: E402
from support.search_space import MixedOp, edges, mixed_ops  # noqa: E402

pytestmark = pytest.mark.torch

OPS = ("zero", "maxpool 3x3", "identity", "conv 1x1", "conv 3x3", "conv 5x5")


@pytest.mark.parametrize("name", OPS)
@pytest.mark.parametrize(("outputs", "stride"), [(4, 1), (8, 2), (8, 1)])
@pytest.mark.parametrize("size", [8, 7])
def test_every_op_makes_the_same_shape(name, outputs, stride, size):
    op = search_op(name, 4, outputs, stride)
    side = -(-size // stride)
    assert op(torch.randn(2, 4, size, size)).shape == (2, outputs, side, side)


def test_an_identity_is_nothing_where_it_can_be():
    assert isinstance(search_op(IDENTITY, 4, 4), nn.Identity)
    assert isinstance(search_op(IDENTITY, 4, 4, 2), FactorisedIdentity)


def test_a_max_pool_stands_beside_itself():
    y = search_op(MAX_POOL, 2, 4, 2)(torch.randn(3, 2, 6, 6))
    assert torch.equal(y[:, :2], y[:, 2:])


def test_binary_weights():
    conv = BinaryConv(3, 5, 3).double()
    x = torch.randn(2, 3, 6, 6, dtype=torch.float64)
    sign = torch.where(conv.weight >= 0, 1.0, -1.0).double()
    scale = conv.weight.abs().mean((1, 2, 3))
    wanted = nn.functional.conv2d(x, sign, padding=1) * scale[None, :, None, None]
    assert torch.allclose(conv(x), wanted, rtol=0, atol=1e-13)
    conv(x).square().sum().backward()
    assert (conv.weight.grad != 0).all()


def test_full_precision_convolutions_where_nas_weights_have_several_bits():
    assert not isinstance(search_op("conv 3x3", 4, 4, binary=False)[0], BinaryConv)


def mixed_op(**options):
    torch.manual_seed(3)
    mixed = MixedOp(OPS, 4, 8, 2, **options).double()
    with torch.no_grad():
        mixed.alpha.copy_(torch.tensor([0.3, -0.2, 0.9, 0.1, -0.5, 0.4]))
    return mixed, torch.randn(2, 4, 6, 6, dtype=torch.float64)


@pytest.mark.parametrize("sampled", range(len(OPS)))
def test_the_gradient_of_alpha_is_the_closed_form(sampled, monkeypatch):
    """dL/dg_j = <dL/dy, op_j(x)> for every j, dL/dalpha_i = sum_j dL/dg_j p_j (delta_ij - p_i)."""
    mixed, x = mixed_op()
    monkeypatch.setattr(MixedOp, "sample", lambda self: setattr(self, "sampled", sampled))
    upstream = torch.randn(2, 8, 3, 3, dtype=torch.float64)

    y = mixed(x)
    (y * upstream + y.square()).sum().backward()

    # The same by the book: all candidates weighted by a gate that is a leaf of its own.
    gates = torch.zeros(len(OPS), dtype=torch.float64)
    gates[sampled] = 1
    gates.requires_grad_()
    outputs = torch.stack([op(x) for op in mixed.candidates])
    y_gated = (gates[:, None, None, None, None] * outputs).sum(0)
    (y_gated * upstream + y_gated.square()).sum().backward()
    p = torch.softmax(mixed.alpha.detach(), 0)
    jacobian = p[:, None] * (torch.eye(len(OPS), dtype=torch.float64) - p[None, :])
    wanted = gates.grad @ jacobian
    assert torch.equal(y, y_gated)
    assert torch.allclose(mixed.alpha.grad, wanted, rtol=1e-12, atol=1e-12)


def test_the_input_gets_its_gradient_through_the_sampled_op(monkeypatch):
    mixed, x = mixed_op()
    monkeypatch.setattr(MixedOp, "sample", lambda self: setattr(self, "sampled", 4))
    first, second = x.clone().requires_grad_(), x.clone().requires_grad_()
    mixed(first).square().sum().backward()
    mixed.candidates[4](second).square().sum().backward()
    assert torch.equal(first.grad, second.grad)


def test_a_weight_step_runs_the_sampled_op_alone(monkeypatch):
    mixed, x = mixed_op()
    mixed.alpha.requires_grad_(False)
    monkeypatch.setattr(MixedOp, "sample", lambda self: setattr(self, "sampled", 4))
    ran = []
    for name, op in zip(OPS, mixed.candidates, strict=True):
        op.register_forward_hook(lambda *_, name=name: ran.append(name))
    mixed(x).square().sum().backward()
    assert ran == ["conv 3x3"]
    with_gradient = {
        it
        for it in range(len(OPS))
        for p in mixed.candidates[it].parameters()
        if p.grad is not None
    }
    assert with_gradient == {4}


def test_ops_are_drawn_by_their_weights():
    mixed, _ = mixed_op()
    torch.manual_seed(0)
    for _ in range(4000):
        mixed.sample()
    share = torch.tensor(mixed.sampled_counts) / 4000
    assert torch.allclose(share, mixed.probabilities().float(), atol=0.03)


def test_what_derivation_learns_of_a_cell():
    first, second = MixedOp(OPS, 4, 8, 2), MixedOp(("zero", "conv 1x1"), 8, 8)
    cells = {"group1": {(0, 1): first, (1, 2): second}}
    assert list(mixed_ops(cells)) == [first, second]
    [one, two] = edges(cells)["group1"]
    assert (one.source, one.node, one.ops, one.changes_shape) == (0, 1, OPS, True)
    assert (two.source, two.node, two.ops, two.changes_shape) == (1, 2, ("zero", "conv 1x1"), False)
    assert sum(one.weights) == pytest.approx(1)
