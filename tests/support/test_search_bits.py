"""Searched bit widths: the gradient of their alphas, and that what is found is the network that was sampled."""

import json
import signal
from itertools import product

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("brevitas")

from generated import SEARCH, Generated  # noqa: E402
from test_search_quantised import imported  # noqa: E402
from torch import nn  # noqa: E402

from nashc.emit import project  # noqa: E402
from nashc.emit.searched_bits import settings_of_bits  # noqa: E402
from nashc.lower import lower  # noqa: E402
from nashc.schema import load  # noqa: E402
from support.derivation.places import Place, places_text  # noqa: E402
from support.layers.few_channels import guard  # noqa: E402
from support.search.bits import BitChoice, SearchedConv2d, SearchedReLU, bit_choices  # noqa: E402
from support.search.gates import Gate, Sampler  # noqa: E402
from support.search.quantised import Quantised  # noqa: E402
from support.search.space import MixedOp  # noqa: E402

pytestmark = pytest.mark.torch

SPEC = """nash 1
use basic from "nashc/resnet.nash"

backbone tiny(width = 4) {{
  stem:   conv 3x3(width) -> bn -> act
  group0: basic(width) -> basic(width)
  group1: basic(2 * width, stride = 2, project = true)
  head:   avgpool -> fc: linear(classes)
}}

network tiny {{
  input    = UINT8 1x8x8
  classes  = 10
  backbone = tiny
  {cell}
  bits {{
    {bits}
  }}
}}

search {{
  data      = digits
  precision = quantised
}}
"""
CELL = (
    "cell in each group { ops = [zero, identity, conv 1x1, conv 3x3]; identity_across = two_convs }"
)
GENOTYPE = """genotype {
  group0 = conv 3x3 from 0, identity from 1, conv 1x1 from 0, conv 3x3 from 3
  group1 = identity from 0, conv 1x1 from 1
}
"""
ENDINGS = {"conv": "", "bn": "_bn"}
# Lists of widths, and whether there are cells, too.
CASES = {
    "groups": ("group* = [w1a2, w2a2, w4a4]", False),
    "layers": ("group*.block*.conv* = [w1a1, w3a5]\n    group*.block*.add.act = [a2, a8]", False),
    "weights alone": ("*.conv1 = [w1, w8]\n    stem* = [w4a1, w8a8]", False),
    "cells": ("group* = [w1a2, w2a3]", True),
    "activations of cells": ("group0.nas.node*.act = [a2, a3]", True),
    "nodes of cells": ("group0.nas.node* = [w1a2, w2a3]", True),
}


class Small(nn.Module):
    """Two layers that share one choice."""

    def __init__(self, words) -> None:
        super().__init__()
        self.bits = BitChoice("here", *words)
        self.first = SearchedConv2d(2, 3, 3, padding=1, bias=False, bits=self.bits)
        self.act = SearchedReLU(bits=self.bits)
        self.second = SearchedConv2d(3, 4, 1, bias=False, bits=self.bits)

    def forward(self, x):
        return self.second(self.act(self.first(x)))

    def mixed(self, x, gates):
        """The same with y = sum_j g_j q_j in every place, as one would write it down."""

        def weight(layer):
            its = [quantise(layer.weight) for quantise in layer._quantisers]
            return sum(g * it for g, it in zip(gates, its, strict=True))

        y = torch.conv2d(x, weight(self.first), padding=1)
        its = [self.act.widths[index](y) for index in self.act._index]
        y = sum(g * it for g, it in zip(gates, its, strict=True))
        return torch.conv2d(y, weight(self.second))


@pytest.mark.parametrize(
    ("sampled", "paths"), [(0, (0, 1, 2)), (2, (0, 1, 2)), (0, (0, 2)), (2, (0, 2)), (1, (1, 2))]
)
def test_alpha_gets_the_gradient_of_the_gates_through_the_shares(sampled, paths):
    """dL/dalpha_i = sum_j dL/dg_j s_j (delta_ij - s_i), the gates' gradient by autograd of the sum that is gated."""
    torch.manual_seed(0)
    network, x = Small(("w1a2", "w2a2", "w4a3")), torch.randn(5, 2, 6, 6)
    shares = torch.tensor([0.2, 0.5, 0.3])[list(paths)]
    shares = shares / shares.sum()
    for name, parameter in network.named_parameters():
        parameter.requires_grad_(name == "bits.alpha")
    network.bits.set_gate(Gate(sampled, paths, shares))
    target = torch.randn(5, 4, 6, 6)
    loss = ((network(x) - target) ** 2).mean()
    loss.backward()
    gates = torch.eye(3)[sampled].requires_grad_()
    wanted = ((network.mixed(x, gates) - target) ** 2).mean()
    assert loss.item() == pytest.approx(wanted.item(), rel=1e-6)
    [of_gates] = torch.autograd.grad(wanted, gates)
    of_gates = of_gates[list(paths)]
    of_alpha = torch.zeros(3)
    of_alpha[list(paths)] = shares * (of_gates - (of_gates * shares).sum())
    assert of_alpha.abs().max() > 0
    torch.testing.assert_close(network.bits.alpha.grad, of_alpha, rtol=1e-4, atol=1e-7)


