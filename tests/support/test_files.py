"""JSON files of the programs: what is wrong with one is told with its name and a way out."""

import copy
import json

import pytest

from support.files import atomic_path, read_json, read_settings, remove_leftovers
from support.progress import StageError


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (None, "cannot read FILE: No such file or directory"),
        ("{", "FILE is not valid JSON: Expecting property name"),
        ("[1]", "FILE is no JSON object"),
        ("{}", 'FILE has no "optimiser"'),
        ('{"optimiser": {}}', 'FILE has no "lr"'),
    ],
)
def test_settings_that_are_broken(tmp_path, text, told):
    path = tmp_path / "settings" / "train.json"
    path.parent.mkdir()
    if text is not None:
        path.write_text(text)
    with pytest.raises(StageError) as caught:
        copy.copy(read_settings(tmp_path, "train"))["optimiser"]["lr"]
    assert caught.value.message.replace(str(path), "FILE").startswith(told)
    assert caught.value.help == "nashc compile writes it again"


def test_what_is_read_is_a_dict_like_any_other(tmp_path):
    value = {"a": {"b": [1, {"c": None}]}}
    path = tmp_path / "a.json"
    path.write_text(json.dumps(value))
    found = read_json(path)
    assert found == value and json.dumps(found) == json.dumps(value)
    assert found.get("x") is None and "x" not in found


def test_leftovers_of_killed_writers(tmp_path):
    """Hidden files of other programs stay."""
    others = {".a.json", ".a-12345678.json", "a.json", ".nashc-abcdefgh"}
    for name in others:
        (tmp_path / name).touch()

    def left_over(*names):
        for name in names:
            with atomic_path(tmp_path / name) as temporary:
                left = temporary.read_bytes()
            temporary.write_bytes(left)

    left_over("a.json", "b.json", "a.png")
    remove_leftovers(tmp_path, "a.json")
    kept = {it.name for it in tmp_path.iterdir()} - others
    assert sorted(it.split(".nashc-")[0] for it in kept if ".nashc-" in it) == [".a", ".b"]
    remove_leftovers(tmp_path)
    assert {it.name for it in tmp_path.iterdir()} == others | {"a.json", "b.json", "a.png"}
