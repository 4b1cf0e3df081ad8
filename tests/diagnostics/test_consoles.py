"""The console blocks of the pages that tell of files, tools and commands are replayed."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from nashc import cli
from nashc.diagnostics.codes import CODES
from nashc.diagnostics.explain import PAGES
from tests import console, literate
from tests.driver.lab import set_up
from tests.paths import ROOT, SPECS

STARTER = ROOT / "templates" / "starters" / "digits.nash"
# A program that never ends and a fault that we do not know cannot be told to happen in a test of a page;
# tests/driver/test_interruptions.py interrupts runs, tests/cli/test_commands.py breaks nashc on purpose.
NOT_REPLAYED = {"NASH506", "NASH900"}


def not_utf8(folder: Path, _patch: pytest.MonkeyPatch) -> None:
    (folder / "old.nash").write_bytes("nash 1\n# café\n".encode("latin-1"))
    (folder / "wide.nash").write_bytes("nash 1\n".encode("utf-16"))
    (folder / "picture.png").write_bytes(b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR")


def a_file_in_the_way(folder: Path, _patch: pytest.MonkeyPatch) -> None:
    (folder / "notes").touch()


def an_edited_file(folder: Path, _patch: pytest.MonkeyPatch) -> None:
    assert subprocess.run([sys.executable, "-m", "nashc", "compile", "small.nash"]).returncode == 0
    with (folder / "build" / "digits" / "supernet.py").open("a", encoding="utf-8") as file:
        file.write("# my own idea\n")


def failing_training(folder: Path, patch: pytest.MonkeyPatch) -> None:
    lab = set_up(folder, patch)
    for name, value in {**lab.environment, "FAKE_FAIL": "train"}.items():
        patch.setenv(name, value)


def changed_weights(folder: Path, patch: pytest.MonkeyPatch) -> None:
    lab = set_up(folder, patch)
    for name, value in lab.environment.items():
        patch.setenv(name, value)
    lab.run()
    [weights] = lab.out.glob("results/train/*/weights.safetensors")
    weights.write_bytes(weights.read_bytes()[:5])


def no_images(folder: Path, _patch: pytest.MonkeyPatch) -> None:
    text = (folder / "small.nash").read_text(encoding="utf-8")
    text = text.replace("data      = digits", 'data = folder("flowers")')
    (folder / "flowers.nash").write_text(text, encoding="utf-8")


def a_python_without_packages(folder: Path, _patch: pytest.MonkeyPatch) -> None:
    program = folder / "python-of-mine"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -I -S "$@"\n', encoding="utf-8")
    program.chmod(0o755)


def a_fixed_network(folder: Path, _patch: pytest.MonkeyPatch) -> None:
    shutil.copy(ROOT / "specs" / "resnet18.nash", folder)


def two_specs(folder: Path, _patch: pytest.MonkeyPatch) -> None:
    shutil.copy(STARTER, folder / "large.nash")


def a_known_network(folder: Path, _patch: pytest.MonkeyPatch) -> None:
    """known.nash has nothing to search; what else the pages on hardware figures need."""
    text = (SPECS / "own_backbone.nash").read_text(encoding="utf-8")
    (folder / "known.nash").write_text(text, encoding="utf-8")
    (folder / "boardless.nash").write_text(text[: text.index("target {")], encoding="utf-8")
    (folder / "folding.json").write_text('{"stem.conv": {"PE": 3}}', encoding="utf-8")


def budgets(folder: Path, _patch: pytest.MonkeyPatch) -> None:
    """Searches that cannot keep what they are asked, or whose budget cannot be reckoned."""
    text = (folder / "small.nash").read_text(encoding="utf-8")
    spec = text.replace("search {", "search {\n  budget { lut < 5k }", 1)
    (folder / "small.nash").write_text(spec, encoding="utf-8")
    (folder / "fast.nash").write_text(spec.replace("lut < 5k", "fps > 1M"), encoding="utf-8")
    (folder / "boardless.nash").write_text(spec[: spec.index("target {")], encoding="utf-8")
    folded = spec.replace("target {", "target {\n  folding = optimal", 1)
    (folder / "folded.nash").write_text(folded, encoding="utf-8")


SET_UP: dict[str, Callable[[Path, pytest.MonkeyPatch], None]] = {
    "NASH002": not_utf8,
    "NASH401": a_file_in_the_way,
    "NASH402": an_edited_file,
    "NASH452": a_known_network,
    "NASH453": a_known_network,
    "NASH454": a_known_network,
    "NASH461": a_fixed_network,
    "NASH462": a_fixed_network,
    "NASH471": a_known_network,
    "NASH481": budgets,
    "NASH482": budgets,
    "NASH501": failing_training,
    "NASH502": no_images,
    "NASH503": a_python_without_packages,
    "NASH504": two_specs,
    "NASH508": changed_weights,
}
WITH_CONSOLE = [
    code
    for code in CODES
    if any(b.kind == "console" for b in literate.blocks(PAGES / f"{code}.md"))
]


@pytest.mark.parametrize("code", [code for code in WITH_CONSOLE if code not in NOT_REPLAYED])
def test_console_of_the_page_is_true(
    code: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("NASHC_PYTHON", "NASHC_DATA"):
        monkeypatch.delenv(name, raising=False)
    shutil.copy(STARTER, tmp_path / "small.nash")
    if code in SET_UP:
        SET_UP[code](tmp_path, monkeypatch)
    texts = [block.text for block in literate.blocks(PAGES / f"{code}.md")]
    told = []
    for command, expected in console.commands(texts):
        capfd.readouterr()
        run(command, monkeypatch)
        captured = capfd.readouterr()
        lines = (captured.out + captured.err).splitlines()
        assert console.matches(lines, expected), f"{command}\n" + "\n".join(lines)
        told += lines
    assert any(line.startswith(code) for line in told), "the page never shows its own code"


def run(command: str, patch: pytest.MonkeyPatch) -> None:
    """nashc in this process, where stand-ins may be in place; everything else as a shell would."""
    words = shlex.split(command)
    if words[0] != "nashc":
        subprocess.run(command, shell=True, check=True)
        return
    patch.setattr("sys.argv", words)
    with pytest.raises(SystemExit):
        cli.main()
