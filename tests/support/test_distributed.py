"""Two processes under torchrun do what one does: same batches, same gates, one batch norm; and stop and go on together."""

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("brevitas")
pytest.importorskip("sklearn")

from generated import (  # noqa: E402
    EVERYTHING,
    INTERRUPTING,
    QUANTISED,
    SEARCH,
    TEMPLATES,
    TRAIN,
    Generated,
    lower_precision,
)
from safetensors import safe_open  # noqa: E402

from support.data.batches import Share  # noqa: E402
from support.progress import StageError, Stopped  # noqa: E402
from support.training import distributed  # noqa: E402
from support.training.distributed import computed_on, joined, own_device  # noqa: E402

pytestmark = [pytest.mark.torch, pytest.mark.slow]

# In float32 the order of sums decides whether a value is rounded to one level of a quantiser or to the next.
IN_FLOAT64 = """
import runpy, sys, torch
torch.set_default_dtype(torch.float64)
sys.argv = sys.argv[1:]
sys.path.insert(0, sys.argv[0].rpartition("/")[0])
runpy.run_path(sys.argv[0], run_name="__main__")
"""
NODE = ["-m", "torch.distributed.run", "--nnodes", "2", "--nproc-per-node", "1"]
TWO = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]


# The optimiser's import comes after the world was made, as in the programs.
LEAVES = """
import os, sys, torch
from support.training.distributed import average_gradients, joined
weight = torch.nn.Parameter(torch.ones(3))
with joined("cpu"):
    torch.optim.Adam([weight])
    weight.sum().backward()
    average_gradients([weight])
    inside = len(os.listdir("/proc/self/task"))
with open(sys.argv[1] + os.environ["RANK"], "w") as file:
    print(inside > 1, len(os.listdir("/proc/self/task")), file=file)
"""


# The second process, in its fifth step: is killed, or has a loss that is no number, which the first one has not.
FAILING = """
import os, runpy, signal, sys
sys.argv = sys.argv[1:]
from support.training.loop import Loop
tell = Loop._report
def tell_and_fail(loop, progress):
    tell(loop, progress)
    if loop.step == 4 and os.environ["RANK"] == "1":
        {failure}
Loop._report = tell_and_fail
runpy.run_path(sys.argv[0], run_name="__main__")
"""
# Program, failure, exit codes, errors of both.
FAILURES = {
    "killed": (
        "train.py",
        "os.kill(os.getpid(), signal.SIGKILL)",
        [1, -signal.SIGKILL],
        [["train: error: another process of this run ended, or cannot be reached any more"], []],
    ),
    "no number": (
        "search.py",
        "loop.network.register_forward_hook(lambda network, x, y: y * float('nan'))",
        [1, 1],
        [
            [
                "search: error: the norm of the gradients is nan at epoch 1, step 5, architecture",
            ],
            ["search: error: the loss is nan at epoch 1, step 5, architecture"],
        ],
    ),
}


