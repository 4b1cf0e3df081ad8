"""What a checkpoint belongs to is told by name; what a resumed run may change, it must say."""

from argparse import ArgumentParser
from pathlib import Path

import pytest

from support.progress import StageError
from support.training.belonging import Option, add_options, changes_since, given, with_options

OPTIONS = (Option("--lr", "optimiser.lr", "the rate"), Option("--clip", "clip", "of gradients"))
SETTINGS = {"optimiser": {"name": "sgd", "lr": 0.1}, "clip": None, "batch": 64}
PATH = Path("checkpoint.safetensors")


def made_with(network="1", kind="digits", **settings):
    return {"network": network, "settings": SETTINGS | settings, "data": {"kind": kind}}


def run_with(*arguments):
    parser = ArgumentParser()
    add_options(parser, SETTINGS, OPTIONS)
    args = parser.parse_args(arguments)
    now = {
        "network": "1",
        "settings": with_options(SETTINGS, args, OPTIONS),
        "data": {"kind": "digits"},
    }
    return now, given(args, OPTIONS)


def refusal(before, *arguments):
    now, wanted = run_with(*arguments)
    with pytest.raises(StageError) as caught:
        changes_since(PATH, before, now, wanted, OPTIONS)
    return caught.value.message.removeprefix(
        "checkpoint.safetensors belongs to "
    ), caught.value.help


def test_what_was_given_may_change():
    now, wanted = run_with("--lr", "0.01", "--clip", "5")
    assert now["settings"]["optimiser"] == {"name": "sgd", "lr": 0.01}
    found = changes_since(PATH, made_with(), now, wanted, OPTIONS)
    assert [str(it) for it in found] == [
        "clip was none and is 5",
        "optimiser.lr was 0.1 and is 0.01",
    ]
    now, wanted = run_with()
    assert changes_since(PATH, made_with(), now, wanted, OPTIONS) == []


def test_what_was_not_given_is_asked_for():
    slower = {"name": "sgd", "lr": 0.01}
    assert refusal(made_with(optimiser=slower)) == (
        "other settings: optimiser.lr was 0.01 and is 0.1",
        "--lr 0.01 to go on as before or --lr 0.1 to go on with the change",
    )
    assert refusal(made_with(clip=5), "--lr", "0.01") == (
        "other settings: clip was 5 and is none",
        "--clip 5 to go on as before",
    )


def test_anything_else_stays():
    way_out = "start again without --resume, or go back to what it was made with"
    assert refusal(made_with("2", batch=32)) == (
        "another network: layers, bit widths or genotype changed since",
        way_out,
    )
    assert refusal(made_with(batch=32, clip=1)) == (
        "other settings: batch was 32 and is 64, clip was 1 and is none",
        way_out,
    )
    assert (
        refusal(made_with(kind="cifar10"))[0] == "other data: data.kind was cifar10 and is digits"
    )
    assert refusal(made_with(seed=1))[0] == "other settings: seed was 1 and is none"


@pytest.mark.parametrize("value", ["nan", "inf", "-1", "0", "fast"])
def test_numbers_that_are_refused(capsys, value):
    parser = ArgumentParser()
    add_options(parser, SETTINGS, OPTIONS)
    with pytest.raises(SystemExit):
        parser.parse_args([f"--lr={value}"])
    assert f"argument --lr: {value!r} is no number above 0" in capsys.readouterr().err
