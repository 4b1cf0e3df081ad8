"""Searched numbers of channels: the gradient of their alphas, and that what is found is the network that was sampled."""

import json
import random
import signal

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("brevitas")

from generated import SEARCH, Generated  # noqa: E402
from test_search_bits import pairs_of  # noqa: E402
from test_search_quantised import draw, draw_genotype, imported  # noqa: E402
from torch import nn  # noqa: E402

from nashc.emit import project  # noqa: E402
from nashc.emit.searched_bits import settings_of_bits  # noqa: E402
from nashc.emit.searched_channels import settings_of_channels  # noqa: E402
from nashc.lower import lower  # noqa: E402
from nashc.schema import load  # noqa: E402
from support.derivation.places import Place, places_text  # noqa: E402
from support.layers.binary_conv import BinaryConv  # noqa: E402
from support.layers.few_channels import guard  # noqa: E402
from support.search.bits import SearchedConv2d, bit_choices  # noqa: E402
from support.search.channels import ChannelChoice, Channels, channel_choices  # noqa: E402
from support.search.convs import FactorisedIdentity, _alternating  # noqa: E402
from support.search.gates import Gate, Sampler  # noqa: E402

pytestmark = pytest.mark.torch

SPEC = """nash 1
use basic from "nashc/resnet.nash"

param deep: int = 1

backbone tiny(first = 4, then = 2 * first, slow = 1) {{
  stem:   conv 3x3(first) -> bn -> act
  group0: basic(first) -> basic(first)
  group1: basic(then, stride = 2 * slow, project = true) -> tail: conv 1x1(then) -> act
  head:   avgpool -> fc: linear(classes)
}}

network tiny {{
  input    = UINT8 1x8x8
  classes  = 10
  backbone = tiny({arguments})
  {cell}
  bits {{
    {bits}
  }}
}}

search {{
  data      = digits
  precision = {precision}
}}

train {{
  data = digits
}}
{genotype}
"""
CELL = """cell in group0 { ops = [identity, conv 1x1, conv 3x3] }"""
GENOTYPE = """genotype {
  group0 = conv 3x3 from 0, identity from 1, conv 1x1 from 0, conv 3x3 from 3
}
"""
SEARCHED = """cell in {place} {{
    ops    = [zero, maxpool 3x3, identity, conv 1x1, conv 3x3]
    policy = v1
    identity_across = two_convs
  }}"""
# Arguments of the backbone, bit widths, cells, and a genotype; that of cells to search is one that they may find.
CASES = {
    "one list, which another argument follows": ("[6, 4, 2]", "backbone = w3a3", "", ""),
    "two lists": ("[6, 3], then = [8, 10, 4], slow = deep", "backbone = w1a2", "", ""),
    "bit widths, too": ("[3, 6], then = [4, 8]", "group* = [w1a2, w4a3]; stem* = w8", "", ""),
    "with cells": ("[6, 4]", "nas = w1a8; head = w1a4", CELL, GENOTYPE),
}
OPEN = {
    "cells, and one list": (
        "[6, 3]",
        "nas = w2a8",
        SEARCHED.format(place="each group"),
        """
        group0 = conv 3x3 from 0, maxpool 3x3 from 1, identity from 2, conv 1x1 from 0
        group1 = identity from 0, conv 3x3 from 0, maxpool 3x3 from 2""",
    ),
    "cells, and two lists": (
        "[6, 4], then = [4, 10, 6]",
        "nas = w1a8; *.identity = w3",
        SEARCHED.format(place="each layer"),
        """
        group0.block0.conv1 = identity from 0
        group0.block0.conv2 = conv 1x1 from 0
        group0.block1.conv1 = maxpool 3x3 from 0
        group0.block1.conv2 = conv 3x3 from 0
        group1.block0.conv1 = identity from 0
        group1.block0.conv2 = maxpool 3x3 from 0
        group1.tail = conv 3x3 from 0""",
    ),
    "a cell over the network, and bit widths": (
        "[3, 6], then = [8, 4]",
        "group* = [w1a2, w4a3]; nas = w2a4; nas.node*.conv = [w1, w4]",
        SEARCHED.format(place="network"),
        """
        network = conv 3x3 from 0, identity from 0, maxpool 3x3 from 2, conv 1x1 from 1, conv 3x3 from 3, conv 1x1 from 5, identity from 6""",
    ),
}


def spec_of(folder, case, precision="quantised"):
    arguments, bits, cell, genotype = (CASES | OPEN)[case]
    path = folder / "tiny.nash"
    known = "" if case in OPEN else genotype
    path.write_text(
        SPEC.format(arguments=arguments, bits=bits, cell=cell, genotype=known, precision=precision)
    )
    return load(path)


