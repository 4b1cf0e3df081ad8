"""Numbers on the command line of training and searching that no loop can take."""

import argparse

import pytest

pytest.importorskip("torch")

from support.training.arguments import add_loop_arguments

pytestmark = pytest.mark.torch
SETTINGS = {"epochs": 2, "batch": 64, "seed": 1}


@pytest.mark.parametrize(
    ("flag", "value", "told"),
    [
        ("--epochs", "0", "'0' is no whole number from 1"),
        ("--batch", "-3", "'-3' is no whole number from 1"),
        ("--batch", "1.5", "'1.5' is no whole number from 1"),
        ("--seed", "-1", "'-1' is no whole number from 0 up to 1000000000000000000"),
        ("--seed", "9" * 20, f"'{'9' * 20}' is no whole number from 0 up to 1000000000000000000"),
    ],
)
def test_what_is_refused(tmp_path, capsys, flag, value, told):
    parser = argparse.ArgumentParser()
    add_loop_arguments(parser, SETTINGS, tmp_path, ())
    with pytest.raises(SystemExit) as ended:
        parser.parse_args([f"{flag}={value}"])
    assert ended.value.code == 2
    assert capsys.readouterr().err.endswith(f"error: argument {flag}: {told}\n")


def test_what_is_taken(tmp_path):
    parser = argparse.ArgumentParser()
    add_loop_arguments(parser, SETTINGS, tmp_path, ())
    args = parser.parse_args(["--batch", "1", "--seed", str(10**18)])
    assert (args.epochs, args.batch, args.seed) == (2, 1, 10**18)
