"""JSON files of the programs: what is wrong with one is told with its name and a way out."""

import copy
import json

import pytest

from support.files import read_json, read_settings
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
