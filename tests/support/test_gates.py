"""The gradient estimators of a search against their closed forms, in float64, and how gates are drawn."""

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("brevitas")

from support.search.convs import Binary  # noqa: E402
from support.search.gates import Gate, Sampler, binary_gate, gumbel, two_path  # noqa: E402
from support.search.quantised import Quantised  # noqa: E402
from support.search.space import MixedOp, set_gates  # noqa: E402

pytestmark = pytest.mark.torch

OPS = ("zero", "maxpool 3x3", "identity", "conv 1x1", "conv 3x3", "conv 5x5")
ALPHA = torch.tensor([0.3, -0.2, 0.9, 0.1, -0.5, 0.4], dtype=torch.float64)
TEMPERATURE = 0.7


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def by_the_book(gate, soft_shares, convs=None):
    """dL/dalpha of an edge whose loss is not linear in its output, with the gate g as a leaf of its own.

    soft_shares: differentiable shares of all ops; the gradient of g goes on through them.
    """
    torch.manual_seed(3)
    mixed = MixedOp(OPS, 4, 8, 2, convs).double()
    x = torch.rand(2, 4, 6, 6, dtype=torch.float64)
    upstream = torch.randn(2, 8, 3, 3, dtype=torch.float64)
    with torch.no_grad():
        mixed.alpha.copy_(ALPHA)
    mixed.set_gate(gate)
    y = mixed(x)
    (y * upstream + y.square()).sum().backward()

    gates = torch.zeros(len(OPS), dtype=torch.float64)
    gates[gate.sampled] = 1
    gates.requires_grad_()
    outputs = torch.stack([op(x) for op in mixed.candidates])
    y_gated = (gates[:, None, None, None, None] * outputs).sum(0)
    (y_gated * upstream + y_gated.square()).sum().backward()
    assert torch.equal(y, y_gated)

    alpha = ALPHA.clone().requires_grad_()
    (soft_shares(alpha) * gates.grad).sum().backward()
    return mixed.alpha.grad, alpha.grad


@pytest.mark.parametrize(
    "convs", [Binary(), Quantised(1), Quantised(4)], ids=["binary", "1 bit", "4 bits"]
)
@pytest.mark.parametrize("sampled", range(len(OPS)))
def test_binary_gate(sampled, convs):
    """dL/dalpha_i = sum_j dL/dg_j p_j (delta_ij - p_i)."""
    gate = Gate(sampled, tuple(range(len(OPS))), torch.softmax(ALPHA, 0))
    found, wanted = by_the_book(gate, lambda alpha: torch.softmax(alpha, 0), convs)
    assert torch.allclose(found, wanted, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("seed", range(6))
def test_two_path(seed):
    """The same with two ops: their shares are a softmax of two, the gates of the others get nothing."""
    gate = two_path(ALPHA, generator(seed))
    assert len(set(gate.paths)) == 2
    assert gate.sampled in gate.paths

    def shares(alpha):
        pair = list(gate.paths)
        return torch.zeros_like(alpha).index_put(
            (torch.tensor(pair),), torch.softmax(alpha[pair], 0)
        )

    found, wanted = by_the_book(gate, shares)
    assert torch.allclose(found, wanted, rtol=1e-11, atol=1e-12)
    others = [i for i in range(len(OPS)) if i not in gate.paths]
    assert not found[others].any()


@pytest.mark.parametrize("seed", range(6))
def test_gumbel(seed):
    """Straight through: forward the one-hot maximum, backward the softmax of (alpha + noise) / temperature."""
    gate = gumbel(TEMPERATURE)(ALPHA, generator(seed))
    noise = -torch.empty_like(ALPHA).exponential_(generator=generator(seed)).log()
    assert gate.sampled == int((ALPHA + noise).argmax())
    found, wanted = by_the_book(gate, lambda alpha: torch.softmax((alpha + noise) / TEMPERATURE, 0))
    assert torch.allclose(found, wanted, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("draw", [binary_gate, gumbel(TEMPERATURE)])
def test_ops_run_as_often_as_their_probabilities_say(draw):
    source, counts = generator(), torch.zeros(len(OPS))
    for _ in range(4000):
        counts[draw(ALPHA, source).sampled] += 1
    assert torch.allclose(counts / 4000, torch.softmax(ALPHA, 0).float(), atol=0.03)


def test_two_path_leaves_the_probabilities_of_the_others_alone():
    sampler = Sampler({"name": "two_path"}, 5)
    alphas = [torch.nn.Parameter(ALPHA.clone()), torch.nn.Parameter(ALPHA.flip(0).clone())]
    adam = torch.optim.Adam(alphas, lr=0.1, betas=(0.0, 0.999), weight_decay=1e-3)
    for _ in range(20):
        before = [alpha.detach().clone() for alpha in alphas]
        gates = sampler.for_architecture(before)
        for alpha, gate in zip(alphas, gates, strict=True):
            alpha.grad = gate.gradient_of_alpha(torch.randn(2, dtype=torch.float64), len(OPS))
        adam.step()
        settled = sampler.settled(before, [alpha.detach() for alpha in alphas], gates)
        for alpha, value in zip(alphas, settled, strict=True):
            alpha.data.copy_(value)
        for alpha, old, gate in zip(alphas, before, gates, strict=True):
            then, now = torch.softmax(old, 0), torch.softmax(alpha.detach(), 0)
            others = [i for i in range(len(OPS)) if i not in gate.paths]
            assert torch.allclose(now[others], then[others], rtol=1e-12)
            pair = list(gate.paths)
            assert not torch.equal(now[pair], then[pair])
            assert torch.allclose(now[pair].sum(), then[pair].sum(), rtol=1e-12)


def test_one_op_is_no_choice():
    one = torch.zeros(1, dtype=torch.float64)
    for draw in (binary_gate, two_path, gumbel(1.0)):
        gate = draw(one, generator())
        assert (gate.sampled, gate.paths) == (0, (0,))
        assert gate.gradient_of_alpha(torch.ones(1, dtype=torch.float64), 1) == 0


def test_the_sampler_is_alone_with_its_generator():
    """Other draws of the process do not move the gates, and a saved state goes on with the same ones."""
    estimator, alphas = {"name": "gumbel", "temperature": 1.0}, [ALPHA] * 3
    first, second = Sampler(estimator, 1), Sampler(estimator, 1)
    drawn = [first.for_architecture(alphas), first.for_weights(alphas)]
    torch.manual_seed(99)
    torch.randn(7)
    again = [second.for_architecture(alphas), second.for_weights(alphas)]
    assert _ops(drawn) == _ops(again)
    state = first.generator.get_state()
    following = _ops([first.for_weights(alphas) for _ in range(9)])
    first.generator.set_state(state)
    assert following == _ops([first.for_weights(alphas) for _ in range(9)])


def _ops(drawn):
    return [gate.sampled for gates in drawn for gate in gates]


def test_what_is_decided_for_good_has_no_entropy():
    """Softmax in float32 ends at zero, whose logarithm is none."""
    mixed = MixedOp(OPS[:3], 4, 4)
    mixed.alpha.data = torch.tensor([200.0, 0.0, 0.0])
    assert mixed.entropy_nats() == 0.0


def test_draws_are_counted():
    mixed = MixedOp(OPS, 4, 4)
    set_gates([mixed], [Gate(2, (2,), torch.ones(1))])
    set_gates([mixed], [Gate(2, (2,), torch.ones(1))])
    assert mixed.sampled_counts == [0, 0, 2, 0, 0, 0]
