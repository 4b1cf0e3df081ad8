"""Stands in for every stage program: records how it was called, writes what the stage gives, reports as they do.

What it writes depends on what the real stage depends on, so that keys behave as they do in earnest.
FAKE_FAIL, FAKE_CRASH and FAKE_KILL name a stage that ends badly; FAKE_HANG one that works until it is interrupted, then saves its state,
unless FAKE_LOSE is set.
"""

import argparse
import hashlib
import json
import os
import signal
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
NAME = {"build": "estimate"}.get(Path(__file__).stem, Path(__file__).stem)
GENOTYPE = """\
genotype {
  group0 = identity from 0, maxpool 3x3 from 1
  group1 = conv 1x1 from 0, conv 1x1 from 1
}
"""
ESTIMATES = {
    "network": {"cycles": 100, "fps": 1e6, "lut": 50, "bram18": 1, "uram": 0, "dsp": 2},
    "bottleneck": "stem.conv",
    "warnings": [],
}
RESULTS = {
    "search": {
        "cells": {"group0": [{}, {}], "group1": [{}, {}]},
        "provenance": {"seed": 2, "findings": {"validation_top1": 0.75}},
    },
    "derive": {
        "cells": {"group0": [{}, {}], "group1": [{}, {}]},
        "provenance": {
            "seed": 2,
            "cost": {"lut": 50, "bram18": 1, "cycles": 100},
            "budget": {"displaced": [{}], "is_proven": True},
        },
    },
    "train": {"top1": 0.9, "test_images": 10},
    "export": {"nodes": {"integer": 3, "qonnx": 4}},
    "verify": {"images": 10, "ok": True, "qonnx": {"a": 1}, "integer": {"a": 1}, "finn": {"a": 1}},
    "estimate": ESTIMATES,
}


def what_it_imports():
    """Never called: the imports that make these files part of the stage."""
    import IMPORTED  # noqa: F401 - replaced by the test


def event(kind, **fields):
    print(json.dumps({"event": kind, **fields}), flush=True)


def settings(*names):
    texts = [(HERE / "settings" / f"{name}.json").read_text() for name in names]
    return hashlib.sha256("".join(texts).encode()).hexdigest()


def main():
    parser = argparse.ArgumentParser()
    for option in (
        "--out",
        "--search",
        "--weights",
        "--model",
        "--export",
        "--data",
        "--training-data",
        "--to",
        "--progress",
    ):
        parser.add_argument(option)
    parser.add_argument("--resume", action="store_true")
    args = parser.parse_args()
    with Path(os.environ["FAKE_RECORD"]).open("a") as record:
        words = {"stage": NAME, "argv": sys.argv[1:], "data": os.environ.get("NASHC_DATA")}
        record.write(json.dumps(words) + "\n")
    print("a library says hello", file=sys.stderr)
    event("progress", stage=NAME, done=1, total=2, unit="step", text="working", eta_s=1.0)
    out = Path(args.out)
    if os.environ.get("FAKE_FAIL") == NAME:
        event("error", message="the weights are on strike", help="pay them")
        return 1
    if os.environ.get("FAKE_CRASH") == NAME:
        raise RuntimeError("an unforeseen thing")
    if os.environ.get("FAKE_KILL") == NAME:
        os.kill(os.getpid(), signal.SIGKILL)
    if os.environ.get("FAKE_HANG") == NAME:
        hang(out)
    write(out, args)
    event("result", stage=NAME, **RESULTS[NAME], out=str(out))
    return 0


def hang(out):
    saves = "FAKE_LOSE" not in os.environ

    def save(number, frame):
        if saves:
            (out / "checkpoint").write_text("half way")
        sys.exit(128 + number)

    def end(number, frame):
        Path(os.environ["FAKE_RECORD"]).with_name("ended").touch()
        while Path(os.environ["FAKE_RECORD"]).with_name("saving").exists():
            time.sleep(0.05)
        save(number, frame)

    signal.signal(signal.SIGINT, save)
    signal.signal(signal.SIGTERM, end)
    if saves:
        (out / "checkpoint").write_text("saved at an interval")
    Path(os.environ["FAKE_RECORD"]).with_name("hanging").touch()
    for _ in range(600):
        try:
            event("progress", stage=NAME, done=1, total=2, unit="step", text="hanging", eta_s=1.0)
        except (
            BrokenPipeError
        ):  # nobody listens any more: SIGTERM comes next, where the system sends it
            time.sleep(10)
            os._exit(1)
        time.sleep(0.1)


def write(out, args):
    if NAME == "search":
        (out / "genotype.json").write_text('{"provenance": {"seed": 2}}')
        (out / "found.nash").write_text("# by a stand-in\n" + GENOTYPE)
    elif NAME == "derive":
        (out / "genotype.json").write_text('{"provenance": {"seed": 2}}')
        (out / "found.nash").write_text(GENOTYPE.replace("maxpool 3x3", "identity"))
    elif NAME == "train":
        (out / "weights.safetensors").write_text(settings("train"))
        (out / "metrics.json").write_text("{}")
    elif NAME == "export":
        for name in ("model.qonnx.onnx", "model.integer.onnx", "golden.npz", "export.json"):
            (out / name).write_text(Path(args.weights).read_text())
    elif NAME == "verify":
        (out / "verify.json").write_text("{}")
    elif NAME == "estimate":
        counts = {"lut": 50, "bram18": 1, "uram": 0, "dsp": 2}
        fold = {"pe": 1, "pe_max": 8, "simd": 3, "simd_max": 9}
        layer = {"layer": "stem.conv", "name": "stem.conv", "op": "MVAU_hls", "cycles": 100}
        layer |= {**counts, **fold, "marks": ["thresholds"]}
        content = {
            "network": {"cycles": 100, "fps": 1e6, "latency_ms": 0.001, **counts},
            "bottleneck": "stem.conv",
            "layers": [layer],
            "warnings": [],
            "holes": {"thresholds": "count 0", "latency": "a sum", "between": "not counted"},
            "board": {"name": "Pynq-Z1", "lut": 53200, "bram18": 280, "uram": 0, "dsp": 220},
            "target_cycles": 50,
            "clock_ns": 10.0,
            "tool": "finn-plus 1.6.1",
        }
        (out / "estimates.json").write_text(json.dumps(content))


if __name__ == "__main__":
    sys.exit(main())
