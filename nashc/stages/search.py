"""The search for the cells of the network, or for bit widths; its result becomes a spec of its own."""

from nashc.stages.model import Stage

SEARCH = Stage(
    name="search",
    does="finds the operations of the cells, and bit widths",
    program="search.py",
    settings=("search.json",),
    optional_settings=("search_costs.json",),
    gives=("genotype.json", "found.nash"),
    needs=("torch", "safetensors", "brevitas"),
    reads_data=True,
    can_resume=True,
    is_shareable=True,
    leads_to="train",
)
