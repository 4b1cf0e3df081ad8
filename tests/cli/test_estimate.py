"""`nashc estimate`: what it prints, and that it needs neither torch nor FINN."""

from __future__ import annotations

import ast
import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

from nashc.cli.figures import MODEL_NAMES
from nashc.cost.integer import integer_graph, kinds
from nashc.lower import lower
from nashc.schema import load
from tests.paths import SPECS

RESNET18 = str(SPECS / "resnet18.nash")


def test_json_has_the_figures(nashc):
    said = nashc("estimate", RESNET18, "--json")
    assert said.code == 0
    found = json.loads(said.out)
    assert (found["model"], found["cycles"]) == ("finn-plus-1.6", 200_704)
    assert (found["lut"], found["bram18"], found["uram"], found["dsp"]) == (228_153, 1839, 0, 4)
    assert found["weights"] == sum(layer["weights"] for layer in found["layers"]) == 11_683_008
    assert found["macs"] == 1_826_918_400
    assert found["fits"] is True
    assert sum(node["lut"] for node in found["nodes"]) == found["lut"]


def test_bits_change_the_figures(nashc):
    found = json.loads(nashc("estimate", RESNET18, "--set", "bits=w4a4", "--json").out)
    assert found["bram18"] > 1839


def test_what_a_spec_wants_of_finn_changes_the_figures(nashc, tmp_path: Path):
    text = Path(RESNET18).read_text()
    path = tmp_path / "wanted.nash"
    path.write_text(f"{text}\nfinn {{\n  mem_mode = external\n  prefer = hls\n}}\n")
    found = json.loads(nashc("estimate", str(path), "--json").out)
    assert (found["bram18"], found["dsp"], found["left_out"]) == (0, 0, [])
    units = [node for node in found["nodes"] if node["op"].startswith("MVAU")]
    assert {node["folding"]["mem_mode"] for node in units} == {"external"}
    assert {node["op"] for node in units} == {"MVAU_hls"}
    said = nashc("estimate", str(path), "--model", "finn-0.9")
    assert "left out    finn.prefer, finn.mem_mode: finn-0.9 has no regard to it" in said.out


def test_a_folding_file_replaces_finns_folding(nashc, tmp_path: Path):
    folding = tmp_path / "folding.json"
    folding.write_text('{"stem.conv": {"PE": 1, "SIMD": 3}}')
    found = json.loads(nashc("estimate", RESNET18, "--folding", str(folding), "--json").out)
    assert found["bottleneck"] == "stem.conv"
    assert found["cycles"] == 112 * 112 * 64 * 49


def test_all_that_is_wrong_with_a_folding_file_is_said_at_once(nashc, tmp_path: Path):
    folding = tmp_path / "folding.json"
    folding.write_text('{"stem.conf": {"PE": 1}, "stem.conv": {"SIMD": 4, "depth": 3, "Pe": 1}}')
    said = nashc("estimate", RESNET18, "--folding", str(folding))
    assert said.code == 3
    assert "the hardware does not have: stem.conf" in said.err
    assert "did you mean `stem.conv`" in said.err
    assert "stem.conv: SIMD = 4 does not divide 147" in said.err
    assert "MVAU_hls has no folding attribute Pe" in said.err


@pytest.mark.parametrize("content", ["", "[]", '{"format": 1}', "[" * 100_000, "9" * 5000])
def test_ranges_that_are_none(nashc, tmp_path: Path, content: str):
    place = tmp_path / "ranges.json"
    place.write_text(content)
    said = nashc("estimate", RESNET18, "--weights", str(place))
    assert said.code == 3
    text = f"NASH453: {place} is not the ranges.json of an exported network"
    assert said.err.startswith(text)


def test_ranges_of_another_network(nashc, tmp_path: Path):
    path = tmp_path / "ranges.json"
    layer = {"weights": [-1, 1], "accumulator": [-3, 3]}
    path.write_text(json.dumps({"format": 1, "layers": {"stem.conv": layer}}))
    said = nashc("estimate", RESNET18, "--weights", str(path))
    assert said.code == 3
    assert "is of another network than `resnet18`: only one of them has group0" in said.err


def export_of(folder: Path, key: str, weights: Path, label: str = "") -> Path:
    """A kept export of weights, of another network than any spec here."""
    made = folder / "results" / "export" / key
    made.mkdir(parents=True)
    layer = {"weights": [-1, 1], "accumulator": [-3, 3]}
    (made / "ranges.json").write_text(json.dumps({"format": 1, "layers": {"stem.conv": layer}}))
    digest = hashlib.sha256(weights.read_bytes()).hexdigest()
    material = {"inputs": {"train/weights.safetensors": digest}}
    (made / "stage.json").write_text(json.dumps({"label": label, "material": material}))
    return made


