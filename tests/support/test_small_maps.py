"""Convolutions by matrix products, where few pixels come out, against torch's own."""

import pytest

torch = pytest.importorskip("torch")

from support.layers.small_maps import SmallMapConv2d, suits  # noqa: E402

pytestmark = pytest.mark.torch


@pytest.mark.parametrize(
    "layout", [torch.channels_last, torch.contiguous_format], ids=["last", "first"]
)
@pytest.mark.parametrize(
    ("kernel", "stride", "pad", "size"),
    [
        (3, 1, 1, 2),
        (5, 1, 2, 2),
        (3, 2, 1, 4),
        (5, 2, 2, 3),
        (3, 1, 1, 1),
        (2, 2, 0, 4),
        (3, 1, 0, 4),
        (5, 3, 1, 6),
    ],
)
def test_results_and_gradients_are_those_of_torch(kernel, stride, pad, size, layout):
    torch.manual_seed(0)
    own = SmallMapConv2d(3, 5, kernel, stride=stride, padding=pad, bias=False).double()
    own = own.to(memory_format=layout)
    x = torch.randn(2, 3, size, size, dtype=torch.float64).to(memory_format=layout)
    first, second = x.clone().requires_grad_(), x.clone().requires_grad_()
    y = own(first)
    upstream = torch.randn_like(y)
    (y * upstream).sum().backward()
    weight = own.weight.detach().clone().requires_grad_()
    wanted = torch.nn.functional.conv2d(second, weight, None, stride, pad)
    (wanted * upstream).sum().backward()
    for found, expected in ((y, wanted), (first.grad, second.grad), (own.weight.grad, weight.grad)):
        assert torch.allclose(found, expected, rtol=0, atol=1e-12)
    assert y.is_contiguous(memory_format=torch.channels_last)


def test_frozen_weights_get_no_gradient():
    conv = SmallMapConv2d(3, 5, 3, padding=1, bias=False).requires_grad_(False)
    x = torch.randn(2, 3, 2, 2, requires_grad=True)
    conv(x).sum().backward()
    assert (x.grad is None, conv.weight.grad is None) == (False, True)


def test_what_it_is_for():
    weight = torch.zeros(5, 3, 3, 3)
    assert suits(torch.zeros(1, 5, 2, 2), weight)
    assert not suits(torch.zeros(1, 5, 4, 4), weight)
    assert not suits(torch.zeros(1, 5, 2, 2), weight[:, :, :1, :1])
