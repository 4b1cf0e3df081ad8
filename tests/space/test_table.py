"""A network costs by the table what `nashc estimate` says of it: the difference is zero."""

import random
from pathlib import Path

import pytest

from tests.paths import SPECS
from tests.space.spaces import Space, choices_of, costs_of, estimated

GROUPS = "  cell in each group { policy = v3 }"
SPACES = {
    "unfolded": Space(GROUPS),
    "folded": Space(GROUPS, fps=30_000),
    "a pool that v1 replaces, identities across": Space(
        "  cell in each group { policy = v1; identity_across = two_convs }", fps=4_000
    ),
    "single bits, read as they are and in two": Space(GROUPS, "w1a1", "w3a1", fps=1_000),
    "single bits everywhere": Space(GROUPS, "w1a1", "w1a1"),
    "one cell": Space(
        "  cell in network { ops = [identity, conv 1x1, maxpool 3x3] }", "w4a4", "w4a4"
    ),
    "cells in cells that share what they read": Space(
        "  cell in each layer { ops = [identity, conv 3x3] }\n  cell in network { ops = [conv 1x1, identity] }",
        "w2a1",
        "w2a2",
        fps=100,
    ),
    "FINN as the spec wants it": Space(
        GROUPS,
        "w4a4",
        fps=30_000,
        finn="finn { prefer = hls; mem_mode = external; ram_style = block }",
    ),
    "embedded": Space(GROUPS, fps=30_000, finn="finn { mem_mode = internal_embedded }"),
    "several paces": Space(
        "  cell in each group { ops = [identity, maxpool 3x3, conv 5x5, conv 7x7] }", fps=3_000_000
    ),
}


@pytest.mark.parametrize("space", SPACES.values(), ids=SPACES)
def test_networks_drawn(space: Space, tmp_path: Path) -> None:
    compare(space.write(tmp_path), 6)


def test_networks_whose_weight_streams_are_narrowed(tmp_path: Path) -> None:
    path = tmp_path / "space.nash"
    base, fast = SPECS / "cifar10.nash", "target { fps = 100000 }\n"
    path.write_text(f'nash 1\nextends "{base}" with {{ bits = w1a1 }}\n{fast}', encoding="utf-8")
    compare(path, 8)


def compare(path: Path, count: int) -> None:
    costs, rnd = costs_of(path), random.Random(1)
    for _ in range(count):
        drawn = {
            cell: [rnd.choice(its) for its in nodes.values()]
            for cell, nodes in choices_of(path).items()
        }
        lines = (
            f"  {cell} = {', '.join(f'{it.op} from {it.source}' for it in its)}"
            for cell, its in drawn.items()
        )
        options = [
            costs.option(cell, node, str(it.op), it.source)
            for cell, its in drawn.items()
            for node, it in enumerate(its, 1)
        ]
        block = "genotype {\n" + "\n".join(lines) + "\n}\n"
        assert costs.of_network(options) == estimated(path, block)


def test_paces_come_about(tmp_path: Path) -> None:
    assert len(costs_of(SPACES["several paces"].write(tmp_path)).paces) > 1
    assert len(costs_of(SPACES["folded"].write(tmp_path)).paces) == 1
