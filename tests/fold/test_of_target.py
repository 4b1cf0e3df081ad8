"""`folding = ...` in a spec: the programs, `nashc estimate` and `nashc fold` mean the same folding."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from nashc.cost.models import MODELS
from nashc.diagnostics import SpecError
from nashc.driver.estimate import Question, answer
from nashc.driver.folding import fold, fold_spec
from nashc.emit import project
from nashc.fold import exact
from nashc.lower import lower
from nashc.schema import load
from nashc.vocab.boards import BOARDS
from tests.paths import ROOT, SPECS

TARGET = "target {\n  board = ZCU102\n  clock = 100 MHz\n  folding = FOLDING\n}\n"


def spec_with(folder: Path, folding: str) -> Path:
    text = (SPECS / "own_backbone.nash").read_text(encoding="utf-8")
    path = folder / "own.nash"
    path.write_text(text[: text.index("target {")] + TARGET.replace("FOLDING", folding))
    return path


def build_settings(path: Path) -> dict:
    spec = load(path, {})
    return json.loads(project(spec, lower(spec))["settings/build.json"])


def test_optimal_reaches_the_programs_and_the_estimate(tmp_path: Path):
    path = spec_with(tmp_path, "optimal(lut = 9000, dsp = 400)")
    found = fold_spec(path, {}, None, None, None, None, None)
    assert found.wish.goal == "max-fps" and found.estimate.total("lut") <= 9000
    settings = build_settings(path)
    assert settings["folding"] == found.file()
    assert int(1e9 / settings["clock_ns"] / settings["target_fps"]) == found.estimate.cycles
    assert answer(Question(path, {}, "finn-plus-1.6")).found == found.estimate


def test_per_cent_are_of_the_board(tmp_path: Path):
    path = spec_with(tmp_path, "optimal(lut = 4 %)")
    found = fold_spec(path, {}, None, None, None, None, None)
    assert found.wish.budget["lut"] == 10_960


def test_a_file_is_read_beside_the_spec(tmp_path: Path):
    (tmp_path / "mine.json").write_text('{"stem.conv": {"PE": 2}}')
    path = spec_with(tmp_path, '"mine.json"')
    assert build_settings(path)["folding"] == {"stem.conv": {"PE": 2}}
    (row,) = (
        row
        for row in answer(Question(path, {}, "finn-plus-1.6")).found.nodes
        if row.node.name == "stem.conv"
    )
    assert row.folding.pe == 2


TWICE = """\
nash 1

block twice(out) {
  sum  = conv: conv 1x1(out) -> bn
  left = sum -> act
  add(left, sum) -> act
}

backbone net() {
  stem:   conv 3x3(8) -> bn -> act
  group0: twice(16)
  head:   avgpool -> fc: linear(classes)
}

network net {
  input    = UINT8 1x8x8
  classes  = 10
  backbone = net
}

