"""A search in mixed precision: gradients near those in float32, in float32 themselves, and to the same bits when resumed."""

import json
import signal

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("sklearn")

import torch.nn.functional as F  # noqa: E402
from generated import FIXTURES, QUANTISED, SEARCH, Generated  # noqa: E402
from torch import nn  # noqa: E402
from torch._subclasses.fake_tensor import FakeTensorMode  # noqa: E402
from torch.utils._python_dispatch import TorchDispatchMode  # noqa: E402

from support.layers import binary_conv  # noqa: E402
from support.progress import StageError  # noqa: E402
from support.search.gates import Gate  # noqa: E402
from support.search.ops import Node  # noqa: E402
from support.search.space import MixedOp, set_gates  # noqa: E402
from support.search.updates import Updates  # noqa: E402
from support.training.classification import prepare  # noqa: E402
from support.training.mixed_precision import bfloat16_products  # noqa: E402

pytestmark = pytest.mark.torch

CPU = torch.device("cpu")
# A sign or a level that flips is no rounding: where there are such, gradients are less alike. Weights with random errors of
# 2^-9, as bfloat16 makes, give about the same cosines: 0.996, 0.937, 0.904 for alpha.
LIKENESS = {"float": 0.98, "paper": 0.75, "quantised": 0.85}  # measured: 0.994, 0.871, 0.958


def supernet(kind, folder):
    text = (FIXTURES / "supernet.py").read_text()
    if kind == "float":
        text = text.replace("MixedOp\n", "MixedOp\nfrom support.search.convs import Float\n", 1)
        text = "\n".join(
            line[:-1] + ", convs=Float())" if "= MixedOp(" in line else line
            for line in text.splitlines()
        )
    if kind == "quantised":
        generated = Generated.write(folder / "out", search=QUANTISED)
        generated.search_quantised()
        text = (generated.folder / "supernet.py").read_text()
    names = {"__name__": "supernet"}
    exec(compile(text, "supernet.py", "exec", dont_inherit=True), names)
    return names["SuperNetwork"]


def gradients(network_class, amp):
    """Of all alphas, and of all weights that ran, with the same draws."""
    torch.manual_seed(0)
    network = prepare(network_class(), CPU)
    updates = Updates(network, SEARCH | {"amp": amp})
    images, labels = torch.randint(0, 256, (64, 1, 8, 8)).float(), torch.arange(64) % 10
    found = []
    for wanted, rest in ((updates.alphas, updates.weights), (updates.weights, updates.alphas)):
        for parameters, is_wanted in ((wanted, True), (rest, False)):
            for parameter in parameters:
                parameter.requires_grad_(is_wanted)
        set_gates(updates.mixed, updates.sampler.for_weights(updates.on_cpu()))
        logits = updates._logits(images)
        assert logits.dtype == torch.float32
        F.cross_entropy(logits, labels).backward()
        grads = [it.grad for it in wanted if it.grad is not None]
        assert {it.dtype for it in grads} == {torch.float32}
        found.append(torch.cat([it.reshape(-1) for it in grads]))
    return found


@pytest.mark.parametrize("kind", LIKENESS)
def test_gradients_are_near_those_of_float32(tmp_path, kind):
    network_class = supernet(kind, tmp_path)
    wanted, found = (gradients(network_class, amp) for amp in (False, True))
    for expected, mixed in zip(wanted, found, strict=True):
        assert not torch.equal(expected, mixed)  # bfloat16 was used
        assert F.cosine_similarity(expected, mixed, dim=0) > LIKENESS[kind]


class Seen(TorchDispatchMode):
    """Notes which types convolutions give."""

    def __init__(self):
        super().__init__()
        self.convolved = set()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        if func is torch.ops.aten.batch_norm_update_stats.default:  # torch 2.12 has no fake one
            return args[0].new_zeros(args[0].shape[1]), args[0].new_zeros(args[0].shape[1])
        found = func(*args, **(kwargs or {}))
        if func is torch.ops.aten.convolution.default:
            self.convolved.add(found.dtype)
        return found


def onto(network, fake, device):
    """The network's tensors become fake ones."""
    for module in network.modules():
        for name, it in module._parameters.items():
            if it is not None:
                module._parameters[name] = nn.Parameter(fake.from_tensor(it).detach().to(device))
        for name, it in module._buffers.items():
            if it is not None:
                module._buffers[name] = fake.from_tensor(it).to(device)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:Accessing the data pointer of FakeTensor")
