"""Which part of an epoch a loop waits for its data."""

import itertools

import pytest

pytest.importorskip("torch")

from support.waiting import Waiting

pytestmark = pytest.mark.torch


class Clock:
    """Seconds that pass when told to."""

    now_s = 0.0

    def __call__(self):
        return self.now_s


def epoch(reading_s, step_s, steps=10):
    clock = Clock()
    waiting = Waiting(clock)

    def batches():
        for step in range(steps):
            clock.now_s += reading_s
            yield step

    for batch, expected in zip(waiting.over(batches()), itertools.count()):
        assert batch == expected
        clock.now_s += step_s
    return waiting


def test_the_step_in_progress_counts():
    clock = Clock()
    waiting, shares = Waiting(clock), []

    def batches():
        clock.now_s += 1.0
        yield 0

    for _ in waiting.over(batches()):
        clock.now_s += 3.0
        shares.append(waiting.share)
    clock.now_s += 100.0  # a test of the network
    assert [*shares, waiting.share] == [0.25, 0.25]


def test_a_device_that_starves():
    waiting = epoch(reading_s=3.0, step_s=1.0)
    assert (waiting.share, waiting.is_large) == (0.75, True)
    assert waiting.words() == (
        "warning: 75% of the epoch went by waiting for data (30 s): more cores decode faster, and pictures stored nearer to the "
        "size of the network's input take less to decode"
    )


def test_a_device_that_is_fed():
    waiting = epoch(reading_s=0.5, step_s=9.5)
    assert (waiting.share, waiting.is_large) == (0.05, False)


def test_a_short_wait_is_not_worth_a_word():
    waiting = epoch(reading_s=0.3, step_s=0.1)
    assert waiting.share == pytest.approx(0.75)
    assert not waiting.is_large


def test_an_epoch_begins_anew():
    clock = Clock()
    waiting = Waiting(clock)
    assert waiting.share == 0.0
    for _ in waiting.over(iter(range(3))):
        clock.now_s += 1.0
    assert waiting.share == 0.0
