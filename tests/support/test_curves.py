"""Lines of a picture that lie on one another."""

import io

import pytest

figures = pytest.importorskip("matplotlib.figure")

from support.training.curves import take_turns  # noqa: E402


def test_no_line_hides_another():
    figure = figures.Figure(dpi=100)
    axes = figure.subplots()
    epochs = [1, 2, 3]
    for colour, values in (
        ("#ff0000", [100, 100, 100]),
        ("#00ff00", [100, 100, 100]),
        ("#0000ff", [100, 99.99, 100]),
        ("#ff00ff", [100, 90, 80]),
    ):
        axes.plot(epochs, values, color=colour)
    take_turns(axes)
    drawn = io.BytesIO()
    figure.savefig(drawn, format="rgba")
    pixels = drawn.getvalue()
    seen = {pixels[at : at + 4] for at in range(0, len(pixels), 4)}
    assert seen >= {b"\xff\0\0\xff", b"\0\xff\0\xff", b"\0\0\xff\xff", b"\xff\0\xff\xff"}
    assert [line.get_linestyle() for line in axes.lines] == ["--", "--", "--", "-"]