def test_the_op_of_an_edge_tells_its_widths_and_no_other_op_does():
    torch.manual_seed(0)
    bits, x = BitChoice("here", "w1", "w3"), torch.randn(5, 3, 6, 6)
    edge = MixedOp(("conv 1x1", "conv 3x3"), 3, 4, convs=Quantised(bits))
    target, shares = torch.randn(5, 4, 6, 6), torch.tensor([0.4, 0.6])
    edge.requires_grad_(False)
    for alpha in (edge.alpha, bits.alpha):
        alpha.requires_grad_()
    edge.set_gate(Gate(0, (0, 1), shares))
    bits.set_gate(Gate(1, (0, 1), shares))
    ((edge(x) - target) ** 2).mean().backward()
    ran = edge.candidates[0]
    gates = torch.tensor([0.0, 1.0], requires_grad=True)
    weight = sum(g * it(ran.conv.weight) for g, it in zip(gates, ran.conv._quantisers, strict=True))
    wanted = ((ran.bn(torch.conv2d(x, weight)) - target) ** 2).mean()
    [of_gates] = torch.autograd.grad(wanted, gates)
    of_alpha = shares * (of_gates - (of_gates * shares).sum())
    assert of_alpha.abs().max() > 0
    torch.testing.assert_close(bits.alpha.grad, of_alpha, rtol=1e-4, atol=1e-7)
    assert edge.alpha.grad.abs().max() > 0


def test_every_estimator_draws_widths():
    torch.manual_seed(0)
    network, x = Small(("w1a2", "w2a2", "w4a3")), torch.randn(2, 2, 4, 4)
    for name in ("binary_gate", "two_path", "gumbel"):
        sampler = Sampler({"name": name, "temperature": 0.5}, seed=1)
        [gate] = sampler.for_architecture([network.bits.alpha])
        network.bits.set_gate(gate)
        network.bits.alpha.grad = None
        network(x).square().mean().backward()
        moved = network.bits.alpha.grad != 0
        assert moved.sum() == len(gate.paths), name


def test_in_a_weight_step_one_width_runs_and_the_shared_weight_learns():
    torch.manual_seed(0)
    network, x = Small(("w1a2", "w4a3")), torch.randn(2, 2, 4, 4)
    network.bits.alpha.requires_grad_(False)
    network.bits.set_gate(Gate(1, (), torch.ones(0)))
    network(x).square().mean().backward()
    assert network.bits.alpha.grad is None
    assert all(layer.weight.grad.abs().max() > 0 for layer in (network.first, network.second))
    idle, active = (next(it.parameters()) for it in network.act.widths)
    assert idle.grad is None and active.grad is not None
    assert network.bits.trained_counts == [0, 1]


@pytest.mark.parametrize("case", CASES)
def test_one_path_of_the_supernet_is_the_network_of_the_found_file(case, tmp_path):
    bits, has_cells = CASES[case]
    searched = tmp_path / "tiny.nash"
    searched.write_text(SPEC.format(bits=bits, cell=CELL if has_cells else ""))
    spec = load(searched)
    files = project(spec, lower(spec))
    assert files == project(load(searched), lower(load(searched)))
    torch.manual_seed(0)
    supernet = imported(tmp_path, "supernet", files["supernet.py"]).SuperNetwork()
    choices = bit_choices(supernet)
    picks = {name: index % len(it.ops) for index, (name, it) in enumerate(choices.items(), 1)}
    for name, it in choices.items():
        it.set_gate(Gate(picks[name], (), torch.ones(0)))
    places = [Place(name, it.ops, (0.5,) * len(it.ops), ()) for name, it in choices.items()]
    chosen = {name: it.ops[picks[name]] for name, it in choices.items()}
    block = places_text("tiny", settings_of_bits(spec, lower(spec)), None, places, chosen)
    if has_cells:
        block += GENOTYPE
    found = tmp_path / "found.nash"
    found.write_text(f'nash 1\nextends "tiny.nash"\n{block}')
    derived = load(found)
    assert not derived.is_searched
    model = imported(tmp_path, "model", project(derived, lower(derived))["model.py"]).Network()
    for name, cell in supernet.cells().items():
        for (source, node), mixed in cell.items():
            choice = derived.genotype[name][node - 1]
            op = str(choice.op) if choice.source == source else "zero"
            mixed.set_gate(Gate(mixed.ops.index(op), (), torch.ones(0)))
    for parameter in (it.alpha for it in supernet.modules() if hasattr(it, "alpha")):
        parameter.requires_grad_(False)
    pairs = pairs_of(supernet, model, derived)
    with torch.no_grad():
        for parameter, weight in pairs:
            if parameter.dim() == 1:
                weight.uniform_(0.5, 1.5)  # batch norms that a mistake could not hide behind
            parameter.copy_(weight)
    images, labels = torch.randint(0, 256, (8, 1, 8, 8)).float(), torch.arange(8)
    for network in (supernet, model):
        guard(network)
    logits, wanted = supernet.train()(images), model.train()(images)
    assert torch.equal(logits, wanted)
    for it in (logits, wanted):
        torch.nn.functional.cross_entropy(it, labels).backward()
    for parameter, weight in pairs:
        torch.testing.assert_close(weight.grad, parameter.grad, rtol=1e-4, atol=1e-6)


