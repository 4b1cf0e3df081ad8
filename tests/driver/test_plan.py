"""What a run would do, and why."""

from __future__ import annotations

import re
import sys

import pytest

from nashc.diagnostics import SpecError
from nashc.driver.plan import Plan, make_plan
from nashc.driver.plan_text import plan_lines, target_words
from nashc.driver.why import explain_stage
from tests.driver.lab import QUICKSTART, Lab

NO_VIVADO = ("synthesise", "cannot", "Vivado not found (needs 2022.2 or later)")


def rows(plan: Plan) -> list[tuple[str, str, str]]:
    return [(row.stage, row.action, row.why) for row in plan.rows]


def test_everything_is_to_be_done_at_first(lab: Lab):
    assert rows(lab.plan()) == [
        ("compile", "run", "not written yet"),
        ("search", "run", "no result yet"),
        ("train", "after", "after search"),
        ("export", "after", "after train"),
        ("verify", "after", "after export"),
        ("estimate", "after", "after export"),
        NO_VIVADO,
    ]
    assert not lab.out.exists()


def test_a_plan_on_the_screen(lab: Lab):
    request = lab.request()
    assert plan_lines(lab.plan(), request) == [
        f"quickstart  {lab.spec} -> {lab.out}",
        "target      Pynq-Z1, 10 ns (100 MHz), 10,000 fps asked for, weight streams up to 10000 bits",
        "",
        "compile     run     not written yet",
        "search      run     no result yet",
        "train       after   after search",
        "export      after   after train",
        "verify      after   after export",
        "estimate    after   after export",
        "synthesise  cannot  NASH503 Vivado not found (needs 2022.2 or later)",
        "",
        "help: nashc run prints the command for a machine that has it; the output folder is all it needs",
    ]


def test_an_output_folder_that_cannot_be_written(lab: Lab):
    (lab.folder / "file").touch()
    out = lab.folder / "file" / "out"
    request = lab.request(out=out)
    told = f"NASH401 the output folder {out} cannot be written: not a directory ({out.parent})"
    lines = plan_lines(make_plan(request), request)
    assert lines[3] == f"compile     cannot  {told}"
    assert "help: choose another folder with -o" in lines
    assert lines[-1].startswith("nashc run would stop before it begins")
    assert explain_stage(request, "train").lines()[1:3] == [
        told,
        "help: choose another folder with -o",
    ]


def test_an_edited_file_is_told_before_anything_runs(lab: Lab):
    lab.run()
    with (lab.out / "train.py").open("a") as file:
        file.write("# of mine\n")
    plan = lab.plan()
    assert rows(plan)[0] == (
        "compile",
        "cannot",
        f"train.py in {lab.out} was edited since nashc wrote it",
    )
    assert [problem.code for problem in plan.fatal] == ["NASH402"]
    assert rows(lab.plan(overwrite=True))[0] == ("compile", "run", "train.py changes")


def test_the_rate_of_an_optimal_folding_was_not_asked_for(lab: Lab):
    fix_genotype(lab)
    lab.edit("fps   = 10000", "fps   = 10000\n  folding = optimal")
    words = target_words(lab.plan().target)
    assert re.fullmatch(r"Pynq-Z1, 10 ns \(100 MHz\), folded for [\d,]+\.\d\d? fps, .*", words)


def test_a_fixed_genotype_needs_no_search(lab: Lab):
    fix_genotype(lab)
    assert [row.stage for row in lab.plan().rows][:3] == ["compile", "train", "export"]
    assert rows(lab.plan())[1] == ("train", "run", "no result yet")


def test_missing_tools_are_named_before_anything_runs(lab: Lab):
    del lab.versions["finn-plus"], lab.versions["brevitas"]
    plan = lab.plan()
    found = {row.stage: row.why for row in plan.rows if row.action == "cannot"}
    assert list(found) == ["search", "train", "export", "verify", "estimate", "synthesise"]
    assert found["search"].startswith("brevitas is missing in ")
    assert found["verify"].startswith("brevitas and finn-plus are missing in ")
    [problem] = plan.fatal
    assert problem.code == "NASH503"
    assert problem.message.startswith("brevitas and finn-plus are missing in ")
    assert problem.help.startswith(f"{sys.executable} -m pip install 'nashc[all]', ")
    with pytest.raises(SpecError, match="NASH503"):
        lab.run()
    assert lab.called() == []


