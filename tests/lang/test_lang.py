"""The literate cases of this folder and the language reference."""

from pathlib import Path

import pytest

from tests import literate

HERE = Path(__file__).parent
DOCUMENTS = [*sorted(HERE.glob("*.md")), HERE.parents[1] / "docs" / "language.md"]


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.stem)
def test_document_is_as_nashc_does(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, update: bool
) -> None:
    literate.check(path, tmp_path, monkeypatch, update)