def pairs_of(supernet, model, derived):
    """Each parameter of the model with that of the supernet: of an activation, the one of its active width."""
    modules = dict(supernet.named_modules())
    for scope, cell in supernet.cells().items():
        names = {module: name for name, module in modules.items()}
        for (source, node), mixed in cell.items():
            choice = derived.genotype[scope][node - 1]
            if choice.source == source and str(choice.op) in mixed.ops:
                candidate = mixed.candidates[mixed.ops.index(str(choice.op))]
                before = names[mixed].partition("nas_edge")[0] + f"nas_node{node}_{choice.op.kind}"
                own = dict(candidate.named_children())
                modules |= {before + ending: own[it] for it, ending in ENDINGS.items() if it in own}
    found = []
    for name, parameter in model.named_parameters():
        path, rest = next(
            (name[:end], name[end + 1 :])
            for end in range(len(name), 0, -1)
            if name[:end] in modules and (end == len(name) or name[end] == ".")
        )
        module = modules[path]
        if isinstance(module, SearchedReLU):
            [bits] = module._bits
            module = module.widths[module._index[bits.gate.sampled]]
        found.append((parameter, module.get_parameter(rest)))
    return found


def test_lines_of_a_place_leave_other_layers_alone(tmp_path):
    """A list of weights alone is written layer by layer where the place has more below it."""
    path = tmp_path / "tiny.nash"
    path.write_text(SPEC.format(bits="*.conv1 = [w1, w8]\n    group* = a3", cell=""))
    spec = load(path)
    [rule] = settings_of_bits(spec, lower(spec))
    assert rule["places"] == [
        {"name": f"group{g}.block{b}", "lines": [[f"group{g}.block{b}.conv1", "w"]]}
        for g, b in ((0, 0), (0, 1), (1, 0))
    ]
    for widths in product(["w1", "w8"], repeat=3):
        chosen = dict(zip(["group0.block0", "group0.block1", "group1.block0"], widths, strict=True))
        places = [Place(name, ("w1", "w8"), (0.5, 0.5), (1, 1)) for name in chosen]
        found = tmp_path / "found.nash"
        block = places_text("tiny", [rule], None, places, chosen)
        found.write_text(f'nash 1\nextends "tiny.nash"\n{block}')
        graph = lower(load(found))
        for name, width in chosen.items():
            assert f"w{graph.node(f'{name}.conv1').params['weight_bits']}" == width
            assert graph.node(f"{name}.conv2").params["weight_bits"] == 2
            assert graph.node(f"{name}.conv1.act").params["bits"] == 3


@pytest.mark.slow
def test_killed_and_resumed_it_ends_the_same(tmp_path):
    pytest.importorskip("sklearn")
    text = SPEC.format(bits="group* = [w1a2, w2a3]", cell=CELL)
    settings = SEARCH | {"precision": "quantised", "epochs": 1}
    whole, stopped = (Generated.write(tmp_path / it) for it in "ab")
    for generated in (whole, stopped):
        path = generated.folder / "tiny.nash"
        path.write_text(text)
        spec = load(path)
        files = project(spec, lower(spec))
        (generated.folder / "supernet.py").write_text(files["supernet.py"])
        own = settings | {"bits": settings_of_bits(spec, lower(spec))}
        (generated.folder / "settings" / "search.json").write_text(json.dumps(own))
    assert whole.run("search.py").code == 0
    every = ("--save-steps", "2")
    killed = stopped.interrupted("search.py", signal.SIGKILL, *every, after_epochs=0.4)
    assert killed.code == -signal.SIGKILL
    resumed = stopped.run("search.py", "--resume")
    assert resumed.code == 0, resumed.errors
    for name in ("genotype.json", "found.nash", "search.jsonl", "checkpoint.safetensors"):
        found, wanted = (it.folder / "results" / "search" / name for it in (stopped, whole))
        assert found.read_bytes() == wanted.read_bytes(), name
    assert (whole.folder / "results" / "search" / "bits.png").stat().st_size > 1000