def start(folder, launcher, program, *arguments, wrapper=None):
    script = folder / "in_float64.py"
    script.write_text(IN_FLOAT64)
    programs = [str(it) for it in (script, wrapper, folder / program) if it]
    command = [sys.executable, *launcher, *programs, "--epochs", "1"]
    return subprocess.Popen(
        [*command, "--progress", "jsonl", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def free_port():
    with socket.socket() as asked:
        asked.bind(("127.0.0.1", 0))
        return asked.getsockname()[1]


def finished(process):
    output, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors
    return [json.loads(line) for line in output.splitlines()]


def assert_equal_but_for_rounding(one, two):
    with safe_open(one, "pt") as expected, safe_open(two, "pt") as found:
        assert set(found.keys()) == set(expected.keys())
        for name in expected.keys():  # noqa: SIM118 - no mapping
            wanted = expected.get_tensor(name)
            # Measured: 5e-14 at most after the 22 steps of an epoch.
            torch.testing.assert_close(found.get_tensor(name), wanted, rtol=0, atol=1e-10, msg=name)


@pytest.mark.parametrize("kind", ["train", "train everything", "search", "search quantised"])
def test_two_processes_give_the_result_of_one(tmp_path, kind):
    program, _, how = kind.partition(" ")
    everything = EVERYTHING | {"start": lower_precision(tmp_path / "start.safetensors")}
    generated = Generated.write(
        tmp_path / "out",
        train=everything if how == "everything" else TRAIN,
        search=QUANTISED if how == "quantised" else SEARCH,
    )
    if how == "quantised":
        generated.search_quantised()
    folder = generated.folder
    paths = []
    for launcher in ([], TWO):
        out = tmp_path / f"result{len(paths)}"
        finished(start(folder, launcher, f"{program}.py", "--out", str(out)))
        paths.append(out / "checkpoint.safetensors")
    assert_equal_but_for_rounding(*paths)


def test_two_processes_search_the_bit_widths_of_one(tmp_path):
    """In few steps, and again where they differ.

    Of few bits some values are exact ties of two levels, which float64 too decides by the order of sums, and that may depend
    on where a tensor lies. Three times in a row would be no accident.
    """
    generated = Generated.write(tmp_path / "out", search=QUANTISED | {"batch": 128})
    generated.search_quantised("group*.block* = [w2a2, w4a4]; group*.nas* = [w2a2, w4a3]")
    for attempt in range(3):
        paths, bits = [], []
        for launcher in ([], TWO):
            out = tmp_path / f"result{attempt}{len(paths)}"
            events = finished(start(generated.folder, launcher, "search.py", "--out", str(out)))
            [result] = [event for event in events if event["event"] == "result"]
            bits.append(result["bits"])
            paths.append(out / "checkpoint.safetensors")
        try:
            assert_equal_but_for_rounding(*paths)
        except AssertionError:
            if attempt == 2:
                raise
        else:
            break
    assert bits[0] == bits[1] and bits[0]


def test_two_nodes_give_the_result_of_one_process(tmp_path):
    """Started by hand on each node, as docs/training.md says; both nodes are this machine."""
    folder = Generated.write(tmp_path / "out").folder
    one, two = (tmp_path / name for name in ("one", "two"))
    finished(start(folder, [], "train.py", "--out", str(one)))
    said, unsaid = on_two_nodes(folder, [two, two])
    results = [json.loads(line)["event"] for line in said.splitlines()].count("result")
    assert (results, unsaid) == (1, "")
    assert_equal_but_for_rounding(one / "checkpoint.safetensors", two / "checkpoint.safetensors")


def on_two_nodes(folder, outs, *options):
    """What a training said on each of two nodes, each with a folder for its results."""
    for _ in range(3):
        address = ["--master-addr", "127.0.0.1", "--master-port", str(free_port())]
        nodes = [
            start(
                folder,
                [*NODE, "--node-rank", str(rank), *address],
                *("train.py", *options, "--out", str(out)),
            )
            for rank, out in enumerate(outs)
        ]
        said, first_errors = nodes[0].communicate(timeout=300)
        if nodes[0].returncode:
            nodes[1].kill()  # it would wait for the first one
        other_said, errors = nodes[1].communicate(timeout=300)
        if "EADDRINUSE" not in first_errors:
            break  # else somebody took the port in between
    assert [node.returncode for node in nodes] == [0, 0], first_errors + errors
    return said, other_said


def interrupted(folder, launcher, program, out):
    """Ended by a signal in the first epoch, with a checkpoint."""
    wrapper = folder / "interrupting.py"
    wrapper.write_text(INTERRUPTING.format(number=int(signal.SIGTERM), after_epochs=0.4))
    first = start(folder, launcher, program, "--out", str(out), wrapper=wrapper)
    said, errors = first.communicate(timeout=300)
    assert "saved; the same command with --resume goes on from here" in said, errors


def test_two_nodes_go_on_from_the_checkpoint_of_the_first(tmp_path):
    """The second one has none: no disk is shared."""
    folder = Generated.write(tmp_path / "out").folder
    whole, stopped = tmp_path / "whole", tmp_path / "stopped"
    finished(start(folder, [], "train.py", "--out", str(whole)))
    interrupted(folder, [], "train.py", stopped)
    on_two_nodes(folder, [stopped, tmp_path / "elsewhere"], "--resume")
    name = "checkpoint.safetensors"
    assert_equal_but_for_rounding(whole / name, stopped / name)


def test_two_processes_stop_together_and_one_goes_on(tmp_path):
    folder = Generated.write(tmp_path / "out").folder
    whole, stopped = tmp_path / "whole", tmp_path / "stopped"
    finished(start(folder, [], "train.py", "--out", str(whole)))
    process = start(folder, TWO, "train.py", "--out", str(stopped))
    for line in process.stdout:
        if json.loads(line).get("done", 0) > 0.05:
            break
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=100)
    assert "saved; the same command with --resume goes on from here" in output, errors
    events = finished(start(folder, [], "train.py", "--out", str(stopped), "--resume"))
    assert any(event.get("text", "").startswith("going on at epoch 1, step ") for event in events)
    name = "checkpoint.safetensors"
    assert_equal_but_for_rounding(whole / name, stopped / name)


def test_a_search_of_two_goes_on_as_two(tmp_path):
    """Both get a signal in the same step; what each scored before it is counted once."""
    folder = Generated.write(tmp_path / "out").folder
    whole, stopped = tmp_path / "whole", tmp_path / "stopped"
    finished(start(folder, [], "search.py", "--out", str(whole)))
    interrupted(folder, TWO, "search.py", stopped)
    events = finished(start(folder, TWO, "search.py", "--out", str(stopped), "--resume"))
    assert any(it.get("text", "").startswith("going on at epoch 1, step 6") for it in events)
    name = "checkpoint.safetensors"
    assert_equal_but_for_rounding(whole / name, stopped / name)
    one, two = (json.loads((it / "search.jsonl").read_text()) for it in (whole, stopped))
    assert one["cells"].keys() == two["cells"].keys()
    for score in ("top1", "validation_top1", "loss", "validation_loss"):
        assert two[score] == pytest.approx(one[score], rel=1e-9)


@pytest.mark.parametrize("how", FAILURES)
def test_one_process_fails_and_both_end_with_a_word(tmp_path, how):
    """Without torchrun, which would end the other one as soon as it sees the first one end."""
    program, failure, codes, words = FAILURES[how]
    folder = Generated.write(tmp_path / "out").folder
    script = folder / "failing.py"
    script.write_text(FAILING.format(failure=failure))
    both, said = by_hand([script, folder / program], [[], []])
    assert both == codes, said
    for text, expected in zip(said, words, strict=True):
        assert "Traceback" not in text
        assert [line for line in text.splitlines() if ": error: " in line] == expected, text


def by_hand(command, arguments):
    """Two processes without torchrun: their exit codes and what they said on standard error."""
    for _ in range(3):
        world = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free_port())}
        both = [
            subprocess.Popen(
                [sys.executable, *map(str, command), *own],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
                env={**os.environ, "OMP_NUM_THREADS": "1", **world, "RANK": rank},
            )
            for rank, own in zip("01", arguments, strict=True)
        ]
        said = [it.communicate(timeout=200)[1] for it in both]
        if "EADDRINUSE" not in said[0]:
            break  # else somebody took the port in between
    return [it.returncode for it in both], said