def test_what_ends_before_the_gap_can_run(lab: Lab):
    del lab.versions["finn-plus"]
    assert lab.plan(last="export").fatal == ()


def test_a_missing_data_set_is_named_before_anything_runs(lab: Lab):
    lab.edit("  data      = digits", '  data      = folder("images")')
    plan = lab.plan()
    [problem] = plan.fatal
    assert problem.code == "NASH502"
    assert problem.message == f"there is no data set at {lab.folder / 'images'}"
    assert problem.span and problem.span.text == 'folder("images")'
    (lab.folder / "images").mkdir()
    assert lab.plan().fatal == ()


def test_data_given_on_the_command_line_goes_first(lab: Lab):
    lab.edit("  data      = digits", '  data      = folder("images")')
    elsewhere = lab.folder / "elsewhere"
    elsewhere.mkdir()
    assert lab.plan(data=elsewhere).fatal == ()
    lab.environment["NASHC_DATA"] = str(elsewhere)
    (elsewhere / "images").mkdir()
    assert lab.plan().fatal == ()


def test_from_needs_the_results_before_it(lab: Lab):
    plan = lab.plan(first="export")
    [problem] = plan.fatal
    assert problem.code == "NASH501"
    assert problem.message == "--from export takes the result of search as it is, and there is none"
    lab.run(last="train")
    assert lab.plan(first="export").fatal == ()


def test_without_a_target_there_is_nothing_to_estimate(lab: Lab):
    text = lab.spec.read_text()
    lab.spec.write_text(text[: text.index("target {")])
    plan = lab.plan()
    assert plan.fatal == ()
    estimate = plan.rows[-2]
    assert (estimate.stage, estimate.action) == ("estimate", "cannot")
    assert estimate.why == "estimate needs the section `target`, which the spec has not"
    assert lab.run().results["verify"]


def test_a_variant_shares_the_search(lab: Lab):
    lab.spec.write_text(QUICKSTART.read_text())
    [variant] = lab.plan().compare
    assert variant.label == "bits-w2a2"
    assert rows(variant)[:3] == [
        ("compile", "run", "not written yet"),
        ("search", "after", "with the same stage above"),
        ("train", "after", "after search"),
    ]
    assert "synthesise" not in [row.stage for row in variant.rows]


def test_a_variant_equal_to_the_spec_is_left_out(lab: Lab):
    lab.spec.write_text(QUICKSTART.read_text())
    assert lab.plan(overrides={"bits": "w2a2"}).compare == ()


@pytest.mark.parametrize(
    ("options", "message", "help_text"),
    [
        (
            {"last": "mynet.nash"},
            "there is no stage `mynet.nash`",
            "a stage is asked for here, and a spec comes behind it; the stages are search, derive, train,",
        ),
        ({"last": "trian"}, "there is no stage `trian`", "did you mean `train`?"),
        (
            {"force": frozenset({"x"})},
            "there is no stage `x`",
            "the stages are search, derive, train",
        ),
        ({"first": "verify", "last": "train"}, "verify comes after train", "the order is search"),
    ],
)
def test_stages_that_make_no_sense(lab: Lab, options: dict, message: str, help_text: str):
    with pytest.raises(SpecError) as caught:
        lab.plan(**options)
    [problem] = caught.value.diagnostics
    assert (problem.code, problem.message) == ("NASH505", message)
    assert problem.help.startswith(help_text)


def fix_genotype(lab: Lab) -> None:
    from tests.driver.stand_in import GENOTYPE

    lab.spec.write_text(lab.spec.read_text() + "\n" + GENOTYPE)