class Small(nn.Module):
    """Two layers that follow one choice, which is of 2, 3 or 5 and of 4, 6 or 10 channels."""

    def __init__(self) -> None:
        super().__init__()
        self.choice = ChannelChoice("tiny(width)", 2, 3, 5)
        self.of_5 = Channels(self.choice, 2, 3, 5)
        self.of_10 = Channels(self.choice, 4, 6, 10)
        self.first = nn.Conv2d(2, 5, 3, padding=1)
        self.second = nn.Conv2d(5, 10, 3)

    def forward(self, x):
        return self.of_10(self.second(torch.relu(self.of_5(self.first(x)))))

    def mixed(self, x, gates):
        """The same with z = sum_j g_j m_j y behind both layers, as one would write it down."""

        def masked(y, counts):
            masks = (torch.arange(y.shape[1]).view(1, -1, 1, 1) < count for count in counts)
            return sum(g * mask * y for g, mask in zip(gates, masks, strict=True))

        y = torch.relu(masked(self.first(x), self.of_5.counts))
        return masked(self.second(y), self.of_10.counts)


@pytest.mark.parametrize(
    ("sampled", "paths"), [(0, (0, 1, 2)), (2, (0, 1, 2)), (0, (0, 2)), (2, (0, 2)), (1, (1, 2))]
)
def test_alpha_gets_the_gradient_of_the_gates_through_the_shares(sampled, paths):
    """dL/dalpha_i = sum_j dL/dg_j s_j (delta_ij - s_i), the gates' gradient by autograd of the sum that is gated."""
    torch.manual_seed(0)
    network, x = Small().double(), torch.randn(4, 2, 6, 6).double()
    shares = torch.tensor([0.2, 0.5, 0.3]).double()[list(paths)]
    shares = shares / shares.sum()
    for name, parameter in network.named_parameters():
        parameter.requires_grad_(name == "choice.alpha")
    network.choice.set_gate(Gate(sampled, paths, shares))
    target = torch.randn(4, 10, 4, 4).double()
    loss = ((network(x) - target) ** 2).mean()
    loss.backward()
    gates = torch.eye(3).double()[sampled].requires_grad_()
    wanted = ((network.mixed(x, gates) - target) ** 2).mean()
    torch.testing.assert_close(loss, wanted)
    [of_gates] = torch.autograd.grad(wanted, gates)
    of_gates = of_gates[list(paths)]
    of_alpha = torch.zeros(3).double()
    of_alpha[list(paths)] = shares * (of_gates - (of_gates * shares).sum())
    assert of_alpha.abs().max() > 0
    torch.testing.assert_close(network.choice.alpha.grad, of_alpha)


def test_every_estimator_draws_channels():
    torch.manual_seed(0)
    network, x = Small(), torch.randn(2, 2, 6, 6)
    for name in ("binary_gate", "two_path", "gumbel"):
        sampler = Sampler({"name": name, "temperature": 0.5}, seed=1)
        [gate] = sampler.for_architecture([network.choice.alpha])
        network.choice.set_gate(gate)
        network.choice.alpha.grad = None
        (network(x) - 1).square().mean().backward()
        assert (network.choice.alpha.grad != 0).sum() == len(gate.paths), name


def test_in_a_weight_step_only_channels_that_are_there_learn():
    torch.manual_seed(0)
    network, x = Small(), torch.randn(2, 2, 6, 6)
    network.choice.alpha.requires_grad_(False)
    network.choice.set_gate(Gate(1, (), torch.ones(0)))
    network(x).square().mean().backward()
    assert network.choice.alpha.grad is None
    moved = network.second.weight.grad.abs().sum((2, 3)) > 0
    assert moved[:6, :3].all() and not moved[6:].any() and not moved[:, 3:].any()
    assert network.choice.trained_counts == [0, 1, 0]


