"""The files beside the code are found in a checkout and in an installed wheel."""

from pathlib import Path

import pytest

from nashc import resources
from tests.paths import ROOT


def test_checkout() -> None:
    assert resources.read_grammar() == (ROOT / "grammar" / "nash.lark").read_text(encoding="utf-8")
    assert resources.template_root() == ROOT / "templates"
    assert (resources.library_root() / "resnet.nash").is_file()


def test_wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = tmp_path / "nashc" / "_data"
    (data / "grammar").mkdir(parents=True)
    (data / "grammar" / "nash.lark").write_text("file:", encoding="utf-8")
    monkeypatch.setattr(resources, "__file__", str(tmp_path / "nashc" / "resources.py"))
    resources._root.cache_clear()
    try:
        assert resources.read_grammar() == "file:"
        assert resources.template_root() == data / "templates"
        assert resources.library_root() == data / "specs" / "backbones"
    finally:
        resources._root.cache_clear()
