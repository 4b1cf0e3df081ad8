"""The commands as a user meets them: what they print, what they leave, how they end."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from nashc.cli.common import (
    FAILED,
    INCOMPLETE,
    INTERRUPTED,
    OUR_BUG,
    SPEC_ERROR,
    USAGE,
    is_coloured,
)
from tests.paths import ALL_SPECS, SPECS

COMMANDS = (
    "boards",
    "check",
    "compile",
    "completion",
    "doctor",
    "estimate",
    "explain",
    "fmt",
    "fold",
    "new",
    "pareto",
    "plan",
    "report",
    "run",
    "show",
    "why",
)
BROKEN = 'nash 1\n\nnetwork x {\n  inptu = UINT8 1x8x8\n  classes = 10\n  backbone = "a"\n}\n'


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    return Path(shutil.copy(SPECS / "quickstart.nash", tmp_path / "quickstart.nash"))


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example(nashc, command: str):
    said = nashc(command, "--help")
    assert said.code == 0
    assert f"Usage: nashc {command}" in said.out
    assert "Example" in said.out and f"nashc {command}" in said.out.split("Example")[1]


def test_the_commands_are_these(nashc):
    listed = nashc("--help").out.split("Commands:\n")[1].split("\n\n")[0].splitlines()
    assert tuple(line.split()[0] for line in listed) == COMMANDS


def test_the_exit_codes_are_told(nashc):
    told = " ".join(nashc("--help").out.split("Exit codes:")[1].split())
    codes = [int(word) for word in re.findall(r"\b[0-9]+\b", told)]
    assert codes == [0, SPEC_ERROR, USAGE, FAILED, OUR_BUG, INTERRUPTED]
    assert SPEC_ERROR == INCOMPLETE  # told as one


def test_version(nashc):
    assert nashc("--version").out == "nashc, version 0.1.0\n"


@pytest.mark.parametrize(
    "words",
    [
        ("check", ""),
        ("fmt", ""),
        ("new", ""),
        ("compile", "-o", ""),
        ("run", "-o", ""),
        ("run", "--data", ""),
        ("report", "--html", ""),
        ("estimate", "--html", ""),
        ("estimate", "--folding", ""),
        ("fold", "-o", ""),
        ("fold", "--weights", ""),
        ("pareto", "-o", ""),
    ],
)
def test_an_empty_path_is_wrong_usage(nashc, spec: Path, tmp_path: Path, words: tuple[str, ...]):
    said = nashc(*words)
    assert said.code == 2 and said.err.endswith(": an empty text names no file and no folder\n")
    assert list(tmp_path.iterdir()) == [spec]


# ---- check and fmt ----------------------------------------------------------------------------------


def test_check_of_good_specs(nashc):
    said = nashc("check", *map(str, ALL_SPECS))
    assert said.code == 0
    assert len(said.out.splitlines()) == len(ALL_SPECS)


def test_check_reports_all_mistakes_of_all_files(nashc, tmp_path: Path):
    (tmp_path / "a.nash").write_text(BROKEN)
    (tmp_path / "b.nash").write_text("nash 1\n\nnetwork x {\n")
    said = nashc("check", "a.nash", "b.nash", "missing.nash")
    assert said.code == 1
    for place in ("a.nash:4:3", "b.nash:3:11", "missing.nash"):
        assert place in said.err


def test_check_as_json(nashc, tmp_path: Path):
    (tmp_path / "a.nash").write_text(BROKEN)
    said = nashc("check", "a.nash", str(SPECS / "resnet18.nash"), "--json")
    found = json.loads(said.out)
    assert said.code == 1 and said.err == ""
    assert [row["ok"] for row in found["files"]] == [False, True]
    assert {row["file"] for row in found["diagnostics"]} == {"a.nash"}


def test_check_takes_parameters(nashc):
    said = nashc("check", str(SPECS / "resnet18.nash"), "--set", "bits=w9a9")
    assert said.code == 1 and "NASH11" in said.err


def test_check_looks_at_what_a_spec_compares_with(nashc, spec: Path):
    text = spec.read_text(encoding="utf-8").replace("param", "param wide: int = 16\nparam", 1)
    text = text.replace("tiny(width = 16)", "tiny(width = wide)").replace("bits = w2a2", "wide = 0")
    spec.write_text(text, encoding="utf-8")
    said = nashc("check", str(spec))
    assert said.code == SPEC_ERROR
    assert "compared with wide = 0: `out` must be at least 1, and this is 0" in said.err


@pytest.mark.parametrize("command", ["compile", "run"])
def test_a_spec_is_no_folder_for_its_project(nashc, spec: Path, command: str):
    said = nashc(command, str(spec), "-o", str(spec))
    assert said.code == 3
    assert said.err.startswith(
        f"NASH401: the output folder {spec} cannot be written: not a directory"
    )


@pytest.mark.parametrize("words", [("fold", "-o"), ("estimate", "--html")], ids=lambda w: w[0])
@pytest.mark.parametrize("name", ["SPEC", "link.nash"])
def test_an_answer_is_not_written_over_the_spec(
    nashc, spec: Path, tmp_path: Path, words: tuple[str, str], name: str
):
    before = spec.read_text(encoding="utf-8")
    (tmp_path / "link.nash").symlink_to(spec)
    place = spec if name == "SPEC" else tmp_path / name
    said = nashc(words[0], str(spec), words[1], str(place))
    assert said.code == 3
    assert said.err.startswith(f"NASH401: {place} cannot be written: it is what this command reads")
    assert spec.read_text(encoding="utf-8") == before


@pytest.mark.parametrize("given", ["bits", "=w2a2", "bits="])
def test_a_parameter_without_value_is_wrong_usage(nashc, spec: Path, given: str):
    said = nashc("check", str(spec), "--set", given)
    assert said.code == 2 and "is not NAME=VALUE" in said.err


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "the file is empty"),
        ("\n ;\n", "the file is empty"),
        ("# a network, some day\n", "the file holds nothing but comments"),
    ],
)
def test_a_file_without_a_spec(nashc, spec: Path, text: str, told: str):
    spec.write_text(text)
    assert nashc("check", str(spec)).err.startswith(f"NASH003: {told}\n")


def test_standard_input_by_its_other_name(nashc):
    told = nashc("check", "-").err.splitlines()
    assert told[:2] == [
        "NASH001: cannot read -: there is no such file",
        "help: standard input is called /dev/stdin",
    ]


def test_a_parameter_is_set_once(nashc, spec: Path):
    assert nashc("check", str(spec), *["--set", "bits=w2a2"] * 2).code == 0
    said = nashc("check", str(spec), "--set", "bits=w2a2", "--set", "bits=w4a4")
    assert said.code == 2 and "'bits' is set twice: to 'w2a2' and to 'w4a4'" in said.err


@pytest.mark.parametrize("given", ["[w2a2]", "w2a2,w4a4", "4"])
def test_a_parameter_is_told_what_it_was_given(nashc, spec: Path, given: str):
    lines = nashc("check", str(spec), "--set", f"bits={given}").err.splitlines()
    needs = "needs bit widths from 1 to 8, such as w2a2, and was given"
    assert lines[0] == f"NASH114: parameter `bits` {needs} `{given}`"
    assert lines[-2].startswith("help: one value, such as w2a2, w8 or a4; several are for nashc p")


def test_fmt_checks_shows_and_changes(nashc, spec: Path):
    nashc("fmt", str(spec))
    neat = spec.read_text()
    assert nashc("fmt", "--check", str(spec)).code == 0
    spec.write_text(neat.replace("  classes  = 10", "     classes=10"))
    said = nashc("fmt", "--check", "--diff", str(spec))
    assert said.code == 1 and "-     classes=10" in said.out and "would reformat" in said.err
    assert nashc("fmt", str(spec)).out == f"reformatted {spec}\n"
    assert spec.read_text() == neat


def test_fmt_goes_on_behind_a_broken_file(nashc, spec: Path, tmp_path: Path):
    (tmp_path / "broken.nash").write_text("nash 1\nnetwork {{\n")
    nashc("fmt", str(spec))
    spec.write_text(spec.read_text().replace("  classes  = 10", "     classes=10"))
    said = nashc("fmt", "broken.nash", str(spec))
    assert said.code == 1 and "broken.nash:2" in said.err
    assert said.out == f"reformatted {spec}\n"


def _fmt_of(stdin: str, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    command = f"{sys.executable} -m nashc fmt - {stdin}"
    return subprocess.run(command, shell=True, input=given, capture_output=True, check=False)


def test_fmt_of_standard_input(spec: Path):
    done = _fmt_of("", spec.read_bytes())
    assert done.returncode == 0 and done.stdout.startswith(b"# A small NASH net")
    done = _fmt_of("", "nash 1\n# é\n".encode("latin-1"))
    assert done.returncode == 1 and done.stderr.startswith(b"NASH002: the file is not UTF-8")
    done = _fmt_of("<&-")
    assert done.returncode == 1
    assert done.stderr.startswith(b"NASH001: cannot read <stdin>: it is closed\n")


# ---- which spec -------------------------------------------------------------------------------------


def test_the_only_spec_of_the_folder_is_meant(nashc, spec: Path):
    assert nashc("check").out == "quickstart.nash: fine, 48 layers\n"


def test_several_specs_are_listed(nashc, spec: Path, tmp_path: Path):
    (tmp_path / "other.nash").write_text(BROKEN)
    said = nashc("run")
    assert said.code == 2
    assert "NASH504" in said.err and "other.nash, quickstart.nash" in said.err


def test_an_empty_folder_says_how_to_begin(nashc):
    said = nashc("plan")
    assert said.code == 2 and "nashc new mynet.nash" in said.err


def test_commands_that_are_told_can_be_pasted(nashc, spec: Path, tmp_path: Path):
    said = nashc("new", "a b.nash")
    assert said.out == (
        "wrote a b.nash\nnext: nashc check 'a b.nash', nashc plan 'a b.nash', nashc run 'a b.nash'\n"
    )
    assert "name one, for example 'a b.nash'\n" in nashc("check").err
    assert "help: nashc run 'a b.nash' --to estimate\n" in nashc("report", "a b.nash").err
    assert "`nashc run 'a b.nash' --to search`" in nashc("estimate", "a b.nash").err
    spec.rename(tmp_path / "-q.nash")
    assert "`nashc run ./-q.nash --to search`" in nashc("estimate", "--", "-q.nash").err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ("show", "--as", "svg", "--json"),
            "--json goes with --as spec and --as plan, not with svg",
        ),
        (("show", "--locations"), "--locations goes with --as ir"),
        (
            ("show", "--as", "ast", "--set", "bits=w2a2"),
            "--as ast shows the text as it is, without",
        ),
        (("boards", "U250", "--json", "--toml"), "--json and --toml are two forms; leave one out"),
        (
            ("pareto", "--plan", "--kept"),
            "--plan tells what would run, and with --kept nothing does",
        ),
    ],
)
def test_no_option_is_passed_over(nashc, spec: Path, words: tuple[str, ...], message: str):
    said = nashc(*words)
    assert (said.code, said.out) == (2, "") and message in said.err


@pytest.mark.parametrize(
    ("words", "message", "help_text"),
    [
        (
            ("--to", "train", "--force", "export"),
            "--force export lies behind --to train: it would not run",
            "--to export, or leave --force export out",
        ),
        (
            ("--from", "export", "--force", "train"),
            "--force train lies before --from export: it would not run",
            "--from train, or leave --force train out",
        ),
        (
            ("--force", "derive"),
            "quickstart has no stage derive that --force could run",
            "its stages are search, train, export, verify, estimate, synthesise",
        ),
    ],
)
def test_a_stage_is_forced_where_it_runs(nashc, spec: Path, words, message: str, help_text: str):
    for command in ("plan", "run"):
        said = nashc(command, *words)
        assert said.code == 2
        assert said.err.splitlines()[:2] == [f"NASH505: {message}", f"help: {help_text}"]


def test_a_data_folder_that_nothing_reads(nashc, spec: Path):
    for words in (("plan",), ("run",), ("why", "train", str(spec))):
        said = nashc(*words, "--data", "/nosuch")
        assert said.code == 3
        assert said.err.splitlines()[:2] == [
            "NASH502: no stage reads the folder of --data: digits come with scikit-learn",
            "  quickstart.nash:37:15",
        ]


# ---- compile and plan -------------------------------------------------------------------------------


def test_compile_writes_and_tells(nashc, spec: Path, tmp_path: Path):
    said = nashc("compile")
    assert said.code == 0
    assert "wrote build/quickstart/supernet.py\n" in said.out
    assert said.out.endswith("`nashc run` searches it and writes the model\n")
    written = {line.removeprefix("wrote ") for line in said.out.splitlines() if "wrote" in line}
    on_disk = {str(p.relative_to(tmp_path)) for p in (tmp_path / "build").rglob("*") if p.is_file()}
    shared = {name for name in on_disk if name.startswith("build/quickstart/support/")}
    assert written == on_disk - shared | {f"build/quickstart/support/ ({len(shared)} files)"}
    assert "nothing changed" in nashc("compile").out


def test_compile_as_json(nashc):
    said = nashc("compile", str(SPECS / "resnet18_v3.nash"), "-o", "out", "--json")
    found = json.loads(said.out)
    assert found["ok"] and found["folder"] == "out" and "model.py" in found["written"]
    assert not found["lacks_genotype"]


def test_compile_does_not_overwrite_an_edited_file(nashc, spec: Path, tmp_path: Path):
    nashc("compile")
    edited = tmp_path / "build" / "quickstart" / "supernet.py"
    edited.write_text("mine\n")
    said = nashc("compile")
    assert said.code == 3 and "NASH402" in said.err and edited.read_text() == "mine\n"
    said = nashc("compile", "--force")
    assert said.code == 0 and "kept your supernet.py as" in said.out


def test_an_output_folder_that_cannot_be_written(nashc, spec: Path, tmp_path: Path):
    (tmp_path / "file").write_text("")
    for command in ("compile", "run"):
        said = nashc(command, "-o", "file/below")
        assert said.code == 3 and "NASH401" in said.err


def test_a_spec_with_mistakes_leaves_nothing_behind(nashc, tmp_path: Path):
    (tmp_path / "a.nash").write_text(BROKEN)
    for command in ("compile", "plan", "run"):
        assert nashc(command, "a.nash").code == 1
    assert [path.name for path in tmp_path.iterdir()] == ["a.nash"]


def test_plan_as_json(nashc, spec: Path):
    found = json.loads(nashc("plan", "--json").out)
    assert [row["stage"] for row in found["stages"]][:3] == ["compile", "search", "train"]
    assert found["target"]["board"] == "Pynq-Z1"
    assert nashc("show", "--as", "plan").out == nashc("plan").out


def test_an_unknown_stage(nashc, spec: Path):
    said = nashc("run", "--to", "trian")
    assert said.code == 2
    assert "NASH505" in said.err and "did you mean `train`?" in said.err


def test_an_interpreter_that_is_none(nashc, spec: Path):
    said = nashc("run", "--python", "no-such-python")
    assert said.code == 3
    assert "NASH503" in said.err and "no-such-python" in said.err


def test_an_interpreter_without_torch(nashc, spec: Path, tmp_path: Path):
    bare = tmp_path / "bare"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(bare)], check=True)
    python = str(bare / "bin" / "python")
    said = nashc("run", "--python", python)
    assert said.code == 3
    assert "torch, safetensors, brevitas, scikit-learn, onnx, qonnx and finn-plus are" in said.err
    assert said.err.count("NASH503:") == 1 and f"missing in {python}" in said.err
    assert "pip install 'nashc[all]'" in said.err
    assert not (tmp_path / "build").exists()


def test_why(nashc, spec: Path):
    said = nashc("why", "search")
    assert said.code == 0
    assert said.out.startswith("search: run, no result yet\nkey          ")
    assert "  programs   search.py, supernet.py, support/__init__.py" in said.out


# ---- the others -------------------------------------------------------------------------------------


@pytest.mark.parametrize("template", ["digits", "resnet18", "backbone"])
def test_new_writes_a_spec_that_is_fine(nashc, tmp_path: Path, template: str):
    said = nashc("new", "my-net", "--template", template)
    assert said.code == 0 and said.out.startswith("wrote my-net.nash\n")
    assert "network my_net {" in (tmp_path / "my-net.nash").read_text()
    assert nashc("check", "my-net.nash").code == 0
    assert nashc("fmt", "--check", "my-net.nash").code == 0


def test_new_overwrites_nothing(nashc, spec: Path):
    before = spec.read_text()
    said = nashc("new", "quickstart.nash")
    assert said.code == 2 and "is there already" in said.err
    assert spec.read_text() == before


@pytest.mark.parametrize(
    ("form", "begins"),
    [("spec", "param.bits"), ("ir", "nir 1\ngraph quickstart\n"), ("dot", "digraph"), ("svg", "<")],
)
def test_show(nashc, spec: Path, form: str, begins: str):
    said = nashc("show", "--as", form)
    assert said.code == 0 and said.out.startswith(begins)


def test_show_the_tree(nashc, spec: Path):
    said = nashc("show", "--as", "ast")
    assert said.code == 0 and "quickstart" in said.out


def test_boards(nashc):
    assert "U250         1,500,000  3,000,000   4,608" in nashc("boards").out
    found = json.loads(nashc("boards", "VCK190", "--json").out)
    assert found["resources"]["uram"] == 463
    assert len(json.loads(nashc("boards", "--json").out)) == 19
    assert nashc("boards", "U250", "--toml").out.startswith('name = "U250"')
    unknown = nashc("boards", "U251")
    assert unknown.code == 1 and "did you mean" in unknown.err


def test_a_board_of_the_user(nashc, tmp_path: Path):
    own = tmp_path / "own.toml"
    text = nashc("boards", "U250", "--toml").out.replace('name = "U250"', 'name = "Mine"')
    own.write_text(text)
    assert nashc("boards", str(own)).out.startswith("Mine\n  part       xcu250")
    assert nashc("boards", str(own), "--toml").out == text
    own.write_text(text.replace("lut = 1500000", 'lut = "many"'))
    wrong = nashc("boards", str(own))
    assert wrong.code == 1
    assert "NASH104: `lut` needs a whole number" in wrong.err and "own.toml:" in wrong.err
    gone = nashc("boards", str(tmp_path / "gone.toml"))
    assert gone.code == 1 and "NASH120" in gone.err and "there is no such file" in gone.err


def test_doctor_as_json(nashc):
    found = json.loads(nashc("doctor", "--json").out)
    assert found["nashc"] == "0.1.0"
    assert set(found["stages"]) == {
        "search",
        "derive",
        "train",
        "export",
        "verify",
        "estimate",
        "synthesise",
    }
    assert found["commands"]["fold"] == {"can_run": True, "lacks": []}


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion(nashc, shell: str):
    said = nashc("completion", shell)
    assert said.code == 0 and "_NASHC_COMPLETE" in said.out


def test_stages_are_completed():
    words = {
        "_NASHC_COMPLETE": "bash_complete",
        "COMP_WORDS": "nashc run --to e",
        "COMP_CWORD": "3",
    }
    completed = subprocess.run(
        [sys.executable, "-m", "nashc"],
        env={**os.environ, **words},
        capture_output=True,
        text=True,
        check=False,
    )
    assert completed.stdout.splitlines() == ["plain,export", "plain,estimate"]


def test_our_own_mistake_is_no_traceback(nashc, monkeypatch, tmp_path: Path):
    def broken(*_: object) -> None:
        raise ZeroDivisionError("division by zero")

    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    monkeypatch.setattr("nashc.driver.check.check", broken)
    (tmp_path / "a.nash").write_text(BROKEN)
    said = nashc("check", "a.nash")
    assert said.code == 4
    assert said.err.startswith("NASH900: internal error: ZeroDivisionError: division by zero\n")
    assert "Traceback" not in said.err
    [crash] = tmp_path.glob("nashc-crash-*.txt")
    assert "Traceback" in crash.read_text()


def test_our_own_mistake_where_nothing_can_be_written(nashc, monkeypatch, tmp_path: Path):
    def broken(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device", "/tmp/crash")

    monkeypatch.setattr("nashc.driver.check.check", lambda *_: 1 / 0)
    monkeypatch.setattr("tempfile.NamedTemporaryFile", broken)
    (tmp_path / "a.nash").write_text(BROKEN)
    said = nashc("check", "a.nash")
    assert said.code == 4
    assert said.err == (
        "NASH900: internal error: ZeroDivisionError: division by zero\n"
        "This is a bug in nashc, not in your spec. Please report it with the command that you gave\n"
    )


def test_colour_only_on_a_terminal(nashc, monkeypatch, tmp_path: Path):
    (tmp_path / "a.nash").write_text(BROKEN)
    assert "\x1b" not in nashc("check", "a.nash").err
    terminal = io.StringIO()
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    assert is_coloured(terminal)
    for name, value in (("TERM", "dumb"), ("NO_COLOR", "1")):
        with monkeypatch.context() as patch:
            patch.setenv(name, value)
            assert not is_coloured(terminal)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere names of files are text")
def test_a_file_whose_name_is_no_text(spec: Path):
    name = str(spec.parent).encode() + b"/caf\xe9.nash"
    spec.rename(os.fsdecode(name))

    def said(command: str) -> subprocess.CompletedProcess[bytes]:
        words = [sys.executable, "-m", "nashc", command, name, "--set", "bits=w2a2"]
        environment = {**os.environ, "PYTHONIOENCODING": "utf-8:strict"}  # of most languages
        return subprocess.run(words, capture_output=True, check=False, env=environment)

    assert said("check").stdout == name + b": fine, 48 layers\n"
    for command in ("compile", "plan", "run"):
        done = said(command)
        assert done.returncode == 1 and done.stderr.startswith(b"NASH001: the name of ")
        assert b"nashc explain NASH001" in done.stderr


def _in_a_shell(command: str) -> subprocess.CompletedProcess[str]:
    words = ["bash", "-o", "pipefail", "-c", command.replace("nashc", f"{sys.executable} -m nashc")]
    return subprocess.run(words, capture_output=True, text=True, check=False)


def test_a_reader_that_leaves_early_is_no_error(spec: Path):
    done = _in_a_shell(f"nashc show {spec} --as ir | head -n 1")
    assert (done.returncode, done.stdout, done.stderr) == (0, "nir 1\n", "")
    done = _in_a_shell("nashc fold --fps x 2>&1 | true")  # which shows its mistake to nobody
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("command", ["--help", "boards", "check SPEC", "show SPEC --as svg"])
def test_a_full_disk_behind_standard_output_is_told(spec: Path, command: str):
    done = _in_a_shell(f"nashc {command.replace('SPEC', str(spec))} > /dev/full")
    assert done.returncode == 3
    first = "NASH401: what nashc prints cannot be written: no space left on device"
    assert done.stderr.splitlines()[0] == first


def test_a_working_folder_that_is_gone(nashc, tmp_path: Path, monkeypatch):
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    for words in (("check",), ("compile", str(SPECS / "own_backbone.nash"))):
        said = nashc(*words)
        assert said.code == 2
        assert said.err == "Error: the folder that you are in is gone; cd to another\n"


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-", "2>/dev/full", "<&-"])
def test_streams_that_take_nothing(spec: Path, closed: str):
    done = _in_a_shell(f"nashc check {spec} {closed}")
    assert (done.returncode, done.stderr) == (0, "")
    done = _in_a_shell(f"nashc fold {spec} {closed}")  # NASH451
    assert done.returncode == 3 and "Traceback" not in done.stderr


@pytest.mark.parametrize("command", ["check", "compile", "plan", "show"])
def test_the_core_loads_neither_torch_nor_finn(command: str, spec: Path, tmp_path: Path):
    """A machine without them must still check, compile, plan and show."""
    program = (
        "import sys\n"
        "for name in ('torch', 'brevitas', 'finn', 'qonnx', 'onnx', 'numpy', 'sklearn'):\n"
        "    sys.modules[name] = None\n"
        "from nashc.cli import main\n"
        "main()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, command, str(spec)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_ctrl_c_among_the_imports_shows_no_traceback(tmp_path: Path):
    slow = "import time\nprint('importing', flush=True)\ntime.sleep(60)\n"
    (tmp_path / "click.py").write_text(slow)
    root = Path(__file__).parents[2]
    environment = {**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{root}"}
    with subprocess.Popen(
        [sys.executable, "-m", "nashc", "boards"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout and process.stdout.readline() == "importing\n"
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=20)
    assert (process.returncode, errors) == (130, "")
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    assert project["scripts"]["nashc"] == "nashc.__main__:main"


# ---- fold -------------------------------------------------------------------------------------------


def test_fold_writes_the_file_and_the_figures(nashc, tmp_path: Path):
    spec = str(SPECS / "resnet18.nash")
    said = nashc("fold", spec, "--budget", "lut=20%,dsp=100", "--json", "-o", "folding.json")
    found = json.loads(said.out)
    assert said.code == 0 and found["ok"] and found["is_optimal"]
    assert found["lut"] <= found["budget"]["lut"] == 300_000 and found["dsp"] <= 100
    assert found["fps"] == pytest.approx(2e8 / found["cycles"])
    assert json.loads((tmp_path / "folding.json").read_text()) == found["folding"]
    assert found["lut"] == sum(layer["lut"] for layer in found["layers"])
    assert nashc("fold", spec, "--budget", "lut=20%,dsp=100", "--json").out == said.out


def test_fold_asks_for_its_place_before_it_searches(nashc, tmp_path: Path):
    (tmp_path / "file").touch()
    said = nashc("fold", "no-such.nash", "-o", "file/folding.json")
    assert said.code == 3 and said.out == ""
    assert said.err.startswith("NASH401: file/folding.json cannot be written: not a directory\n")


@pytest.mark.parametrize("command", [("fold", "-o"), ("estimate", "--html")])
def test_an_answer_is_printed_though_its_file_is_lost(nashc, tmp_path: Path, command):
    """/dev/full is a disk that fills up between the first look and the writing."""
    name, option = command
    spec = str(SPECS / "own_backbone.nash")
    answer = nashc(name, spec).out
    said = nashc(name, spec, option, "/dev/full")
    assert (said.code, said.out) == (1, answer)
    assert said.err.startswith("\nNASH401: /dev/full cannot be written: no space left on device\n")
    said = nashc(name, spec, option, "/dev/full", "--json")
    assert said.code == 1 and "NASH401" in said.err
    assert not json.loads(said.out).get("ok", False)  # estimate has no such word


def test_fold_makes_the_folders_of_its_file(nashc, tmp_path: Path):
    said = nashc("fold", str(SPECS / "own_backbone.nash"), "-o", "new/sub/folding.json")
    assert said.code == 0 and said.out.endswith("\nwrote new/sub/folding.json\n")
    assert json.loads((tmp_path / "new" / "sub" / "folding.json").read_text())


def test_fold_says_what_binds(nashc):
    said = nashc("fold", str(SPECS / "resnet18.nash"), "--goal", "max-fps")
    assert said.code == 0
    assert "binds       stem.conv: no legal folding is faster" in said.out


def test_fold_goes_on_to_the_distance_asked_for(nashc):
    spec = str(SPECS / "resnet18.nash")
    asked = ("fold", spec, "--converters", "--goal", "max-fps", "--json", "--gap")
    found = json.loads(nashc(*asked, "0.05").out)
    assert found["gap"] == 0 and found["use_gap"] <= 0.0005


@pytest.mark.parametrize("gap", ["-1", "100", "nan"])
def test_fold_refuses_a_distance_that_is_none(nashc, gap: str):
    said = nashc("fold", str(SPECS / "resnet18.nash"), "--gap", gap)
    assert said.code == 2 and said.err.splitlines()[:2] == [
        f"NASH462: {gap} per cent are no distance from the best",
        "help: from 0, which is exact, to below 100: --gap 0.1",
    ]


@pytest.mark.parametrize(
    ("words", "message", "help_text"),
    [
        (("--budget", ""), "the budget is empty", "name what is limited: --budget lut=200k,"),
        (("--budget", "lut"), "`lut` has no amount", "a count up to 1000M or a part of the"),
        (("--budget", "lut=1,"), "the budget `lut=1,` has a part that names no resource", "a bu"),
        (("--budget", "lut=1001M"), "`1001M` is no amount of lut", "a count up to 1000M or a"),
        (("--budget", "lut=" + "9" * 400), f"`{'9' * 400}` is no amount of lut", "a count up to"),
        (("--goal", ""), "there is no goal ``", "known are: max-fps, min-resources, min-latency"),
        (("--fps", "1e-320"), "9.99989e-321 is no frame rate", "a number from 1e-06: --fps 1000"),
    ],
)
def test_fold_refuses_options_before_it_reads_the_spec(nashc, words, message: str, help_text: str):
    said = nashc("fold", "no-such.nash", *words)
    first, second, *_ = said.err.splitlines()
    assert (said.code, first) == (2, f"NASH462: {message}")
    assert second.startswith(f"help: {help_text}")


def test_the_least_resources_are_those_at_the_rate_of_the_spec(nashc, tmp_path: Path):
    text = (SPECS / "own_backbone.nash").read_text(encoding="utf-8")
    head = text[: text.index("target {")]
    for name, fps in (("with", "  fps = 5000\n"), ("without", "")):
        (tmp_path / f"{name}.nash").write_text(head + f"target {{\n  board = ZCU102\n  clock = 100 MHz\n{fps}}}\n")  # fmt: skip
    asked = ("--goal", "min-resources", "--json")
    said = nashc("fold", "with.nash", *asked)
    assert said.code == 0
    assert said.out == nashc("fold", "with.nash", *asked, "--fps", "5000").out
    said = nashc("fold", "without.nash", *asked[:2])
    assert said.code == 2 and said.err.splitlines()[:2] == [
        "NASH462: the least resources are those of no throughput at all, and the spec has no `fps`",
        "help: say how many frames a second: --fps 1000, or `fps = 1000` in its target",
    ]


def test_fold_for_no_board(nashc, spec: Path):
    assert nashc("fold", str(spec), "--board", "").err.startswith("NASH115: there is no board ``")


def test_fold_for_a_board_that_has_nothing(nashc, tmp_path: Path):
    text = nashc("boards", "Pynq-Z1", "--toml").out
    text = re.sub(r"\b(lut|bram18|uram|dsp)(\s*)= *[\d_]+", r"\g<1>\g<2>= 0", text)
    assert len(re.findall(r"\b(?:lut|bram18|uram|dsp)\s*= 0\b", text)) == 4
    (tmp_path / "none.toml").write_text(text)
    said = nashc("fold", str(SPECS / "own_backbone.nash"), "--board", str(tmp_path / "none.toml"))
    assert "NASH461: no folding fits" in said.err and "of 0" in said.err


def test_fold_of_a_network_that_is_still_searched(nashc, spec: Path):
    said = nashc("fold", str(spec))
    assert said.code == 3 and said.err.startswith("NASH451")
    assert re.search(r"\.nash:\d+:3\n.*cell in each group \{\n +\| +\^+$", said.err, re.M | re.S)


@pytest.mark.parametrize("words", [("plan",), ("plan", "--json")])
def test_ctrl_c_before_any_stage(nashc, monkeypatch, words: tuple[str, ...]):
    def interrupted(_request: object) -> None:
        raise KeyboardInterrupt

    nashc("new", "x.nash")
    monkeypatch.setattr("nashc.driver.plan.make_plan", interrupted)
    said = nashc(*words, "x.nash")
    assert said.code == 130
    if "--json" in words:
        told = json.loads(said.out)
        assert told["ok"] is False
        assert [each["code"] for each in told["diagnostics"]] == ["NASH506"]
    else:
        assert (said.out, said.err) == ("", "\ninterrupted\n")
