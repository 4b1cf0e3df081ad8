"""Generated projects: golden files, formatting, determinism, and code that does what the IR says."""

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from nashc.emit import project
from nashc.lower import lower
from nashc.schema import load
from tests.paths import ALL_SPECS, ROOT, SPECS

GOLDEN = ROOT / "tests" / "golden"
CASES = {
    "own_backbone": ("model.py", "lowering.py", "graph.nir"),
    "quickstart": ("supernet.py",),
}


def files(path: Path, **overrides: str) -> dict[str, str]:
    spec = load(path, overrides)
    return project(spec, lower(spec))


@pytest.mark.parametrize("case", CASES)
def test_golden(case: str, update: bool) -> None:
    made = files(SPECS / f"{case}.nash")
    folder = GOLDEN / case
    for name in CASES[case]:
        if update:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(made[name], encoding="utf-8")
        assert made[name] == (folder / name).read_text(encoding="utf-8"), f"{case}/{name}"


def test_no_golden_file_is_an_orphan() -> None:
    found = {path.relative_to(GOLDEN).as_posix() for path in GOLDEN.rglob("*") if path.is_file()}
    assert found == {f"{case}/{name}" for case, names in CASES.items() for name in names}


@pytest.mark.parametrize("path", ALL_SPECS, ids=lambda path: path.stem)
def test_python_is_formatted_and_lint_free(path: Path, tmp_path: Path) -> None:
    is_formatted_and_lint_free(path, tmp_path)


