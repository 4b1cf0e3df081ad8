"""Every code has a page, and the examples of a page do what it says."""

import re
from pathlib import Path

import pytest

from nashc.diagnostics.codes import CODES
from nashc.diagnostics.explain import PAGES, page
from tests import literate
from tests.paths import ROOT

# These tell of files, tools and commands: their pages show a console instead of a spec.
NEEDS_MORE_THAN_A_SPEC = {"NASH001", "NASH002"} | {code for code in CODES if code[4] in "459"}


def test_codes_and_pages_are_the_same() -> None:
    assert sorted(path.stem for path in PAGES.glob("*.md")) == sorted(CODES)
    assert list(CODES) == sorted(CODES)


@pytest.mark.parametrize("code", CODES)
def test_page_begins_with_code_and_name(code: str) -> None:
    text = page(code)
    assert text is not None
    assert text.startswith(f"# {code}: {CODES[code]}\n\n")
    kinds = [block.info for block in literate.blocks(PAGES / f"{code}.md")]
    if code in NEEDS_MORE_THAN_A_SPEC:
        assert set(kinds) == {("console",)}
    else:
        assert kinds == [("nash", "error"), ("nash",)]


@pytest.mark.parametrize("code", [code for code in CODES if code not in NEEDS_MORE_THAN_A_SPEC])
def test_failing_example_raises_its_code_alone_and_working_one_compiles(
    code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    failing, working = literate.blocks(PAGES / f"{code}.md")
    assert {d.code for d in literate.mistakes(failing, tmp_path)} == {code}
    assert not literate.mistakes(working, tmp_path)


def test_codes_of_the_table_and_of_the_program_are_the_same() -> None:
    used: dict[str, Path] = {}
    for path in sorted((ROOT / "nashc").glob("**/*.py")):
        if path.name != "codes.py":
            used |= dict.fromkeys(
                re.findall(r'(?<![<>=] )"(NASH[0-9]{3})"', path.read_text()), path
            )
    assert set(used) <= set(CODES), "raised, but not in the table"
    assert set(CODES) - set(used) <= NOT_AS_DIAGNOSTIC, "in the table, but raised nowhere"


# Printed by the command line itself, when no diagnostic can be made any more.
NOT_AS_DIAGNOSTIC = {"NASH900", "NASH506"}


def test_no_code_is_unknown() -> None:
    assert page("NASH999") is None
