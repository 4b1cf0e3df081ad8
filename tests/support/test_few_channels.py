"""Convolutions for which oneDNN would write beyond its memory read their images channels first."""

import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from support.layers.binary_conv import BinaryConv  # noqa: E402
from support.layers.few_channels import needs_channels_first  # noqa: E402
from support.training.classification import prepare  # noqa: E402

pytestmark = pytest.mark.torch
CPU = torch.device("cpu")
LAST = torch.channels_last


class Watched(nn.Conv2d):
    """Notes in which order its images lay, and what it gave was handed on."""

    def _conv_forward(self, x, weight, bias):
        # By its strides: in memory, both orders of one channel are the same.
        self.was_first = x.stride() == (x[0].numel(), x[0, 0].numel(), x.shape[3], 1)
        self.strides = weight.stride()
        return super()._conv_forward(x, weight, bias)


@pytest.mark.parametrize(
    ("inputs", "kernel", "stride", "is_first"),
    [
        *[(1, 1, 2, True), (2, 1, 2, True), (5, 1, 2, True), (4, 1, 3, True), (4, 1, 1, False)],
        *[(4, 3, 2, False), (8, 1, 2, False), (16, 1, 2, False)],
    ],
)
def test_images_lie_channels_first_where_they_must(inputs, kernel, stride, is_first):
    conv = Watched(inputs, 8, kernel, stride=stride, bias=False)
    network = prepare(nn.Sequential(conv), CPU)
    x = torch.rand(4, inputs, 8, 8).to(memory_format=LAST)
    y = network(x)
    assert conv.was_first is is_first
    if is_first:  # (in, 1, in, in) would be channels last
        assert conv.strides == (inputs, 1, 1, 1)
    assert y.is_contiguous(memory_format=LAST) or not is_first
    wanted = nn.functional.conv2d(x.double(), conv.weight.double(), stride=stride)
    torch.testing.assert_close(y, wanted.float())


@pytest.mark.parametrize("inputs", [1, 4])
def test_the_gradient_of_a_binary_one_is_that_of_channels_first(inputs, monkeypatch):
    orders = []
    backward = torch.ops.aten.convolution_backward

    def noted(grad_y, x, weight, *rest):
        orders.append((x.stride(), weight.stride()))
        return backward(grad_y, x, weight, *rest)

    monkeypatch.setattr(torch.ops.aten, "convolution_backward", noted)
    conv = BinaryConv(inputs, 8, 1, stride=2).to(memory_format=LAST)
    x = torch.rand(64, inputs, 16, 16).to(memory_format=LAST).requires_grad_()
    conv(x).sum().backward()
    assert orders == [((256 * inputs, 256, 16, 1), (inputs, 1, 1, 1))]


def test_the_rule_is_of_the_weights_and_the_stride():
    assert needs_channels_first(torch.empty(16, 4, 1, 1), 2)
    assert needs_channels_first(torch.empty(16, 1, 1, 1), 2)
    assert not needs_channels_first(torch.empty(16, 8, 1, 1), 2)