"""


def trained(folder: Path, spec: Path) -> Path:
    """ranges.json of weights and sums that use little of their types, each batch norm with gains of both signs."""
    graph = lower(load(spec, {}))
    kinds = {"conv": "weights", "linear": "weights", "batchnorm": "signs"}
    layers = {
        node.name: {kinds[node.op]: [-1, 1], "accumulator": [-3, 3]}
        for node in graph.nodes
        if node.op in kinds
    }
    (folder / "ranges.json").write_text(json.dumps({"format": 1, "layers": layers}))
    return folder / "ranges.json"


def test_the_best_is_the_one_that_is_built_whatever_is_trained(tmp_path: Path):
    path = tmp_path / "net.nash"
    path.write_text(TWICE + TARGET.replace("FOLDING", "optimal(lut = 9000)"))
    built = build_settings(path)["folding"]
    rows = answer(Question(path, {}, "finn-plus-1.6", trained(tmp_path, path))).found.nodes
    told = {row.node.name: row.folding.attributes(row.node) for row in rows}
    # The sum is turned round first, by a node of its own, and then read twice.
    assert set(built) - set(told) == {"Defaults", "group0.block0.conv.fork"}
    new = {"stem.conv.bn", "stem.conv.act", "group0.block0.conv.bn", "group0.block0.conv.bn.fork"}
    assert set(told) - set(built) == new
    for name in set(told) - new:
        assert told[name] == {key: built[name].get(key, told[name][key]) for key in told[name]}


@pytest.mark.parametrize("folding", ["optimal", '"mine.json"'])
def test_every_model_has_figures_for_it(tmp_path: Path, folding: str):
    """FINN 0.9 has other nodes, all of them HLS: paddings, sliding windows, and a down-sampler before a strided 1x1."""
    (tmp_path / "mine.json").write_text('{"plain.first.window": {"SIMD": 2}}')
    path = spec_with(tmp_path, folding)
    path.write_text(path.read_text().replace("first: conv 3x3", "first: conv 1x1"))
    for model in MODELS:
        rows = answer(Question(path, {}, model)).found.nodes
        window = next(row for row in rows if row.node.name == "plain.first.window")
        assert folding == "optimal" or window.folding.simd == 2


@pytest.mark.parametrize(
    ("folding", "code"),
    [
        ("best", "NASH107"),
        ("3", "NASH104"),
        ("optimal(luts = 3)", "NASH110"),
        ("optimal(lut = -3)", "NASH105"),
        ("optimal(lut = 3)", "NASH461"),
        ('"missing.json"', "NASH120"),
    ],
)
def test_what_cannot_be_is_told(tmp_path: Path, folding: str, code: str):
    with pytest.raises(SpecError) as told:
        build_settings(spec_with(tmp_path, folding))
    assert [diagnostic.code for diagnostic in told.value.diagnostics] == [code]


def test_converters_count_when_asked_for(tmp_path: Path):
    """Together with its converters the folding takes no more than one that was chosen without a look at them."""
    path = spec_with(tmp_path, "optimal")
    wanted = (path, {}, "min-resources", 20000.0, "lut=9000,dsp=400", None, None)
    without = fold_spec(*wanted)
    counted = fold_spec(*wanted, with_converters=True)
    both = [found.estimate.total("lut") + found.converter_lut for found in (counted, without)]
    assert counted.answer.use[0] == both[0] <= 9000
    assert both[0] < both[1] and without.converter_lut > 0


@pytest.mark.parametrize(
    ("content", "words", "way_out"),
    [
        ('{"stem.con": {"PE": 2}}', "names a layer that the hardware does not have: stem.con", "did you mean `stem.conv`?"),
        ('{"stem.conv": {"PE": 3}}', "stem.conv: PE = 3 does not divide 8", "legal are 1, 2, 4, 8"),
        ('{"stem.conv": {"mem_mode": "external"}}', "stem.conv: mem_mode = external is no choice here", "legal are internal_decoupled, internal_embedded"),
        ('{"stem.conv": {"depth": 2}}', "stem.conv: MVAU_hls has no folding attribute depth", "it has PE, SIMD, ram_style, mem_mode, resType, ram_style_thresholds"),
        ('{"stem.conv": {"runtime_writeable_weights": true}}', "stem.conv: runtime_writeable_weights = True is no choice here", "legal are 0, 1"),
        ('{"narrow.block0.add.act": {"depth_trigger_bram": -1}}', "narrow.block0.add.act: depth_trigger_bram = -1 is no depth", "legal are 0 to 2147483647, 0 for none"),
        ('{"narrow.block0.add.act": {"depth_trigger_uram": "8"}}', 'narrow.block0.add.act: depth_trigger_uram = "8" is not a whole number', "legal are 0 to 2147483647"),
        ('{"stem.conv": {"pe": 2}}', "stem.conv: MVAU_hls has no folding attribute pe", "it has PE, SIMD, ram_style, mem_mode, resType, ram_style_thresholds"),
    ],
)  # fmt: skip
def test_a_file_that_does_not_fit_is_refused_with_the_spec(
    tmp_path: Path, content: str, words: str, way_out: str
):
    (tmp_path / "mine.json").write_text(content)
    path = spec_with(tmp_path, '"mine.json"')
    with pytest.raises(SpecError) as told:
        lower(load(path, {}))
    (diagnostic,) = told.value.diagnostics
    assert (diagnostic.code, diagnostic.help) == ("NASH454", way_out)
    assert diagnostic.message.removeprefix("the folding file").lstrip(": ") == words
    assert diagnostic.span and diagnostic.span.text == '"mine.json"'


DECOUPLED, EMBEDDED = ({"mem_mode": f"internal_{mode}"} for mode in ("decoupled", "embedded"))
WRITEABLE = {"runtime_writeable_weights": 1}
NO_CONSTANTS = "ram_style = ultra: only Versal's URAM can hold constants"
BESIDES = ', or "runtime_writeable_weights": 1 besides'


@pytest.mark.parametrize(
    ("board", "layer", "given", "words", "way_out"),
    [
        ("ZCU102", "stem.conv", {}, "ram_style = ultra: ZCU102 has no URAM", "legal are auto, block, distributed"),
        ("ZCU102", "stem.conv.window", {}, "ram_style = ultra: ZCU102 has no URAM", "legal are auto, block, distributed"),
        ("U250", "stem.conv", {}, NO_CONSTANTS, f"legal are auto, block, distributed{BESIDES}"),
        ("U250", "stem.conv", EMBEDDED, "", ""),
        ("U250", "stem.conv", WRITEABLE, "", ""),
        ("U250", "stem.conv.window", {}, "", ""),
        ("U250", "narrow.block0.add.act", DECOUPLED, NO_CONSTANTS, f"legal are distributed, block{BESIDES}"),
        ("U250", "narrow.block0.add.act", DECOUPLED | WRITEABLE, "", ""),
        ("U250", "narrow.block0.add.act", EMBEDDED | WRITEABLE, NO_CONSTANTS, "legal are distributed, block"),
        ("U250", "narrow.block0.add", DECOUPLED, NO_CONSTANTS, "legal are auto, block, distributed"),
        ("U250", "narrow.block0.add", EMBEDDED, "", ""),
        ("VCK190", "narrow.block0.add.act", DECOUPLED, "", ""),
    ],
)  # fmt: skip
def test_memory_in_uram_is_where_finn_can_make_it(
    tmp_path: Path, board: str, layer: str, given: dict, words: str, way_out: str
):
    (tmp_path / "mine.json").write_text(json.dumps({layer: {"ram_style": "ultra", **given}}))
    path = spec_with(tmp_path, '"mine.json"')
    text = path.read_text().replace("ZCU102", board)
    path.write_text(f"{text}\nfinn {{\n  prefer = hls\n}}\n")
    if not words:
        lower(load(path, {}))
        return
    with pytest.raises(SpecError) as told:
        lower(load(path, {}))
    (diagnostic,) = told.value.diagnostics
    assert diagnostic.message == f"the folding file: {layer}: {words}"
    assert diagnostic.help == way_out


@pytest.mark.parametrize(
    ("goal", "fps", "budget"),
    [
        (None, None, "lut=10"),
        (None, None, "dsp=0,bram18=0,lut=50"),
        ("min-resources", 1000.0, "bram18=0,lut=10"),
        ("min-latency", 1000.0, "lut=1%"),
    ],
    ids=str,
)
def test_the_way_out_that_is_told_leads_out(
    tmp_path: Path, goal: str | None, fps: float | None, budget: str
):
    path = spec_with(tmp_path, "optimal")
    with pytest.raises(SpecError) as told:
        fold_spec(path, {}, goal, fps, budget, None, None)
    (diagnostic,) = told.value.diagnostics
    assert diagnostic.code == "NASH461" and diagnostic.help
    enough = re.search(r"a budget of (\S+)", diagnostic.help)
    assert enough, diagnostic.help
    found = fold_spec(path, {}, goal, fps, enough[1], None, None)
    assert fps is None or found.estimate.fps >= fps


WIDE = {
    "stem.conv": ({"PE": 1200}, "stem.conv: a stream of 9600 bits, HLS takes 8191", '"stem.conv": {"PE": 600, "SIMD": 1}'),
    "group0.conv": ({"PE": 4, "SIMD": 1200}, "group0.conv: a stream of 9600 bits, HLS takes 8191", '"group0.conv": {"PE": 6, "SIMD": 675}'),
    "stem.maxpool": ({"PE": 4}, "stem.maxpool and the window before it must work alike: PE = 4, SIMD = 5", '"stem.maxpool.window": {"SIMD": 4}'),
    "group0.conv.window": ({"SIMD": 600, "parallel_window": 1}, "group0.conv.window: a parallel window takes all channels of a convolution at once", '"group0.conv.window": {"SIMD": 1200, "parallel_window": 1}'),
}  # fmt: skip


@pytest.mark.parametrize("name", WIDE)
def test_foldings_that_could_not_be_built_are_refused_with_the_spec(tmp_path: Path, name: str):
    attributes, words, way_out = WIDE[name]
    wide = (ROOT / "tests" / "cost" / "wide.nash").read_text()
    (tmp_path / "wide.nash").write_text(wide.replace("fps ", 'folding = "mine.json"\n  fps '))
    (tmp_path / "mine.json").write_text(json.dumps({name: attributes}))
    with pytest.raises(SpecError) as told:
        lower(load(tmp_path / "wide.nash", {}))
    (diagnostic,) = told.value.diagnostics
    assert (diagnostic.code, diagnostic.help) == ("NASH454", way_out)
    assert diagnostic.message == f"the folding file: {words}"
    assert diagnostic.span and diagnostic.span.text == '"mine.json"'
    # The way out is one.
    (tmp_path / "mine.json").write_text(
        json.dumps({name: attributes} | json.loads(f"{{{way_out}}}"))
    )
    lower(load(tmp_path / "wide.nash", {}))


def test_the_budget_that_is_told_is_the_smallest_on_the_board(tmp_path: Path):
    """The nearest takes 16 BRAM18, the board has three: with those the least of what was asked for is told."""
    spec = load(spec_with(tmp_path, "optimal"), {})
    board = BOARDS["ZCU102"]
    board = replace(board, resources=replace(board.resources, bram18=3))
    with pytest.raises(SpecError) as told:
        fold(spec, budget="lut=100", board=board)
    enough = re.match(r"a budget of lut=(\d+) is enough", told.value.diagnostics[0].help)
    assert enough
    found = fold(spec, budget=f"lut={enough[1]}", board=board)
    assert found.estimate.total("bram18") <= 3
    with pytest.raises(SpecError):
        fold(spec, budget=f"lut={int(enough[1]) - 1}", board=board)


def test_of_what_the_board_has_not_there_is_no_budget(tmp_path: Path):
    path = spec_with(tmp_path, "optimal")
    with pytest.raises(SpecError) as told:
        fold_spec(path, {}, None, None, "lut=50%,uram=8", None, None)
    (diagnostic,) = told.value.diagnostics
    assert diagnostic.message == "ZCU102 has no uram to have a budget of"
    assert diagnostic.help == "leave it out, or uram=0"
    assert fold_spec(path, {}, None, None, "lut=50%,uram=0", None, None).estimate.total("uram") == 0


def test_another_board_must_take_the_clock(tmp_path: Path):
    path = spec_with(tmp_path, "optimal")
    path.write_text(path.read_text().replace("ZCU102", "U250").replace("100 MHz", "400 MHz"))
    with pytest.raises(SpecError) as told:
        fold_spec(path, {}, None, None, None, BOARDS["ZCU102"], None)
    (diagnostic,) = told.value.diagnostics
    assert (diagnostic.code, diagnostic.help) == ("NASH105", "clock = 333 MHz")
    assert (
        diagnostic.message == "ZCU102 takes clocks from 6 to 333 MHz, and this is 400 MHz"
        and diagnostic.span
        and diagnostic.span.text == "400 MHz"
    )


def test_a_rate_below_one_that_is_told_can_be_asked_for(tmp_path: Path):
    spec = load(spec_with(tmp_path, "optimal"), {})
    assert spec.target
    board = replace(BOARDS["ZCU102"], clock_mhz=None)
    slow = replace(spec, target=spec.target.model_copy(update={"clock": 1e7}))
    with pytest.raises(SpecError) as told:
        fold(slow, fps=3.0, board=board)
    rate = re.search(r"--fps (\S+),", told.value.diagnostics[0].help)
    assert rate and 0 < float(rate[1]) < 1
    assert fold(slow, fps=float(rate[1]), board=board).estimate.fps >= float(rate[1])


def test_what_prices_prove_not_to_fit_is_searched_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """For the nearest choice that is told: not for the smallest share before it, nor at a slower rate behind it."""
    asked, search = [], exact.least_stretch

    def counted(*args, **options):
        asked.append(args)
        return search(*args, **options)

    monkeypatch.setattr(exact, "least_stretch", counted)
    with pytest.raises(SpecError):
        fold_spec(spec_with(tmp_path, "optimal"), {}, "min-resources", 1000.0, "lut=10", None, None)
    assert len(asked) == 1