def trained(folder: Path, key: str) -> Path:
    weights = folder / "results" / "train" / key / "weights.safetensors"
    weights.parent.mkdir(parents=True)
    weights.write_text(key)
    return weights


def test_ranges_are_found_from_a_project_a_folder_and_the_weights(nashc, tmp_path: Path):
    weights = trained(tmp_path, "one")
    made = export_of(tmp_path, "first", weights)
    for given in (tmp_path, tmp_path / "results", made, made / "ranges.json", weights):
        said = nashc("estimate", RESNET18, "--weights", str(given))
        assert f"{made / 'ranges.json'} is of another network" in said.err, given


def test_of_several_exports_the_weights_say_which(nashc, tmp_path: Path):
    weights = trained(tmp_path, "one")
    export_of(tmp_path, "first", trained(tmp_path, "other"), "bits=w4a4")
    made = export_of(tmp_path, "second", weights)
    said = nashc("estimate", RESNET18, "--weights", str(weights))
    assert f"{made / 'ranges.json'} is of another network" in said.err
    said = nashc("estimate", RESNET18, "--weights", str(tmp_path))
    assert said.code == 3
    assert "has 2 exports with a ranges.json, each of another network than `resnet18`" in said.err
    assert "first (bits=w4a4): only one of them has" in said.err and str(made) in said.err


def test_of_several_exports_that_of_the_network_is_taken(nashc, tmp_path: Path):
    spec = SPECS / "own_backbone.nash"
    steps = integer_graph(lower(load(spec)), None)
    layers = {name: {"kind": kind, "thresholds": [0, 1]} for name, kind in kinds(steps).items()}
    for product in (step.name for step in steps if step.op == "MatMul"):
        layers[product] |= {"weights": [-1, 1], "accumulator": [-3, 3]}
    others = layers | {"plain.second": {**layers["plain.second"], "kind": "INT4 144x32"}}
    right = export_of(tmp_path, "right", trained(tmp_path, "one"))
    wrong = export_of(tmp_path, "wrong", trained(tmp_path, "other"), "bits=w4a4")
    for made, each in ((right, layers), (wrong, others)):
        (made / "ranges.json").write_text(json.dumps({"format": 1, "layers": each}))
    assert nashc("estimate", str(spec), "--weights", str(tmp_path)).code == 0
    differs = "plain.second is INT4 144x32 there and INT3 144x32 here"
    for command in ("estimate", "fold"):
        said = nashc(command, str(spec), "--weights", str(wrong))
        text = f"{wrong / 'ranges.json'} is of another network than `own_backbone`: {differs}"
        assert said.code == 3 and text in said.err
    (wrong / "ranges.json").write_text((right / "ranges.json").read_text())
    said = nashc("estimate", str(spec), "--weights", str(tmp_path))
    assert said.code == 3 and f"help: name one: {right}, {wrong} (bits=w4a4)" in said.err


def test_weights_without_an_export_say_the_way_out(nashc, tmp_path: Path):
    weights = trained(tmp_path, "one")
    export_of(tmp_path, "first", trained(tmp_path, "other"))
    said = nashc("estimate", RESNET18, "--weights", str(weights))
    assert said.code == 3 and "has no ranges.json beside it" in said.err
    assert f"python export.py --weights {weights} --out DIR" in said.err
    (tmp_path / "empty").mkdir()
    said = nashc("estimate", RESNET18, "--weights", str(tmp_path / "empty"))
    assert said.code == 3 and "`nashc run SPEC --to export` makes it" in said.err


def test_text_names_board_bottleneck_and_share(nashc):
    said = nashc("estimate", RESNET18)
    assert said.code == 0
    lines = said.out.splitlines()
    assert lines[0] == "resnet18 on U250 at 200 MHz, as finn-plus-1.6 estimates it;"
    assert any(line.startswith("of the board") and "15.2 %" in line for line in lines)
    assert "slowest     stem.conv" in lines
    assert "fits        yes" in lines


def test_a_board_that_is_too_small(nashc, tmp_path: Path):
    spec = tmp_path / "small.nash"
    spec.write_text(
        f'nash 1\n\nextends "{SPECS / "resnet18.nash"}"\n\ntarget {{\n  board = Pynq-Z1\n}}\n'
    )
    found = json.loads(nashc("estimate", str(spec), "--json").out)
    assert found["fits"] is False
    assert found["shares"]["bram18"] > 1


TOOLS = {"torch", "finn", "qonnx", "onnx", "brevitas"}
# Each of these takes tens of milliseconds, of the few hundred that a short command may take.
SLOW = {"jinja2", "networkx", "rich", "scipy"}
OF_SPECS = {"email", "importlib.metadata", "pydantic"}  # which loads the two others
OURS = {"nashc.driver.store", "nashc.emit", "nashc.fold", "nashc.report.page", "nashc.stages"}


