"""Every placement of a cell that the language can say gives a supernet that runs an update of each side, and a derived
network whose spec loads: tiny specs, one process for all of them."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch")

from nashc.emit import project
from nashc.lower import lower
from nashc.schema import load

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
{cells}
  bits {{
    nas = {nas}
  }}
}}

search {{
  data      = digits
  estimator = {estimator}
}}
"""
PLACES = {
    "layer": "cell in each layer {}",
    "block": "cell in each block {}",
    "group": "cell in each group {}",
    "network": "cell in network {}",
    "one part": "cell in group1 {}",
    "one block": "cell in group0.block1 {}",
    "two cells": "cell in group0.block0 {}\n  cell in group1 {}",
}
SETTINGS = {
    "v1": "policy = v1",
    "v2": "policy = v2; ops = [zero, maxpool 3x3, identity, conv 1x1, conv 3x3]",
    "v4": "policy = v4; ops = [identity, conv 7x7]",
    "two convs": "identity_across = two_convs; ops = [identity, conv 1x1]",
    "edges": "edges = listed; edge 0 -> 1 = [conv 3x3, maxpool 3x3, conv 5x5]",
}
CASES = {
    **{place: (cell, "policy = v3", "w1a8") for place, cell in PLACES.items()},
    **{f"layer {name}": (PLACES["layer"], text, "w1a8") for name, text in SETTINGS.items()},
    **{f"network {name}": (PLACES["network"], text, "w8a8") for name, text in SETTINGS.items() if name != "edges"},
}  # fmt: skip
ESTIMATORS = ("binary_gate", "two_path", "gumbel(temperature = 0.5)")

RUN = """
import importlib.util, json, sys
from pathlib import Path
import torch

torch.set_num_threads(1)
folders = [Path(line) for line in sys.argv[1:]]
sys.path.insert(0, str(folders[0]))
from support.training.classification import prepare
from support.derivation.cells import derive, genotype_text
from support.search.space import edges
from support.search.updates import Updates

for folder in folders:
    spec = importlib.util.spec_from_file_location("supernet", folder / "supernet.py")
    supernet = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(supernet)
    torch.manual_seed(0)
    network = prepare(supernet.SuperNetwork(), torch.device("cpu"))
    settings = json.loads((folder / "settings" / "search.json").read_text())
    updates = Updates(network, settings)
    before = [alpha.detach().clone() for alpha in updates.alphas]
    images = torch.randint(0, 256, (8, *supernet.INPUT_SHAPE)).float()
    labels = torch.arange(8)
    for _ in range(3):
        updates.update_architecture(images, labels, "test")
        updates.update_weights(images, labels, 0.1, "test")
    moved = sum(not torch.equal(old, new) for old, new in zip(before, updates.alphas))
    found = genotype_text(derive(edges(network.cells()), settings["policy"]))
    print(json.dumps({"edges": len(before), "moved": moved, "genotype": found}))
"""


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Path, dict]]:
    root, folders = tmp_path_factory.mktemp("placements"), {}
    for number, (name, (cell, text, nas)) in enumerate(CASES.items()):
        folder = folders[name] = root / str(number)
        folder.mkdir()
        cells = "\n".join(
            f"  {line}" for line in cell.replace("{}", f"{{\n  {text}\n  }}").split("\n")
        )
        estimator = ESTIMATORS[number % len(ESTIMATORS)]
        path = folder / "tiny.nash"
        path.write_text(SPEC.format(cells=cells, nas=nas, estimator=estimator))
        spec = load(path)
        for file, content in project(spec, lower(spec)).items():
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            (folder / file).write_text(content)
    command = [sys.executable, "-c", RUN, *map(str, folders.values())]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=300, check=False, env=environment
    )
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    return {
        name: (folder, line) for (name, folder), line in zip(folders.items(), lines, strict=True)
    }


@pytest.mark.parametrize("name", CASES)
def test_the_supernet_learns(name, ran):
    _, result = ran[name]
    assert result["edges"] > 0
    assert result["moved"] == result["edges"]


@pytest.mark.parametrize("name", CASES)
def test_what_is_derived_is_a_spec_that_compiles(name, ran):
    folder, result = ran[name]
    found = folder / "found.nash"
    found.write_text(f'nash 1\nextends "tiny.nash"\n\n{result["genotype"]}')
    spec = load(found)
    assert not spec.is_searched
    assert {"model.py", "lowering.py", "supernet.py"} <= project(spec, lower(spec)).keys()