def test_processes_of_other_settings_do_not_train_together(tmp_path):
    folder = Generated.write(tmp_path / "out").folder
    codes, said = by_hand([folder / "train.py"], [[], ["--lr", "0.1"]])
    assert codes == [1, 1]
    assert (
        "train: error: this process is not of one run with the first one: "
        "settings.optimiser.lr is 0.004 there and 0.1 here\n"
    ) in said[1]
    assert "another process of this run ended" in said[0]


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="threads are counted in /proc")
def test_no_thread_of_the_world_outlives_it(tmp_path):
    """One that does aborts the process now and then, when it lets go of a tensor while Python shuts down."""
    script = tmp_path / "leaves.py"
    script.write_text(LEAVES)
    paths = {"PYTHONPATH": str(TEMPLATES), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, *TWO, script, tmp_path / "rank"]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | paths)
    assert done.returncode == 0, done.stderr
    assert [(tmp_path / f"rank{rank}").read_text() for rank in (0, 1)] == ["True 1\n"] * 2


@pytest.mark.parametrize(
    ("size", "told", "way_out"),
    [
        (7, "a batch of 7 images has no 2 equal parts", "take a --batch that 2 divides"),
        (8, "the 7 images that there are have no 2 equal parts", "take a --batch of 6"),
    ],
)
def test_a_batch_without_equal_parts(size, told, way_out):
    with pytest.raises(StageError) as caught:
        Share(0, 2).equal(torch.arange(7).numpy(), size)
    assert caught.value.message == told
    assert caught.value.help == f"{way_out}, or another number of processes"


def test_each_process_takes_a_gpu_of_its_own(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setenv("LOCAL_RANK", "1")
    names = [own_device(name) for name in ("auto", "cuda", "cuda:0", "cpu")]
    assert names == ["cuda:1", "cuda:1", "cuda:1", "cpu"]
    monkeypatch.setenv("LOCAL_RANK", "2")
    with pytest.raises(StageError, match=r"more processes than GPUs here \(2\)"):
        own_device("auto")


@pytest.mark.parametrize(("device", "ends_at_once"), [("cuda:1", True), ("cpu", False)])
def test_one_process_that_fails_does_not_wait_for_nccl(monkeypatch, device, ends_at_once):
    """The communicators of NCCL go when all processes let them go: at the end, or when all stop."""
    calls = []
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setattr(distributed, "own_device", str)
    monkeypatch.setattr(distributed, "device_called", torch.device)
    monkeypatch.setattr(torch.cuda, "set_device", lambda device: None)
    monkeypatch.setattr(distributed.dist, "init_process_group", lambda backend, timeout: None)
    monkeypatch.setattr(distributed.dist, "destroy_process_group", lambda: calls.append("destroy"))
    with pytest.raises(StageError) as failed, joined(device):
        raise StageError("the device has too little memory for a batch of 64")
    assert failed.value.ends_at_once is ends_at_once
    assert calls == ([] if ends_at_once else ["destroy"])
    calls.clear()
    with joined(device):
        pass
    with pytest.raises(Stopped), joined(device):
        raise Stopped(signal.SIGTERM)
    assert calls == ["destroy", "destroy"]


def test_which_gpu_computed_is_told(monkeypatch):
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: f"model of {device}")
    told = computed_on(torch.device("cuda:1"))
    assert (told["device"], told["gpu"]) == ("cuda:1", "model of cuda:1")
    assert "gpu" not in computed_on(torch.device("cpu"))
