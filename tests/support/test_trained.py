"""The float64 judge of a trained network is the same network."""

import copy

import pytest

torch = pytest.importorskip("torch")
qnn = pytest.importorskip("brevitas.nn")

from support.export.trained import in_float64  # noqa: E402
from support.layers.quantisers import BinaryWeight, IntWeight, TensorIntWeight  # noqa: E402

pytestmark = pytest.mark.torch


def integers(module):
    with torch.no_grad():
        weight = module.quant_weight()
    return (weight.value.double() / weight.scale.double()).round()


def border_weight():
    """A largest weight and a small one whose ratio is -0.5 / 7 in float32 and beyond it in float64."""
    largest = torch.linspace(0.5, 1.0, 1001)
    for small in (torch.nextafter(-0.5 * largest / 7, torch.tensor(-1.0)), -0.5 * largest / 7):
        in_float32 = (small / (largest / 7)).round()
        exactly = (small.double() / (largest.double() / 7)).round()
        found = torch.nonzero(in_float32 != exactly)
        if len(found):
            return float(largest[found[0, 0]]), float(small[found[0, 0]])
    raise AssertionError("float32 and float64 agree everywhere")


def test_a_weight_on_a_border_stays_what_it_was_trained_to_be():
    conv = qnn.QuantConv2d(2, 1, 1, bias=False, weight_quant=IntWeight, weight_bit_width=4)
    with torch.no_grad():
        conv.weight.copy_(torch.tensor(border_weight()).reshape(1, 2, 1, 1))
    network = torch.nn.Sequential(conv).eval()
    rounded_again = copy.deepcopy(conv).double()
    assert not torch.equal(integers(rounded_again), integers(conv))
    assert torch.equal(integers(in_float64(network)[0]), integers(network[0]))


@pytest.mark.parametrize(
    ("quantiser", "bits"),
    [(BinaryWeight, 1), *((IntWeight, bits) for bits in range(2, 9)), (TensorIntWeight, 8)],
)
def test_scales_and_integers_are_kept(quantiser, bits):
    torch.manual_seed(bits)
    conv = qnn.QuantConv2d(8, 4, 3, bias=False, weight_quant=quantiser, weight_bit_width=bits)
    with torch.no_grad():
        conv.weight[0] = 0  # a channel without weights keeps them
    exact = in_float64(torch.nn.Sequential(conv).eval())[0]
    assert torch.equal(integers(exact), integers(conv))
    with torch.no_grad():
        scales = [module.quant_weight().scale.double() for module in (conv, exact)]
    torch.testing.assert_close(*scales, rtol=1e-6, atol=0)
