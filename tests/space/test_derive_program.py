"""derive.py as it is compiled: from the end of a search, drawn here, to the network within a budget."""

import json
from pathlib import Path

from support.derivation.cells import derive
from support.derivation.findings import Found
from support.derivation.found import budget_remarks, provenance_of, write_found
from tests.space.programs import compiled, run
from tests.space.spaces import Space, edges_drawn, estimated

SPACE = Space("  cell in each group { ops = [zero, maxpool 3x3, identity, conv 1x1, conv 3x3] }")
NODE = {"cell": "group0", "node": 1, "without": "identity from 0"}
SCORES = {"validation_top1": 0.9, "validation_loss": 0.1}
ABOUT = {
    "network": "tiny",
    "policy": "v3",
    "estimator": {"name": "binary_gate"},
    "data": "digits",
    "epochs": 2,
    "batch": 64,
}


def derived(folder: Path, budget: str) -> tuple[dict, str]:
    """genotype.json's provenance, and found.nash."""
    path = SPACE.write(folder)
    text = path.read_text().replace("search {", f"search {{ budget {{ {budget} }};")
    path = compiled(folder, text)
    edges = edges_drawn(path, 3)
    found = Found(7, derive(edges, "v3"), edges, SCORES)
    write_found(folder / "results" / "search", found, provenance_of(found, ABOUT))
    run("derive.py", folder)
    out = folder / "results" / "derive"
    provenance = json.loads((out / "genotype.json").read_text())["provenance"]
    return provenance, (out / "found.nash").read_text()


def test_the_network_within_the_budget_and_what_is_said_of_it(tmp_path: Path) -> None:
    about, text = derived(tmp_path, "lut < 9k; fits = U50")
    assert about["cost"] == estimated(tmp_path / "space.nash", text[text.index("genotype {") :])
    assert text.startswith("""\
# Found by nashc for tiny: policy v3, estimator binary_gate,
# 2 epochs on digits, batch 64, seed 7.
# Costs 36,864 cycles, 8,900 lut (of 8,999), 11 bram18 (of 2,256), 0 uram (of 608), 1 dsp (of 5,352).
# Without the budget it would keep: group0 node 1 conv 3x3 from 0, group0 node 4 conv 3x3 from 3.
# Of all networks within the budget the most probable one, proven.
# warning: skip-connection collapse: most nodes of group0 keep an identity""")
    budget = about["budget"]
    assert budget.pop("loss_nats") > 0
    assert budget == {
        "limits": {"bram18": 2256, "dsp": 5352, "lut": 8999, "uram": 608},
        "gap_nats": 0.0,
        "is_proven": True,
        "displaced": [
            {"cell": "group0", "node": node, "without": without, "within": "identity from 0"}
            for node, without in ((1, "conv 3x3 from 0"), (4, "conv 3x3 from 3"))
        ],
    }


def test_what_is_said_without_a_proof() -> None:
    about = {"limits": {"lut": 1}, "is_proven": False, "gap_nats": 0.7, "displaced": [NODE] * 5}
    assert budget_remarks(about) == [
        f"Without the budget it would keep: {', '.join(['group0 node 1 identity from 0'] * 3)} and 2 more.",
        "The most probable network found within the budget; none is more than 2.01 times as probable.",
    ]
