"""The support package lies in templates/; a compiled folder is made of it, the programs and a hand-written network."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TEMPLATES = ROOT / "templates"
NET = Path(__file__).parent / "nash_net"
sys.path.insert(0, str(TEMPLATES))

SETTINGS = {
    "data": {"kind": "digits", "channels": 1, "height": 8, "width": 8, "classes": 10},
    "build": {
        "board": "Pynq-Z1",
        "clock_ns": 5.0,
        "target_fps": 10000,
        "mvau_wwidth_max": 10000,
        "folding": None,
        "vivado": None,
    },
}
# The fewest steps after which a network's activations are not all saturated.
TRAIN = """
import sys
from pathlib import Path
import torch
import model
from support.data import datasets
from support.training.checkpoint import code_digest, save_weights

torch.manual_seed(0)
torch.set_num_threads(1)
network = model.Network()
for module in network.modules():
    if isinstance(module, torch.nn.BatchNorm2d):
        module.weight.data.uniform_(-1.5, 1.5)  # negative gains too
        module.bias.data.uniform_(-0.5, 0.5)
images, labels = datasets.load(datasets.data_settings(Path("."), {}), "train", limit=640)
images, labels = torch.tensor(images).float(), torch.tensor(labels)
optimiser = torch.optim.Adam(network.parameters(), 1e-2)
for _ in range(4):
    for first in range(0, 640, 64):
        batch = slice(first, first + 64)
        loss = torch.nn.functional.cross_entropy(network(images[batch]), labels[batch])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
weights = Path("results/train/weights.safetensors")
weights.parent.mkdir(parents=True)
save_weights(weights, network, code_digest(Path("model.py")), {})
"""


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is made of data sets stays among the test's own files."""
    monkeypatch.setenv("NASHC_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))


@pytest.fixture(scope="session")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A compiled folder with trained weights, exported."""
    folder = tmp_path_factory.mktemp("nash_net")
    shutil.copytree(
        TEMPLATES / "support",
        folder / "support",
        ignore=shutil.ignore_patterns("__pycache__", ".*"),
    )
    for file in (*(TEMPLATES / "programs").glob("*.py"), *NET.glob("*.py")):
        shutil.copy(file, folder)
    (folder / "settings").mkdir()
    for name, settings in SETTINGS.items():
        (folder / "settings" / f"{name}.json").write_text(json.dumps(settings))
    trained = _python(folder, "-c", TRAIN)
    assert trained.returncode == 0, trained.stderr
    exported = _python(folder, "export.py")
    assert exported.returncode == 0, exported.stderr
    return folder


@pytest.fixture(scope="session")
def program(compiled: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs a program of the compiled folder."""
    return lambda *arguments: _python(compiled, *arguments)


def _python(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    for name in ("XILINX_VIVADO", "FINN_BUILD_DIR", "FINN_SETTINGS"):
        environment.pop(name, None)
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )


@pytest.fixture
def folders(tmp_path: Path) -> Path:
    """The class folders of image_sets.FOLDER."""
    from tests.support.image_sets import class_folders  # Pillow

    return class_folders(tmp_path / "images")
