"""What a budget allows, where it lies on the edge."""

import pytest

from nashc.schema.bounds import Most


@pytest.mark.parametrize(
    ("bound", "most"),
    [
        (Most("<=", 2.3, is_percent=True), 34_500),
        (Most("<", 16.1, is_percent=True), 241_499),
        (Most("<=", 16.1, is_percent=True), 241_500),
        (Most("<", 0.1, is_percent=True), 1_499),
        (Most("<", 80, is_percent=True), 1_199_999),
        (Most("<", 1100), 1_099),
        (Most("<", 1e3), 999),
        (Most("<=", 2.5), 2),
    ],
    ids=str,
)
def test_per_cent_are_those_that_are_written(bound: Most, most: int) -> None:
    assert bound.count(1_500_000) == most
