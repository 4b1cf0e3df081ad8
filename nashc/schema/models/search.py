"""The `search` section: how a network is found, and what its hardware may cost."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, PositiveInt

from nashc.schema.bounds import AtLeast, AtMost, AtMostCycles
from nashc.schema.fields import Real, call
from nashc.schema.models.data import DataSet
from nashc.schema.models.optimisation import Adam, Cosine, Optimiser, Schedule, Sgd
from nashc.schema.models.settings import SEEDS, Settings
from nashc.schema.models.target import known_board
from nashc.schema.values import Word
from nashc.vocab.boards import Board


class BinaryGate(Settings):
    """Every operation of an edge gets a gradient (ProxylessNAS, equation 4; the paper's code)."""

    name: Literal["binary_gate"]


class TwoPath(Settings):
    """Two operations drawn from an edge get one (ProxylessNAS, section 3.2.1)."""

    name: Literal["two_path"]


class Gumbel(Settings):
    """Every operation gets one, with the noise of the draw (straight-through Gumbel-softmax, Jang et al., 2017)."""

    name: Literal["gumbel"]
    temperature: Real = Field(
        1.0, gt=0, description="of the softmax; the lower, the nearer its shares are to 0 and 1"
    )


Estimator = Annotated[
    BinaryGate | TwoPath | Gumbel, Field(discriminator="name"), BeforeValidator(call)
]


class CostWeights(Settings):
    """What the hardware of the sampled architecture adds to the loss of the architecture step: weight times share."""

    lut: Real = Field(0.0, ge=0, description="LUTs, as a share of the board's")
    bram18: Real = Field(0.0, ge=0, description="blocks of 18 kbit, as a share of the board's")
    uram: Real = Field(0.0, ge=0, description="URAM blocks, as a share of the board's")
    dsp: Real = Field(0.0, ge=0, description="DSP slices, as a share of the board's")
    cycles: Real = Field(
        0.0, ge=0, description="cycles of a frame, relative to the backbone's at its largest"
    )

    @property
    def is_asked(self) -> bool:
        return any(self.model_dump().values())


def _fits(value: Any) -> Any:
    return value if isinstance(value, Word) and value == "target" else known_board(value)


class Budget(Settings):
    """What the found network stays within, whatever the search would like."""

    fits: Annotated[Board | Word | None, BeforeValidator(_fits)] = Field(
        None, description="has enough of everything; `target` is the board of `target`"
    )
    lut: AtMost = Field(None, description="LUTs; per cent are of the target's board")
    bram18: AtMost = Field(None, description="blocks of 18 kbit")
    uram: AtMost = Field(None, description="URAM blocks")
    dsp: AtMost = Field(None, description="DSP slices")
    cycles: AtMostCycles = Field(None, description="clock cycles between two frames")
    fps: AtLeast = Field(None, description="frames a second")

    @property
    def is_asked(self) -> bool:
        return any(value is not None for _, value in self)


class Search(Settings):
    """Algorithm 1 of the paper; every default is the paper's or its code's."""

    data: DataSet = Field(description="training set, of which one part updates the architecture")
    epochs: PositiveInt = Field(200, description="passes over the data (paper)")
    batch: PositiveInt = Field(64, description="images in a step (paper)")
    optimiser: Optimiser = Field(Sgd(name="sgd"), description="of the weights (paper)")
    schedule: Schedule = Field(Cosine(name="cosine"), description="of the weights' rate (paper)")
    alphas: Annotated[Adam, BeforeValidator(call)] = Field(
        Adam(name="adam", lr=3e-4, weight_decay=1e-3),
        description="of the architecture parameters, with betas (0, 0.999) (paper)",
    )
    estimator: Estimator = Field(
        BinaryGate(name="binary_gate"),
        description="gradient of the architecture parameters (paper's code)",
    )
    clip: Real = Field(5.0, gt=0, description="largest gradient norm (paper)")
    seed: int = Field(2, ge=0, le=SEEDS, description="of everything random (paper)")
    seeds: PositiveInt = Field(
        1, description="searches from as many seeds, from `seed` on; the best one is kept"
    )
    precision: Literal["paper", "float", "quantised"] = Field(
        "paper",
        description="full precision with binary convs in the cells (paper), without, or with the quantisers of the spec",
    )
    amp: bool = Field(
        False,
        description="mixed precision: convolutions multiply in bfloat16, but for binary ones",
    )
    cost: CostWeights = CostWeights()
    budget: Budget = Budget()

    @property
    def asks_for_costs(self) -> bool:
        return self.cost.is_asked or self.budget.is_asked
