"""A search with the spec's own quantisers: one sampled path of the supernet is the network that its genotype derives."""

import importlib.util
import json
import signal
import subprocess
import sys

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("brevitas")

from generated import QUANTISED, Generated  # noqa: E402

from nashc.emit import project  # noqa: E402
from nashc.lower import lower  # noqa: E402
from nashc.schema import load  # noqa: E402
from support.layers.few_channels import guard  # noqa: E402
from support.search.gates import Gate  # noqa: E402

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

  cell in {place} {{
    ops    = [zero, maxpool 3x3, identity, conv 1x1, conv 3x3, conv 5x5]
    policy = v3
    identity_across = two_convs
  }}

  bits {{
    {bits}
  }}
}}

search {{
  data      = digits
  precision = quantised
}}
"""
# Place of the cells: their bits, and a genotype of them.
CASES = {
    "each group": (
        "nas = w1a8",
        """
        group0 = conv 3x3 from 0, identity from 0, conv 1x1 from 1, maxpool 3x3 from 2
        group1 = identity from 0, conv 5x5 from 1""",
    ),
    "network": (
        """
        nas = w4a4
        nas.node2.conv = w2
        nas.node*.identity = w3
        shortcut = w8a6""",
        """
        network = maxpool 3x3 from 0, conv 3x3 from 1, identity from 0, conv 1x1 from 3, conv 5x5 from 2, identity from 0""",
    ),
    "each layer": (
        """
        nas = w2a2
        group1.* = w1""",
        """
        group0.block0.conv1 = identity from 0
        group0.block0.conv2 = conv 5x5 from 0
        group0.block1.conv1 = maxpool 3x3 from 0
        group0.block1.conv2 = conv 3x3 from 0
        group1.block0.conv1 = identity from 0
        group1.block0.conv2 = identity from 0""",
    ),
}


def imported(folder, name, text):
    path = folder / f"{name}.py"
    path.write_text(text)
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def compiled(path):
    spec = load(path)
    return spec, project(spec, lower(spec))


@pytest.fixture(params=CASES)
def pair(request, tmp_path):
    """The supernet with the gates of a genotype, and the network that the genotype is compiled to."""
    bits, genotype = CASES[request.param]
    searched, found = tmp_path / "tiny.nash", tmp_path / "found.nash"
    searched.write_text(SPEC.format(place=request.param, bits=bits))
    found.write_text(f'nash 1\nextends "tiny.nash"\n\ngenotype {{\n  {genotype}\n}}\n')
    _, files = compiled(searched)
    spec, derived = compiled(found)
    assert files["supernet.py"] == derived["supernet.py"].replace("found.nash", "tiny.nash")
    torch.manual_seed(0)
    supernet = imported(tmp_path, "supernet", files["supernet.py"]).SuperNetwork()
    model = imported(tmp_path, "model", derived["model.py"]).Network()
    draw_genotype(supernet, spec.genotype)
    return supernet, model, weights_of(supernet, spec.genotype)


def draw_genotype(supernet, genotype):
    """Its ops, and zero on all other edges."""
    for name, cell in supernet.cells().items():
        for (source, node), mixed in cell.items():
            choice = genotype[name][node - 1]
            draw(mixed, str(choice.op) if choice.source == source else "zero")


def draw(alternatives, op):
    """One of them for good, as in a weight step: nothing is asked of the others."""
    alternatives.set_gate(Gate(alternatives.ops.index(op), (), torch.ones(0)))
    alternatives.alpha.requires_grad_(False)


def weights_of(supernet, genotype):
    """The tensors of the derived network in the supernet, by the names that the former gives them."""
    modules = {module: name for name, module in supernet.named_modules()}
    found = {n: it for n, it in supernet.named_parameters() if "nas_edge" not in n}
    for scope, cell in supernet.cells().items():
        for (source, node), mixed in cell.items():
            choice = genotype[scope][node - 1]
            if choice.source == source:
                before = (
                    modules[mixed].partition("nas_edge")[0] + f"nas_node{node}_{choice.op.kind}"
                )
                for name, it in mixed.candidates[
                    mixed.ops.index(str(choice.op))
                ].named_parameters():
                    found[before + name.replace("conv.", ".").replace("bn.", "_bn.")] = it
    return found


def test_one_path_of_the_supernet_is_the_derived_network(pair):
    supernet, model, weights = pair
    assert {name for name, _ in model.named_parameters()} <= weights.keys()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.dim() == 1:
                weights[name].uniform_(0.5, 1.5)  # batch norms that a mistake could not hide behind
            parameter.copy_(weights[name])
    images, labels = torch.randint(0, 256, (8, 1, 8, 8)).float(), torch.arange(8)
    for network in (supernet, model):
        guard(network)
    logits, wanted = supernet.train()(images), model.train()(images)
    assert torch.equal(logits, wanted)
    for found in (logits, wanted):
        torch.nn.functional.cross_entropy(found, labels).backward()
    for name, parameter in model.named_parameters():
        torch.testing.assert_close(weights[name].grad, parameter.grad, rtol=1e-4, atol=1e-6)


@pytest.mark.slow
def test_killed_and_resumed_it_ends_the_same(tmp_path):
    pytest.importorskip("sklearn")
    whole, stopped = (Generated.write(tmp_path / it, search=QUANTISED) for it in "ab")
    for generated in (whole, stopped):
        generated.search_quantised()
    assert whole.run("search.py").code == 0
    every = ("--save-steps", "2")
    killed = stopped.interrupted("search.py", signal.SIGKILL, *every, after_epochs=0.4)
    assert killed.code == -signal.SIGKILL
    resumed = stopped.run("search.py", "--resume")
    assert resumed.code == 0, resumed.errors
    assert any(it.get("text", "").startswith("going on at epoch 1, step ") for it in resumed.events)
    for name in ("genotype.json", "search.jsonl", "checkpoint.safetensors"):
        found, wanted = (it.folder / "results" / "search" / name for it in (stopped, whole))
        assert found.read_bytes() == wanted.read_bytes(), name


@pytest.mark.slow
def test_a_cell_over_the_whole_network_is_searched_trained_and_exported(tmp_path):
    pytest.importorskip("sklearn")
    pytest.importorskip("qonnx")
    text = SPEC.format(place="network", bits="nas = w2a4").replace(
        "  data ", "  epochs = 1\n  seeds = 2\n  data "
    )
    (tmp_path / "tiny.nash").write_text(f"{text}\ntrain {{\n  data   = digits\n  epochs = 1\n}}\n")
    command = [sys.executable, "-m", "nashc", "run", "tiny.nash", "--to", "export"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    [genotype] = (tmp_path / "build").rglob("genotype.json")
    found = json.loads(genotype.read_text())
    assert [it["node"] for it in found["cells"]["network"]] == [1, 2, 3, 4, 5, 6]
    assert found["provenance"]["precision"] == "quantised"
    assert (genotype.parent / "seeds.png").stat().st_size > 1000
    assert [*(tmp_path / "build").rglob("model.integer.onnx")]
