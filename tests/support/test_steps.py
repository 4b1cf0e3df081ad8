"""Named steps of a stage: what is told while they run."""

from __future__ import annotations

import io
import json

import pytest

from support import progress as progress_module
from support.progress import Progress
from support.steps import Steps


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """Every report, however quickly it follows."""
    monkeypatch.setattr(progress_module, "JSONL_INTERVAL_S", 0.0)
    return io.StringIO()


def test_steps_count_by_what_they_usually_take(told: io.StringIO):
    steps = Steps(Progress("build", "jsonl", told), {"load": 1.0, "fold": 6.0, "write": 3.0})
    steps.pass_by("load")
    with steps.step("fold"):
        steps.say("first", 0.5)
    with steps.step("write"):
        steps.say("one of unknown many")
    events = [json.loads(line) for line in told.getvalue().splitlines()]
    assert [(event["done"], event["text"]) for event in events] == [
        (10, "load"),
        (10, "fold"),
        (40, "fold: first"),
        (70, "fold"),
        (70, "write"),
        (76, "write: one of unknown many"),
        (100, "write"),
    ]
    assert {event["unit"] for event in events} == {"%"}
    assert events[2]["eta_s"] is not None
    assert set(steps.seconds) == {"fold", "write"}


def test_a_step_that_fails_has_no_time():
    steps = Steps(Progress("build", "jsonl", io.StringIO()), {"load": 1.0})
    with pytest.raises(ValueError, match="broken"), steps.step("load"):
        raise ValueError("broken")
    assert steps.seconds == {}
