import pytest

from nashc.vocab.numbers import read_number


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0", 0),
        ("-5", -5),
        ("0.5", 0.5),
        ("1e-3", 0.001),
        ("200k", 200_000),
        ("1.5M", 1_500_000),
        ("-2k", -2000),
        ("0.0001k", 0.1),
        *((text, None) for text in ("", "k", "1_000", ".5", "1.", "+1", "nan", "inf", "1e999")),
        *((text, None) for text in ("1e999k", "12 k", "3 MHz", "w4a4", "٣", "9" * 500, "5\n")),
    ],
)
def test_numbers_of_the_command_line_are_those_of_the_language(text: str, value: float | None):
    found = read_number(text)
    assert (found, type(found)) == (value, type(value))
