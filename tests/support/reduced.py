"""The specs of specs/ at a size at which FINN takes seconds: the same layers, fewer channels and pixels."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

from nashc.emit import project
from nashc.lower import lower
from nashc.schema import load
from tests.paths import SPECS

# Cells for the specs that would have to be searched first.
GENOTYPES = {
    "cifar10": "resnet18_v3",
    "quickstart": """
genotype {
  group0 = identity from 0, maxpool 3x3 from 1
  group1 = conv 3x3 from 0, maxpool 3x3 from 1
}
""",
}
SMALLER = (
    (r"UINT8 3x224x224", "UINT8 3x64x64"),
    (r"classes  = 1000", "classes  = 10"),
    (r"width = 64", "width = 8"),
    (r"param width: int = 16", "param width: int = 8"),
    (r"param most_lut: int = \d+", "param most_lut: int = 20000"),  # what these cells need
    # Bit widths and numbers of channels for the specs that would have to search them first.
    (r"group\*.block\* = \[.*\]", "group0.block* = w4a4\n    group1.block* = w1a2"),
    (r"first = \[.*?\], second = \[.*?\]", "first = 4, second = 8"),
)


def reduced(
    name: str, folder: Path, *, has_rising_stem: bool = False, text: str | None = None
) -> Path:
    """The project of a reduced spec, with random weights that leave no activation without use.

    text: a spec instead of the one in specs/. has_rising_stem: no negative batch-norm gain behind the first max-pool.
    """
    import torch

    from support.training.checkpoint import code_digest, save_weights

    specs = folder / "specs"
    specs.mkdir(parents=True)
    for source in SPECS.glob("*.nash"):
        (specs / source.name).write_text(_smaller(source), encoding="utf-8")
    if text is not None:
        (specs / f"{name}.nash").write_text(text, encoding="utf-8")
    spec = load(specs / f"{name}.nash")
    for path, content in project(spec, lower(spec)).items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(content, encoding="utf-8")
    torch.manual_seed(0)
    model = import_from(folder, "model")
    network = model.Network()
    for name, module in network.named_modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = None  # the average of all batches seen
            module.weight.data.uniform_(-1.5, 1.5)  # negative gains too
            module.bias.data.uniform_(-0.5, 0.5)
            if has_rising_stem and name.startswith("stem."):
                module.weight.data.abs_()
    with torch.no_grad():
        for _ in range(2):
            network(torch.randint(0, 256, (8, *model.INPUT_SHAPE)).float())
    weights = folder / "results" / "train" / "weights.safetensors"
    weights.parent.mkdir(parents=True)
    save_weights(weights, network, code_digest(folder / "model.py"), {})
    return folder


def import_from(folder: Path, name: str) -> Any:
    """A generated module; the one of the project before is forgotten."""
    import importlib

    for known in ("model", "lowering"):
        sys.modules.pop(known, None)
    sys.path[:] = [path for path in sys.path if not (Path(path) / "lowering.py").is_file()]
    sys.path.insert(0, str(folder))
    importlib.invalidate_caches()
    return importlib.import_module(name)


def _smaller(source: Path) -> str:
    text = source.read_text(encoding="utf-8")
    genotype = GENOTYPES.get(source.stem, "")
    if genotype in {path.stem for path in SPECS.glob("*.nash")}:
        found = re.search(r"^genotype \{.*?^\}", _text(genotype), re.DOTALL | re.MULTILINE)
        assert found, f"{genotype} has no genotype"
        genotype = found.group()
    for pattern, smaller in SMALLER:
        text = re.sub(pattern, smaller, text)
    return f"{text}\n{genotype}\n"


def _text(name: str) -> str:
    return (SPECS / f"{name}.nash").read_text(encoding="utf-8")
