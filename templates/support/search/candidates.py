"""The candidates of an edge, by the names that a spec has for them."""

from __future__ import annotations

from support.derivation.cells import IDENTITY, MAX_POOL, ZERO
from support.search.convs import Convs
from support.search.max_pool import MaxPool
from support.search.ops import Identity, SearchOp, Width, Zero, most


def search_op(
    name: str, inputs: Width, outputs: Width, stride: int, convs: Convs, side: int | None = None
) -> SearchOp:
    """The op called `name` in the spec. side: of the images, in pixels, where not all of a window can meet them."""
    if name == ZERO:
        return Zero(most(outputs), stride)
    if name == IDENTITY and (most(inputs), stride) == (most(outputs), 1):
        return Identity()
    if name == IDENTITY:
        return convs.across(inputs, outputs, stride)
    if name == MAX_POOL:
        return MaxPool(inputs, outputs, stride)
    kind, _, window = name.partition(" ")
    assert kind == "conv", f"no search op is called {name!r}"
    kernel = int(window.partition("x")[0])
    if side is not None and stride == 1:
        # The rim meets padding alone: of 5x5 on 2x2 pixels, the 3x3 in the middle is left.
        kernel = min(kernel, 2 * side - 1)
    return convs.conv(inputs, outputs, kernel, stride)
