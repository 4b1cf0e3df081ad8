"""The settings of a spec: one frozen pydantic model per section, every field documented.

`docs/language.md` prints the descriptions and defaults from here. Defaults named "paper" are the
NASH paper's or, where the paper is silent, those of its authors' published code.
"""

from nashc.schema.models.data import DATA_SETS, Data
from nashc.schema.models.finn import Finn
from nashc.schema.models.network import Activation, CellSettings, Image, Network, Roles
from nashc.schema.models.optimisation import Adam, AdamW, MultiStep, Polynomial, Sgd, StepDown
from nashc.schema.models.search import Budget, CostWeights, Gumbel, Search
from nashc.schema.models.settings import Settings
from nashc.schema.models.target import FoldingFrom, Target
from nashc.schema.models.train import FromFloat, Train

__all__ = [
    "DATA_SETS",
    "Activation",
    "Adam",
    "AdamW",
    "Budget",
    "CellSettings",
    "CostWeights",
    "Data",
    "Finn",
    "FoldingFrom",
    "FromFloat",
    "Gumbel",
    "Image",
    "MultiStep",
    "Network",
    "Polynomial",
    "Roles",
    "Search",
    "Settings",
    "Sgd",
    "StepDown",
    "Target",
    "Train",
]
