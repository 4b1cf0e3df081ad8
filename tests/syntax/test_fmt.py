"""fmt: one layout, nothing lost."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from trees import SPECS, comments_of, meaning, rewritten, tree_of

from nashc.syntax import format_source
from nashc.text import Source, read_source

CASES = Path(__file__).parent / "fmt"


def formatted(text: str) -> str:
    return format_source(Source("test.nash", text))


@pytest.mark.parametrize("path", sorted(CASES.glob("*.in.nash")), ids=lambda path: path.name)
def test_layout_is_the_expected_one(path: Path, update: bool) -> None:
    expected = path.with_name(path.name.replace(".in.", ".out."))
    found = format_source(read_source(path))
    if update:
        expected.write_text(found, encoding="utf-8")
    assert found == expected.read_text(encoding="utf-8")
    assert formatted(found) == found


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.name)
def test_the_specs_are_in_canonical_layout_or_keep_their_meaning(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    found = formatted(text)
    assert meaning(tree_of(found)) == meaning(tree_of(text))
    assert comments_of(found) == comments_of(text)
    assert formatted(found) == found


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(SPECS), st.integers(0, 2**32))
def test_any_writing_of_a_spec_keeps_tree_and_comments(path: Path, seed: int) -> None:
    text = rewritten(path.read_text(encoding="utf-8"), seed)
    tree = meaning(tree_of(text))
    found = formatted(text)
    assert meaning(tree_of(found)) == tree
    assert sorted(comments_of(found)) == sorted(comments_of(text))
    assert formatted(found) == found


def test_lines_stay_within_the_width_where_they_can_be_broken() -> None:
    for path in SPECS:
        code = [line.split("  #")[0] for line in formatted(path.read_text()).split("\n")]
        assert max(map(len, (line for line in code if not line.lstrip().startswith("#")))) <= 100
