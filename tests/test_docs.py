"""The README and the docs tell the truth: specs compile, console blocks are replayed."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from nashc.emit import project
from nashc.lower import lower
from nashc.schema import load
from nashc.syntax import format_source
from nashc.text import read_source
from tests import console
from tests.paths import ROOT

BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
BLOCKS = BLOCK.findall((ROOT / "README.md").read_text(encoding="utf-8"))


def test_specs_of_the_readme_compile_and_are_laid_out(tmp_path: Path) -> None:
    specs = [text for kind, text in BLOCKS if kind == "nash"]
    assert specs
    for text in specs:
        path = tmp_path / "readme.nash"
        path.write_text(text, encoding="utf-8")
        spec = load(path)
        assert "model.py" in project(spec, lower(spec))
        assert format_source(read_source(path)) == text


EXPERIMENTS = sorted((ROOT / "docs" / "experiments").glob("*/*.nash"))


@pytest.mark.parametrize("path", EXPERIMENTS, ids=lambda path: path.stem)
def test_specs_of_the_experiments_compile(path: Path) -> None:
    spec = load(path)
    assert {"search.py", "train.py"} & set(project(spec, lower(spec)))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("readme")
    text = (ROOT / "templates" / "starters" / "backbone.nash").read_text(encoding="utf-8")
    lines = text.replace("Pynq-Z1", "Pynq-Z9").splitlines(keepends=True)
    place = next(i for i, line in enumerate(lines) if "Pynq-Z9" in line)
    drop = place + 1 - 31  # the README shows the mistake in line 31
    [whole] = [text for kind, text in BLOCKS if kind == "nash"]
    (path / "digits.nash").write_text(whole, encoding="utf-8")
    (path / "mistake.nash").write_text("".join(shortened(lines, drop)), encoding="utf-8")
    return path


def shortened(lines: list[str], count: int) -> list[str]:
    """Without `count` comment or blank lines from the top."""
    kept = []
    for line in lines:
        if count and (line.startswith("#") or not line.strip()):
            count -= 1
        else:
            kept.append(line)
    assert count == 0
    return kept


def test_console_blocks_of_the_readme_are_true(folder: Path) -> None:
    replayed = console.commands(text for kind, text in BLOCKS if kind == "console")
    assert len(replayed) == 5
    replay(replayed, folder)


# docs/language.md is a literate case of its own: tests/lang/test_lang.py.
@pytest.mark.parametrize("path", sorted((ROOT / "docs").glob("*.md")), ids=lambda path: path.stem)
def test_console_blocks_of_the_docs_are_true(path: Path) -> None:
    """They speak of the specs of this checkout and change nothing."""
    blocks = BLOCK.findall(path.read_text(encoding="utf-8"))
    replay(console.commands(text for kind, text in blocks if kind == "console"), ROOT)


def replay(commands: list[tuple[str, list[str]]], folder: Path) -> None:
    for command, expected in commands:
        words = shlex.split(command)
        assert words[0] == "nashc"
        run = subprocess.run(
            [sys.executable, "-m", "nashc", *words[1:]],
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert console.matches(run.stdout.splitlines(), expected), f"{command}\n{run.stdout}"
