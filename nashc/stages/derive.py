"""The network within the hardware budget, from what the search ended with; only for specs with a budget."""

from nashc.stages.model import Stage, Take

DERIVE = Stage(
    name="derive",
    does="finds the network within the budget",
    program="derive.py",
    settings=("derive.json",),
    gives=("genotype.json", "found.nash"),
    needs=(),
    takes=(Take("--search", "search", "genotype.json"),),
    completes="search",
)
