"""Words of memory files packed as arrays are those that FINN packs number by number."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("finn")

from qonnx.core.datatype import DataType

from support.finn import tool as finn_tool

pytestmark = pytest.mark.finn


@pytest.mark.parametrize("name", ["BIPOLAR", "BINARY", "UINT2", "INT2", "UINT5", "INT8", "INT23"])
def test_equal_to_finn(name: str, tmp_path: Path) -> None:
    finn_tool.start(tmp_path / "finn")
    from finn.util.data_packing import pack_innermost_dim_as_hex_string as theirs

    from support.finn.packing import pack

    datatype = DataType[name]
    draws = np.random.default_rng(0)
    for shape in ((1,), (3, 1), (2, 5, 7), (1, 40, 96)):
        values = draws.integers(datatype.min(), datatype.max() + 1, shape).astype(np.float32)
        if name == "BIPOLAR":
            values = np.where(values > 0, 1, -1).astype(np.float32)
        bits = shape[-1] * datatype.bitwidth()
        for word in (-(-bits // 4) * 4, -(-bits // 32) * 32):
            for flips in (False, True):
                ours = pack(values, datatype, word, reverse_inner=flips, prefix="")
                wanted = theirs(values, datatype, word, reverse_inner=flips, prefix="")
                np.testing.assert_array_equal(ours, wanted)
                assert ours.shape == wanted.shape


@pytest.mark.parametrize(("value", "word"), [(4, 8), (1.5, 8), (1, 4)])
def test_what_finn_refuses_is_refused(value: float, word: int) -> None:
    from support.finn.packing import pack

    with pytest.raises(AssertionError):
        pack(np.full((2, 3), value, np.float32), DataType["UINT2"], word)


def test_finn_packs_as_before_behind_it(tmp_path: Path) -> None:
    finn_tool.start(tmp_path / "finn")
    from finn.custom_op.fpgadataflow import matrixvectoractivation

    from support.finn.packing import NAME, pack, packed_at_once

    before = getattr(matrixvectoractivation, NAME)
    with packed_at_once():
        assert getattr(matrixvectoractivation, NAME) is pack
    assert getattr(matrixvectoractivation, NAME) is before