@pytest.mark.parametrize(
    ("words", "left_out"),
    [
        (["estimate", RESNET18], TOOLS | SLOW | OURS),
        (["check", RESNET18], TOOLS | SLOW | (OURS - {"nashc.emit"}) | {"numpy", "nashc.cost"}),
        (["fmt", "--check", RESNET18], TOOLS | SLOW | OURS | OF_SPECS | {"numpy", "nashc.schema"}),
        (["--help"], TOOLS | SLOW | OURS | OF_SPECS | {"numpy", "lark", "nashc.diagnostics"}),
    ],
    ids=["estimate", "check", "fmt", "help"],
)
def test_a_short_command_loads_little(words: list[str], left_out: set[str]):
    code = (
        "import sys\nsys.argv = ['nashc', *sys.argv[1:]]\nimport nashc.cli\n"
        "try:\n    nashc.cli.main()\nexcept SystemExit:\n    pass\n"
        "print('loaded', *sorted(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *words], capture_output=True, text=True, check=True
    )
    assert left_out & set(done.stdout.splitlines()[-1].split()) == set()


def test_what_is_not_known_is_not_zero(nashc):
    said = nashc("estimate", RESNET18, "--model", "nashc", "--json")
    found = json.loads(said.out)
    by_op = {node["op"]: node for node in found["nodes"]}
    assert by_op["Pool_hls"]["lut"] is None
    assert by_op["MVAU_hls"]["lut"] > 0 and by_op["MVAU_rtl"]["lut"] > 0
    assert "Pool_hls" in found["not_counted"]["lut"]
    assert found["fits"] is None
    assert by_op["StreamingFIFO_rtl"]["folding"]["depth"] >= 2
    assert by_op["StreamingDataWidthConverter_rtl"]["lut"] > 0
    assert found["latency_ms"] < 4 and "at the same time" in found["latency_means"]
    text = nashc("estimate", RESNET18, "--model", "nashc").out
    assert "fits        as far as it is counted" in text


def test_the_option_names_all_models():
    from nashc.cost.models import MODELS

    assert tuple(MODELS) == MODEL_NAMES


def test_the_page_of_an_estimate(nashc, tmp_path: Path):
    said = nashc("estimate", RESNET18, "--html", "page.html")
    assert said.code == 0 and said.out.endswith("The page is page.html\n")
    text = (tmp_path / "page.html").read_text()
    assert "fits U250: at most BRAM18" in text and "before training" in text
    assert "http" not in text.replace("http://www.w3.org/2000/svg", "")
    assert "stem.conv" in text and "PE " in text
    found = json.loads(nashc("estimate", RESNET18, "--json").out)
    for layer in found["layers"]:
        assert layer["name"] in text
    assert nashc("estimate", RESNET18, "--html", "again.html", "--json").code == 0
    assert (tmp_path / "again.html").read_text() == text
    assert nashc("estimate", RESNET18, "--html", "page.html/below").code == 3


def test_the_page_adds_up_and_marks_what_is_not_known(tmp_path: Path):
    from nashc.cost.models import MODELS
    from nashc.driver.estimate import Question, answer
    from nashc.driver.estimate_page import estimate_figures, estimate_page

    for model in MODELS:
        found = answer(Question(Path(RESNET18), {}, model))
        figures = estimate_figures(found)
        for name in ("lut", "bram18", "uram", "dsp"):
            counts = [layer.counts[name] for layer in figures.layers]
            assert sum(count or 0 for count in counts) == found.found.total(name)
            # None alone stands for what is not known.
            by_name = {layer.name: getattr(layer, name) for layer in found.layers}
            assert counts == [by_name[layer.name] for layer in figures.layers]
        assert figures.at_least == tuple(found.found.not_counted)
        assert figures.fits is found.fits
        marked = {mark for layer in figures.layers for mark in layer.marks}
        assert ("unknown" in marked) == bool(found.found.not_counted)
        assert ("rtl_lut" in marked) == (model == "finn-plus-1.6")
        text = estimate_page(found)
        assert ("at least" in text) == ("not known" in text) == bool(found.found.not_counted)


def test_the_holes_are_those_of_the_build_program():
    from nashc.driver.estimate_page import HOLES

    text = (SPECS.parent / "templates" / "support" / "finn" / "estimates.py").read_text()
    [holes] = [
        ast.literal_eval(node.value)
        for node in ast.parse(text).body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "HOLES"
    ]
    assert {key: words for key, words in holes.items() if key != "latency"} == HOLES
