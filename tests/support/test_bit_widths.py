"""Every bit width from 1 to 8, of weights and of activations: on its grid, training, and the same after the export."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")
qnn = pytest.importorskip("brevitas.nn")
execution = pytest.importorskip("qonnx.core.onnx_exec")

from torch import nn  # noqa: E402

from support.export.qonnx import export  # noqa: E402
from support.layers.quantisers import (  # noqa: E402
    BinaryWeight,
    FloorTrunc,
    IntWeight,
    JoinAct,
    TensorIntWeight,
    UnsignedAct,
)

pytestmark = [pytest.mark.torch, pytest.mark.slow]


class Net(nn.Module):
    """A residual block as nashc writes it."""

    def __init__(self, weight_bits, act_bits):
        super().__init__()
        weights = {"weight_quant": IntWeight, "weight_bit_width": weight_bits}
        if weight_bits == 1:
            weights = {"weight_quant": BinaryWeight}
        self.conv1 = qnn.QuantConv2d(1, 4, 3, padding=1, bias=False, **weights)
        self.bn1 = nn.BatchNorm2d(4)
        self.act1 = qnn.QuantReLU(act_quant=UnsignedAct, bit_width=act_bits)
        self.conv2 = qnn.QuantConv2d(4, 4, 3, padding=1, bias=False, **weights)
        self.bn2 = nn.BatchNorm2d(4)
        self.join = qnn.QuantHardTanh(act_quant=JoinAct, bit_width=8)
        self.act2 = qnn.QuantReLU(
            act_quant=UnsignedAct, bit_width=act_bits, return_quant_tensor=True
        )
        self.pool = qnn.TruncAvgPool2d(
            4, trunc_quant=FloorTrunc, bit_width=4, return_quant_tensor=False
        )
        self.fc = qnn.QuantLinear(
            4, 3, bias=False, weight_quant=TensorIntWeight, weight_bit_width=8
        )

    def forward(self, x):
        conv1 = self.act1(self.bn1(self.conv1(x)))
        add = self.join(self.bn2(self.conv2(conv1))) + self.join(conv1)
        return self.fc(self.pool(self.act2(add)).flatten(1))


PAIRS = sorted({(w, a) for w in range(1, 9) for a in (w, 9 - w)})


@pytest.mark.parametrize(("weight_bits", "act_bits"), PAIRS, ids=lambda bits: str(bits))
def test_bit_widths(weight_bits, act_bits):
    torch.manual_seed(weight_bits)
    network = Net(weight_bits, act_bits).to(memory_format=torch.channels_last)
    images = torch.randint(0, 256, (16, 1, 4, 4)).float()
    labels = torch.randint(0, 3, (16,))
    losses = train(network, images, labels)
    assert losses[-1] < losses[0]

    network.eval()
    assert_on_grid(network, images, weight_bits, act_bits)
    assert_exported_alike(network, images)


def train(network, images, labels):
    optimiser = torch.optim.Adam(network.parameters(), 1e-2)
    before = {name: it.detach().clone() for name, it in network.named_parameters()}
    losses = []
    for _ in range(12):
        loss = nn.functional.cross_entropy(network(images), labels)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(float(loss))
    for name, it in network.named_parameters():
        assert it.grad is not None and it.grad.isfinite().all(), name
        assert not torch.equal(it, before[name]), f"{name} does not train"
    return losses


def assert_on_grid(network, images, weight_bits, act_bits):
    weight = network.conv2.quant_weight()
    levels = torch.unique((weight.value / weight.scale).detach().double().round())
    step = (weight.value / weight.scale).detach()
    assert (step - step.round()).abs().max() < 1e-4
    wanted = (
        [-1, 1] if weight_bits == 1 else range(1 - 2 ** (weight_bits - 1), 2 ** (weight_bits - 1))
    )
    assert set(levels.int().tolist()) <= set(wanted)
    if weight_bits <= 2:
        assert set(levels.int().tolist()) == set(wanted)

    found = network.act1(network.bn1(network.conv1(images))).detach()
    steps = found / network.act1.act_quant.scale().detach()
    assert (steps - steps.round()).abs().max() < 1e-3
    levels = set(steps.round().int().unique().tolist())
    assert levels <= set(range(2**act_bits))
    if act_bits <= 2:
        assert levels == set(range(2**act_bits))


def assert_exported_alike(network, images):
    modules = ("conv1", "act1", "conv2", "join", "act2", "pool", "fc")
    layers = {name: [name, f"{name}.again"] for name in modules}
    model = export(network, (1, 4, 4), layers)
    quantisers = [node.op_type for node in model.graph.node]
    assert quantisers.count("Trunc") == 1
    with torch.no_grad():
        wanted = network(images).numpy()
    for image, logits in zip(images[:4].numpy(), wanted[:4], strict=True):
        found = execution.execute_onnx(model, {"image": image[None]})["logits"]
        np.testing.assert_allclose(found[0], logits, rtol=1e-4, atol=1e-5)