@pytest.mark.parametrize("kind", LIKENESS)
def test_a_gpu_multiplies_in_bfloat16_what_a_processor_does(tmp_path, monkeypatch, kind):
    """Torch has lists of ops of its own for either. By fake tensors, on a GPU that need not be there: each op forwards, and what
    it is along a gradient."""
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda *given: True)
    monkeypatch.setattr(torch.cuda.amp.common, "amp_definitely_not_available", lambda: False)
    network, gpu, found = supernet(kind, tmp_path)(), torch.device("cuda", 0), set()

    def along(mixed, given):
        with torch.no_grad():
            for op in mixed.candidates:
                y = op(*given)
                found.update({y.dtype, op.along(torch.zeros_like(y), Node(*given)).dtype})

    for module in network.modules():
        getattr(module, "ends", None)  # of a grid: read once, then known
    with FakeTensorMode() as fake, Seen() as seen:
        onto(network, fake, gpu)
        updates = Updates(network, SEARCH | {"amp": True})
        for choice in updates.mixed:
            choice.register_forward_pre_hook(along)
        for sampled in range(max(len(choice.ops) for choice in updates.mixed)):
            for choice in updates.mixed:
                op = min(sampled, len(choice.ops) - 1)
                choice.set_gate(Gate(op, (op,), torch.ones(1, device=gpu)))
            logits = updates._logits(torch.zeros(4, 1, 8, 8, device=gpu))
    assert logits.device == gpu
    assert found | {logits.dtype} == {torch.float32}
    is_binary = kind == "paper"
    assert seen.convolved == {torch.bfloat16} | ({torch.float32} if is_binary else set())


def test_what_did_not_run_is_multiplied_in_bfloat16_too():
    """Its inner product is summed in float32, as that of the op that ran."""
    from support.search.convs import Float

    torch.manual_seed(0)
    mixed = MixedOp(["identity", "conv 3x3"], 8, 8, convs=Float())
    x, grad = torch.randn(4, 8, 8, 8), torch.randn(4, 8, 8, 8)
    seen = []
    mixed.candidates[1].conv.register_forward_hook(lambda _, __, y: seen.append(y.dtype))
    along = []
    for amp in (False, True):
        mixed.alpha.grad = None
        mixed.set_gate(Gate(0, (0, 1), torch.tensor([0.5, 0.5])))
        with bfloat16_products(CPU, amp):
            y = mixed(x)
        y.backward(grad)
        along.append(mixed.alpha.grad)
    assert seen == [torch.float32, torch.bfloat16]
    assert along[1].dtype == torch.float32
    torch.testing.assert_close(along[1], along[0], rtol=0.02, atol=0.2)


def test_sums_of_binary_convolutions_stay_whole(monkeypatch):
    """2,304 products of one sign and one of the other: bfloat16 has 8 digits. Where bytes are taken none is at work."""
    monkeypatch.setattr(binary_conv, "_takes_bytes", lambda x: False)
    conv = binary_conv.BinaryConv(256, 2, 3)
    with torch.no_grad():
        conv.weight.fill_(1.0)[:, 0, 0, 0] = -1.0
    with bfloat16_products(CPU, True):
        y = conv(torch.ones(1, 256, 5, 5))
    assert y.dtype == torch.float32
    assert y[0, :, 2, 2].tolist() == [2302.0, 2302.0]


@pytest.mark.slow
def test_a_resumed_search_ends_with_the_same_bits(tmp_path):
    settings = SEARCH | {"epochs": 1, "amp": True}
    whole, cut = (Generated.write(tmp_path / name, search=settings) for name in ("whole", "cut"))
    finished = whole.run("search.py")
    assert finished.code == 0, finished.errors
    killed = cut.interrupted("search.py", signal.SIGKILL, "--save-steps", "2", after_epochs=0.4)
    assert killed.code == -signal.SIGKILL
    resumed = cut.run("search.py", "--resume")
    assert resumed.code == 0, resumed.errors
    for name in ("genotype.json", "search.jsonl", "checkpoint.safetensors"):
        one, two = (it.folder / "results" / "search" / name for it in (whole, cut))
        assert one.read_bytes() == two.read_bytes(), name
    genotype = json.loads((whole.folder / "results" / "search" / "genotype.json").read_text())
    assert genotype["provenance"]["amp"] is True


def test_a_gpu_without_bfloat16_is_refused(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda _in_software: False)
    with pytest.raises(StageError, match="this GPU has no bfloat16") as told:
        bfloat16_products(torch.device("cuda"), True)
    assert told.value.help == "leave --amp out, or amp = true in the spec"