@pytest.mark.parametrize("case", CASES | OPEN)
def test_one_path_of_the_supernet_is_the_network_of_the_found_file(case, tmp_path):
    """In the last alternative of each place but one, which is not the largest."""
    spec = spec_of(tmp_path, case)
    files = project(spec, lower(spec))
    torch.manual_seed(0)
    supernet = imported(tmp_path, "supernet", files["supernet.py"]).SuperNetwork()
    choices = bit_choices(supernet) | channel_choices(supernet)
    picks = {name: (index + 1) % len(it.ops) for index, (name, it) in enumerate(choices.items())}
    for name, it in choices.items():
        draw(it, it.ops[picks[name]])
    places = [Place(name, it.ops, (0.5,) * len(it.ops), ()) for name, it in choices.items()]
    chosen = {name: it.ops[picks[name]] for name, it in choices.items()}
    lists = settings_of_bits(spec, lower(spec)), settings_of_channels(spec)
    block = places_text("tiny", *lists, places, chosen)
    if case in OPEN:
        block += f"genotype {{{OPEN[case][-1]}\n}}\n"
    found = tmp_path / "found.nash"
    found.write_text(f'nash 1\nextends "tiny.nash"\n{block}')
    derived = load(found)
    assert not derived.is_searched
    draw_genotype(supernet, derived.genotype)
    model = imported(tmp_path, "model", project(derived, lower(derived))["model.py"]).Network()
    pairs = pairs_of(supernet, model, derived)
    assert any(weight.shape != parameter.shape for weight, parameter in pairs)
    with torch.no_grad():
        for parameter, weight in pairs:
            if weight.dim() == 1:
                weight.uniform_(0.5, 1.5)  # batch norms that a mistake could not hide behind
            elif weight.shape[2:] == (1, 1):
                weight.abs_()  # `tail` has no batch norm: of a sum that cancels out, rounding would say what passes its ReLU
            parameter.copy_(there(weight, parameter))
    images, labels = torch.randint(0, 256, (8, 1, 8, 8)).float(), torch.arange(8)
    for network in (supernet, model):
        guard(network)
    logits, wanted = supernet.train()(images), model.train()(images)
    torch.testing.assert_close(logits, wanted)
    for it in (logits, wanted):
        torch.nn.functional.cross_entropy(it, labels).backward()
    for parameter, weight in pairs:
        own = there(weight.grad, parameter)
        torch.testing.assert_close(own, parameter.grad, rtol=1e-3, atol=1e-5)
        others = weight.grad.square().sum() - own.square().sum()
        assert others.abs() <= 1e-6 * (1 + own.square().sum())


def there(weight, parameter):
    """Of a weight of the supernet what the network has of it."""
    return weight[tuple(slice(size) for size in parameter.shape)]


@pytest.mark.parametrize("precision", ["paper", "float", "quantised"])
@pytest.mark.parametrize("case", ["cells, and one list", "cells, and two lists"])
def test_with_a_choice_the_supernet_is_that_of_the_narrower_network(
    case, precision, tmp_path, monkeypatch
):
    """With ops drawn, those that no network may keep among them: a max-pool where channels change stands beside itself."""
    monkeypatch.setattr(BinaryConv, "scale", lambda _: 1.0)  # of all channels, there or not
    spec = spec_of(tmp_path, case, precision)
    chosen = {it.place: it.alternatives[1] for it in spec.backbone.lists}
    narrower = spec.with_channels(chosen)
    torch.manual_seed(0)
    wide, narrow = (
        imported(tmp_path, name, project(it, lower(it))["supernet.py"]).SuperNetwork().double()
        for name, it in (("wide", spec), ("narrow", narrower))
    )
    for name, choice in channel_choices(wide).items():
        draw(choice, str(chosen[name]))
    for module in narrow.modules():
        if isinstance(module, FactorisedIdentity):
            module.order = _alternating(len(module.bn.weight))  # the same channels in another order
    images, labels = torch.randint(0, 256, (8, 1, 8, 8)).double(), torch.arange(8)
    rnd = random.Random(1)
    for network in (wide, narrow):
        guard(network)
    pairs = pairs_of_supernets(wide, narrow)
    with torch.no_grad():
        for parameter, weight in pairs:
            if weight.dim() == 1:
                weight.uniform_(0.5, 1.5)
            elif weight.shape[2:] == (1, 1):
                weight.abs_()  # `tail` has no batch norm: of a sum that cancels out, rounding would say what passes its ReLU
            parameter.copy_(there(weight, parameter))
    for _ in range(6):
        draw_ops(wide, narrow, rnd)
        for network in (wide, narrow):
            network.zero_grad()
        logits, wanted = wide.train()(images), narrow.train()(images)
        torch.testing.assert_close(logits, wanted)
        for it in (logits, wanted):
            torch.nn.functional.cross_entropy(it, labels).backward()
        for parameter, weight in pairs:
            if parameter.grad is not None:
                own = there(weight.grad, parameter)
                torch.testing.assert_close(own, parameter.grad)


def pairs_of_supernets(wide, narrow):
    """Each parameter of the narrow one, but for ops that the wide one has not, with that of the wide one."""
    modules = {n: it for n, it in wide.named_modules() if ".candidates" not in n}
    names = {module: name for name, module in narrow.named_modules()}
    for name, cell in wide.cells().items():
        for edge, mixed in cell.items():
            other = narrow.cells()[name][edge]
            for op, candidate in zip(mixed.ops, mixed.candidates, strict=True):
                path = f"{names[other]}.candidates.{other.ops.index(op)}"
                for inner, module in candidate.named_modules():
                    modules[f"{path}.{inner}".rstrip(".")] = module
    found = []
    for name, parameter in narrow.named_parameters():
        path, _, rest = name.rpartition(".")
        if path in modules and rest != "alpha":
            found.append((parameter, modules[path].get_parameter(rest)))
    return found