def is_formatted_and_lint_free(path: Path, tmp_path: Path) -> None:
    for name, text in files(path).items():
        if name.endswith(".py"):
            ast.parse(text)
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).write_text(text, encoding="utf-8")
    config = f"--config={ROOT / 'pyproject.toml'}"
    for command in (["format", "--check", "--diff"], ["check"]):
        names = [n for n in ("model.py", "supernet.py", "lowering.py") if (tmp_path / n).exists()]
        run = subprocess.run(
            [sys.executable, "-m", "ruff", *command, config, *names],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert run.returncode == 0, run.stdout + run.stderr


WIDE = """
nash 1

use resnet18 from "nashc/resnet.nash"

block own(out) {{
  {labels[0]} = {labels[0]}: conv 3x3(out) -> bn
  {labels[1]} = {labels[1]}: conv 1x1(out) -> bn
  add({labels[0]}, {labels[1]}) -> act
}}

backbone plain() {{
  stem:   conv 3x3(4) -> bn -> act
  group0: {block}: own(4)
  group1: {block}: own(4)
  head:   avgpool -> fc: linear(classes)
}}

network net {{
  input    = UINT8 3x32x32
  classes  = 10
  backbone = {backbone}

  cell in network {{
    identity_across = two_convs
  }}
}}

search {{
  data      = cifar10("cifar10")
  precision = {precision}
}}
"""
LABELS = {
    "short": ("left", "right"),
    "long": ("a" * 24, "b" * 29),
    "longest": ("a" * 37, "b" * 40),
}


@pytest.mark.parametrize("precision", ["paper", "quantised"])
@pytest.mark.parametrize("backbone", ["resnet18(width = 8)", "plain()", *list(LABELS)[1:]])
def test_a_cell_over_the_network_is_formatted(
    backbone: str, precision: str, tmp_path: Path
) -> None:
    """Parts that take and give many values, and long names."""
    labels = LABELS.get(backbone, LABELS["short"])
    called = "plain()" if backbone in LABELS else backbone
    path = tmp_path / "net.nash"
    text = WIDE.format(labels=labels, block=labels[0][:12], backbone=called, precision=precision)
    path.write_text(text, encoding="utf-8")
    is_formatted_and_lint_free(path, tmp_path)


def test_output_is_the_same_under_every_hash_seed() -> None:
    program = (
        "import sys, hashlib, json; from pathlib import Path;"
        "from nashc.schema import load; from nashc.lower import lower; from nashc.emit import project;"
        "spec = load(Path(sys.argv[1])); files = project(spec, lower(spec));"
        "print(spec.digest, hashlib.sha256(json.dumps(files).encode()).hexdigest())"
    )
    seen = {
        subprocess.run(
            [sys.executable, "-c", program, str(SPECS / "resnet18_v3.nash")],
            env={**os.environ, "PYTHONHASHSEED": seed},
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("0", "1", "4242")
    }
    assert len(seen) == 1


def test_a_changed_clock_changes_the_build_settings_alone(tmp_path: Path) -> None:
    text = (SPECS / "own_backbone.nash").read_text()
    path = tmp_path / "own_backbone.nash"
    path.write_text(text)
    before = files(path)
    path.write_text(text.replace("clock = 5 ns", "clock = 100 MHz"))
    after = files(path)
    assert [name for name in after if after[name] != before[name]] == ["settings/build.json"]


def test_channels_are_masked_behind_activations(tmp_path: Path) -> None:
    text = (SPECS / "quickstart_channels.nash").read_text()
    path = tmp_path / "quickstart_channels.nash"
    cell = "  cell in group0 { ops = [zero, conv 1x1, conv 3x3] }\n\n  bits {\n    nas      = w2a4"
    path.write_text(text.replace("  bits {", cell))
    supernet = files(path, most_lut="9000")["supernet.py"]
    forward = supernet.split("class Group0")[1].split("def forward")[1].split("class ")[0]
    assert [line.strip() for line in forward.splitlines() if "first_16" in line] == [
        "nas_node1_act = self.first_16(self.nas_node1_act(nas_node1_add))",
        "block0_conv1_act = self.first_16(self.block0_conv1_act(nas_node1_add))",
        "return self.first_16(self.block0_add_act(nas_node2_add))",
    ]
    assert "MixedOp(OPS, self.first_16, self.first_16, convs=Quantised(2))" in supernet


@pytest.mark.parametrize("precision", ["paper", "float", "quantised"])
def test_where_a_window_reaches_beyond_the_image_is_said(precision: str, tmp_path: Path) -> None:
    """A large stem leaves 8, 4, 2 and 1 pixels to the four groups. Quantised weights stay where they decide a scale."""
    text = (SPECS / "cifar10.nash").read_text().replace("small_stem = true", "small_stem = false")
    path = tmp_path / "cifar10.nash"
    path.write_text(text.replace("search {", f"search {{\n  precision = {precision}"))
    lines = files(path)["supernet.py"].splitlines()
    small = [line for line in lines if "SmallMapConv2d(" in line]
    assert len(small) == (0 if precision == "quantised" else 8)  # those of the last two groups
    assert ("from support.layers.small_maps import SmallMapConv2d" in lines) == bool(small)
    edges = [line for line in lines if "MixedOp(OPS" in line]
    said = {
        width: [f"{width}, {width}" in line and "side=" in line for line in edges]
        for width in (16, 32, 64, 128)
    }
    wanted = (
        {16: 0, 32: 0, 64: 6, 128: 6} if precision != "quantised" else {16: 0, 32: 0, 64: 0, 128: 0}
    )
    assert {width: sum(its) for width, its in said.items()} == wanted
    assert sum("64, 64" in line and "side=2" in line for line in edges) == wanted[64]
    assert sum("128, 128" in line and "side=1" in line for line in edges) == wanted[128]


@pytest.mark.parametrize(
    "path",
    ["\"; import os; os.system('x')", "{{ 1 }}", "'''", "a\\\\b", "%s{}", "\u00e9\u2028"],
)
def test_text_of_a_spec_stays_data(path: str, tmp_path: Path) -> None:
    """A data path is the only free text of a spec; it reaches JSON alone, never Python."""
    text = (SPECS / "cifar10.nash").read_text()
    quoted = path.replace('"', "")
    evil = tmp_path / "evil.nash"
    evil.write_text(text.replace('cifar10("cifar10"', f'cifar10("{quoted}"'), encoding="utf-8")
    clean = files(SPECS / "cifar10.nash")
    for name, made in files(evil).items():
        if name.endswith(".json"):
            json.loads(made)
        else:
            assert made.replace("evil.nash", "cifar10.nash") == clean[name]
    found = json.loads(files(evil)["settings/search.json"])
    assert found["data"]["path"] == quoted


SHAPES = """
import json, sys
import torch
from brevitas.nn import QuantReLU
import model
network = model.Network().eval()
shapes = {}
for name, module in network.named_modules():
    module.register_forward_hook(
        lambda m, i, o, name=name: shapes.__setitem__(name, list(getattr(o, "value", o).shape))
        if not isinstance(o, tuple) or hasattr(o, "value") else None
    )
network(torch.zeros(1, *model.INPUT_SHAPE))
print(json.dumps(shapes))
"""


@pytest.mark.torch
@pytest.mark.parametrize("name", ["own_backbone", "resnet18_v3"])
def test_the_model_has_the_shapes_of_the_graph(name: str, tmp_path: Path) -> None:
    spec = load(SPECS / f"{name}.nash")
    graph = lower(spec)
    for path, text in project(spec, graph).items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(text, encoding="utf-8")
    run = subprocess.run(
        [sys.executable, "-c", SHAPES], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    shapes = json.loads(run.stdout)
    compared = 0
    for node in graph.nodes:
        part, _, rest = node.name.partition(".")
        found = shapes.get(f"{part}.{rest.replace('.', '_')}")
        if found and len(found) == 4 and len(node.shape) == 4:
            n, h, w, c = node.shape
            assert found == [n, c, h, w], node.name
            compared += 1
    assert compared > 20