@pytest.mark.parametrize("precision", ["paper", "float", "quantised"])
@pytest.mark.parametrize("case", ["two lists", "cells, and one list", "cells, and two lists"])
def test_with_the_fewest_channels_the_others_are_asked_too(case, precision, tmp_path):
    """What is masked in front of an activation gets no gradient through its zero, so that wider networks would seem no better."""
    spec = spec_of(tmp_path, case, precision)
    torch.manual_seed(0)
    text = project(spec, lower(spec))["supernet.py"]
    supernet = imported(tmp_path, "supernet", text).SuperNetwork()
    for cell in supernet.cells().values():
        for mixed in cell.values():
            draw(mixed, "conv 3x3")
    choices = channel_choices(supernet)
    for it in choices.values():
        count = len(it.ops)
        fewest = min(range(count), key=lambda pick, it=it: int(it.ops[pick]))
        it.set_gate(Gate(fewest, tuple(range(count)), torch.full((count,), 1 / count)))
    guard(supernet)
    images, labels = torch.randint(0, 256, (8, 1, 8, 8)).float(), torch.arange(8)
    torch.nn.functional.cross_entropy(supernet(images), labels).backward()
    assert all((it.alpha.grad.abs() > 1e-6).all() for it in choices.values())


def draw_ops(wide, narrow, rnd):
    """The same ops in both, on one edge into each node: of more, sums that cancel out have their order to thank for a gradient."""
    for name, cell in wide.cells().items():
        source_of = {node: rnd.randrange(node) for _, node in cell}
        for (source, node), mixed in cell.items():
            op = rnd.choice(mixed.ops) if source == source_of[node] else "zero"
            for it in (mixed, narrow.cells()[name][source, node]):
                draw(it, op)


@pytest.mark.parametrize("precision", ["paper", "float", "quantised"])
def test_the_supernet_in_each_precision_computes_with_the_channels_that_are_there(
    precision, tmp_path
):
    spec = spec_of(tmp_path, "two lists", precision)
    files = project(spec, lower(spec))
    assert files == project(spec, lower(spec))
    torch.manual_seed(0)
    supernet = imported(tmp_path, "supernet", files["supernet.py"]).SuperNetwork()
    seen = {}
    for name, module in supernet.named_modules():
        if isinstance(module, nn.Conv2d | SearchedConv2d):
            module.register_forward_hook(
                lambda _, inputs, __, name=name: seen.update({name: inputs[0]})
            )
    for name, it in channel_choices(supernet).items():
        it.set_gate(Gate(1, (0, 1), torch.tensor([0.5, 0.5])))
        assert it.place == name
    supernet.train()(torch.randint(0, 256, (8, 1, 8, 8)).float())
    read = {name: int((x.detach().abs().sum((0, 2, 3)) > 0).sum()) for name, x in seen.items()}
    assert read["group0.block0_conv1"] == read["group1.block0_conv1"] == 3
    assert read["group1.block0_conv2"] == read["group1.tail"] == 10


@pytest.mark.slow
def test_killed_and_resumed_it_ends_the_same(tmp_path):
    pytest.importorskip("sklearn")
    whole, stopped = (Generated.write(tmp_path / it) for it in "ab")
    for generated in (whole, stopped):
        spec = spec_of(generated.folder, "bit widths, too")
        graph = lower(spec)
        (generated.folder / "supernet.py").write_text(project(spec, graph)["supernet.py"])
        own = SEARCH | {"precision": "quantised", "epochs": 1}
        own |= {"bits": settings_of_bits(spec, graph), "channels": settings_of_channels(spec)}
        (generated.folder / "settings" / "search.json").write_text(json.dumps(own))
    assert whole.run("search.py").code == 0
    every = ("--save-steps", "2")
    killed = stopped.interrupted("search.py", signal.SIGKILL, *every, after_epochs=0.4)
    assert killed.code == -signal.SIGKILL
    resumed = stopped.run("search.py", "--resume")
    assert resumed.code == 0, resumed.errors
    results = [it.folder / "results" / "search" for it in (stopped, whole)]
    for name in ("genotype.json", "found.nash", "search.jsonl", "checkpoint.safetensors"):
        found, wanted = (folder / name for folder in results)
        assert found.read_bytes() == wanted.read_bytes(), name
    for name in ("bits.png", "channels.png", "stability.png"):
        assert (results[1] / name).stat().st_size > 1000
    genotype = json.loads((results[1] / "genotype.json").read_text())
    assert set(genotype["channels"]) == {"tiny(first)", "tiny(then)"}
    assert set(genotype["bits"]) == {"group0", "group1"}
