"""The settings of a spec: one frozen pydantic model per section, every field documented.

`docs/language.md` prints the descriptions and defaults from here. Defaults named "paper" are the
NASH paper's or, where the paper is silent, those of its authors' published code.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PositiveInt,
    ValidationInfo,
    field_validator,
    model_validator,
)

from nashc.schema.bounds import AtLeast, AtMost, AtMostCycles
from nashc.schema.fields import INTERNAL, BitWidths, Clock, Operation, Real, call, refuse
from nashc.schema.values import Call, Word, describe
from nashc.vocab.bits import Bits
from nashc.vocab.boards import Board, find_board, other_boards
from nashc.vocab.cellops import PAPER_OPS, CellOp

SEEDS = 10**18  # torch takes up to 2**63


class Settings(BaseModel):
    """A section; unknown settings are mistakes."""

    model_config = ConfigDict(
        frozen=True, strict=True, extra="forbid", arbitrary_types_allowed=True
    )


# ---- network ------------------------------------------------------------------------------------


class Image(Settings):
    """What enters the network; written `UINT8 3x32x32` (channels, height, width)."""

    dtype: str
    channels: PositiveInt
    height: PositiveInt
    width: PositiveInt


def _image(value: Any) -> Any:
    example = "UINT8 3x32x32: data type, channels x height x width"
    if not isinstance(value, Call):
        refuse(
            "NASH104", f"an input needs a type and a size, and this is {describe(value)}", example
        )
    if not re.fullmatch(r"UINT[1-8]", value.name):
        text = (
            f"`{value.name or 'a size'}` is no data type of pixels"
            if value.name
            else ("an input needs a data type before its size")
        )
        refuse("NASH107", text, "UINT8 (legal are UINT1 to UINT8), for example " + example)
    if len(value.shape) != 3 or 0 in value.shape:
        refuse("NASH105", "an image has three sizes, all above 0", example)
    channels, height, width = value.shape
    return {"dtype": value.name, "channels": channels, "height": height, "width": width}


class Activation(Settings):
    """Which functions stand before convolutions and before adds (paper, section III-B)."""

    before_conv: Literal["relu"] = Field("relu", description="before a conv; FINN needs ReLU there")
    before_add: Literal["hardtanh", "identity"] = Field(
        "hardtanh", description="before an add; its bits are the activation bits of `shortcut`"
    )


class Roles(Settings):
    """Bit widths by role; `group0.block0.conv1 = w8` overrides a layer, `*` stands for any name."""

    stem: BitWidths = Field(Bits(8, None), description="stem; activations as the backbone")
    backbone: BitWidths = Field(Bits(2, 2), description="convs of the groups and ReLUs before them")
    shortcut: BitWidths = Field(Bits(8, 8), description="projections, and both sides of every add")
    nas: BitWidths = Field(Bits(1, 8), description="convs of the cells and ReLUs before them")
    head: BitWidths = Field(Bits(8, 4), description="fully connected layer; result of the average")

    @model_validator(mode="after")
    def _fill(self) -> Roles:
        """Close what the spec leaves open: `w8` keeps the role's default activations."""
        fallback = {"stem": Bits(8, self.backbone.act or 2), "backbone": Bits(2, 2)}
        fallback |= {"shortcut": Bits(8, 8), "nas": Bits(1, 8), "head": Bits(8, 4)}
        for role, bits in fallback.items():
            object.__setattr__(self, role, getattr(self, role).over(bits))
        return self


class Network(Settings):
    """The network itself."""

    input: Annotated[Image, BeforeValidator(_image)] = Field(
        description="type and size of an image"
    )
    classes: PositiveInt = Field(description="number of classes")
    activation: Activation = Activation()
    bits: Roles = Roles()


class CellSettings(Settings):
    """A NAS cell (paper, section III-B): nodes, edges and what an edge may choose."""

    nodes: int | None = Field(None, ge=2, description="nodes, node 0 included; checked when given")
    edges: Literal["all", "listed"] = Field(
        "all", description="every earlier node to every later one, or only those listed by `edge`"
    )
    ops: tuple[Operation, ...] = Field(PAPER_OPS, description="what an edge may choose from")
    policy: Literal["v1", "v2", "v3", "v4"] = Field(
        "v3", description="max-pools that would change the channel count"
    )
    identity_across: Literal["forbid", "two_convs"] = Field(
        "forbid",
        description="identity where channels or resolution change: none, or two 1x1 convs side by side",
    )

    @model_validator(mode="before")
    @classmethod
    def _tuple(cls, values: Any) -> Any:
        ops = values.get("ops") if isinstance(values, dict) else None
        return {**values, "ops": tuple(ops)} if isinstance(ops, list) else values


# ---- data, search and training -------------------------------------------------------------------


class Data(Settings):
    """A data set: `digits`, `cifar10("folder or tar")` or `folder("class folders or a tar")`."""

    kind: Literal["digits", "cifar10", "folder"]
    path: str | None = Field(None, description="under NASHC_DATA, else beside the spec")
    flip: bool = Field(False, description="mirror training images at random")
    crop: int = Field(0, ge=0, description="pixels of padding for a random crop in training")


DATA_SETS = {"digits": ((1, 8, 8), 10), "cifar10": ((3, 32, 32), 10)}
"""Image (channels, height, width) and classes of the data sets that have one size."""


def _data(value: Any) -> Any:
    example = 'digits, cifar10("path") or folder("path")'
    if isinstance(value, Word) and value == "digits":
        return {"kind": "digits"}
    name = value if isinstance(value, Word) else getattr(value, "name", None)
    if not isinstance(value, Word | Call):
        refuse("NASH104", f"a data set is needed, and this is {describe(value)}", example)
    if name not in ("digits", "cifar10", "folder"):
        refuse("NASH107", f"`{name}` is no kind of data set", f"legal are {example}")
    args = value.args if isinstance(value, Call) else ()
    if name != "digits" and (
        len(args) != 1 or not isinstance(args[0], str) or isinstance(args[0], Word)
    ):
        refuse("NASH110", f"`{name}` needs the path of its files in quotes", f'{name}("path")')
    if name == "digits" and args:
        refuse("NASH110", "`digits` comes with scikit-learn and has no path", "digits")
    augment = value.named if isinstance(value, Call) else {}
    return {"kind": str(name), "path": args[0] if args else None, **augment}


DataSet = Annotated[Data, BeforeValidator(_data)]


class Adam(Settings):
    name: Literal["adam"]
    lr: Real = Field(1e-3, gt=0)
    weight_decay: Real = Field(0.0, ge=0)


class AdamW(Settings):
    name: Literal["adamw"]
    lr: Real = Field(1e-3, gt=0)
    weight_decay: Real = Field(0.01, ge=0, description="apart from the gradient")


class Sgd(Settings):
    name: Literal["sgd"]
    lr: Real = Field(0.025, gt=0)
    momentum: Real = Field(0.9, ge=0, lt=1)
    weight_decay: Real = Field(3e-4, ge=0)
    nesterov: bool = Field(False, description="Nesterov's momentum")

    @model_validator(mode="after")
    def _belong_together(self) -> Sgd:
        if self.nesterov and self.momentum == 0:
            refuse(
                "NASH105",
                "Nesterov's momentum needs a momentum, and `momentum` is 0",
                "sgd(momentum = 0.9, nesterov = true)",
            )
        return self


class Constant(Settings):
    name: Literal["constant"]


class Cosine(Settings):
    name: Literal["cosine"]


class StepDown(Settings):
    name: Literal["step"]
    every: PositiveInt = Field(30, description="epochs between two steps")
    by: Real = Field(0.1, gt=0, lt=1, description="factor of each step")


class MultiStep(Settings):
    name: Literal["multistep"]
    at: tuple[PositiveInt, ...] = Field(description="epochs at which the rate steps, rising")
    by: Real = Field(0.1, gt=0, lt=1, description="factor of each step")

    @field_validator("at", mode="before")
    @classmethod
    def _tuple(cls, value: Any) -> Any:
        return tuple(value) if isinstance(value, list) else value

    @field_validator("at")
    @classmethod
    def _rising(cls, at: tuple[int, ...]) -> tuple[int, ...]:
        if not at or list(at) != sorted(set(at)):
            refuse("NASH105", "the epochs of a multistep schedule rise", "at = [30, 60, 90]")
        return at


class Polynomial(Settings):
    name: Literal["polynomial"]
    power: Real = Field(1.0, gt=0, description="of the share of epochs that is left; 1 is linear")


class FromFloat(Settings):
    """Knowledge distillation: the network's own float epochs teach its quantised ones."""

    name: Literal["float"]
    weight: Real = Field(0.5, gt=0, le=1, description="of the teacher against the labels")
    temperature: Real = Field(4.0, gt=0, description="of both softmaxes")


Optimiser = Annotated[Adam | AdamW | Sgd, Field(discriminator="name"), BeforeValidator(call)]
Schedule = Annotated[
    Constant | Cosine | Polynomial | StepDown | MultiStep,
    Field(discriminator="name"),
    BeforeValidator(call),
]
Distil = Annotated[FromFloat, BeforeValidator(call)]
AlphaOptimiser = Annotated[Adam, BeforeValidator(call)]


class BinaryGate(Settings):
    name: Literal["binary_gate"]


class TwoPath(Settings):
    name: Literal["two_path"]


class Gumbel(Settings):
    name: Literal["gumbel"]
    temperature: Real = Field(
        1.0, gt=0, description="of the softmax; the lower, the nearer its shares are to 0 and 1"
    )


Estimator = Annotated[
    BinaryGate | TwoPath | Gumbel, Field(discriminator="name"), BeforeValidator(call)
]


def _fits(value: Any) -> Any:
    return value if isinstance(value, Word) and value == "target" else _board(value)


class CostWeights(Settings):
    """What the hardware of the sampled architecture adds to the loss of the architecture step: weight times share."""

    lut: Real = Field(0.0, ge=0, description="LUTs, as a share of the board's")
    bram18: Real = Field(0.0, ge=0, description="blocks of 18 kbit, as a share of the board's")
    uram: Real = Field(0.0, ge=0, description="URAM blocks, as a share of the board's")
    dsp: Real = Field(0.0, ge=0, description="DSP slices, as a share of the board's")
    cycles: Real = Field(0.0, ge=0, description="cycles of a frame, relative to the backbone's")

    @property
    def is_asked(self) -> bool:
        return any(self.model_dump().values())


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
    alphas: AlphaOptimiser = Field(
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


class Train(Settings):
    """Algorithm 2 of the paper."""

    data: DataSet = Field(description="the data set")
    epochs: PositiveInt = Field(100, description="passes over the data (paper)")
    batch: PositiveInt = Field(256, description="images in a step (paper)")
    optimiser: Optimiser = Field(Adam(name="adam"), description="of the weights")
    schedule: Schedule = Field(StepDown(name="step"), description="of the learning rate")
    warmup: int = Field(0, ge=0, description="epochs in which the rate rises from 0")
    label_smoothing: Real = Field(0.0, ge=0, lt=1)
    clip: Real | None = Field(None, gt=0, description="largest gradient norm")
    ema: Real | None = Field(
        None, gt=0, lt=1, description="decay of averaged weights, which are tested and exported"
    )
    start: str | None = Field(
        None, description="weights.safetensors of the same layers, whatever the bit widths"
    )
    float_epochs: int = Field(0, ge=0, description="epochs in float before the quantised ones")
    distil: Distil | None = Field(
        None, description="the network of the float epochs teaches the quantised one"
    )
    amp: bool = Field(False, description="mixed precision: convolutions multiply in bfloat16")
    seed: int = Field(1, ge=0, le=SEEDS, description="of everything random")

    @model_validator(mode="after")
    def _has_a_teacher(self) -> Train:
        if self.distil and not (self.float_epochs or self.start):
            refuse(
                "NASH105",
                "`distil` needs a float network to learn from",
                "float_epochs = 30, or start from float weights",
            )
        return self


# ---- target ---------------------------------------------------------------------------------------


def _board(value: Any) -> Any:
    if isinstance(value, Board):
        return value
    if not isinstance(value, str):
        refuse("NASH104", f"a board is needed, and this is {describe(value)}", "board = U250")
    board = find_board(value)
    if board is None:
        refuse("NASH115", f"there is no board `{value}`", other_boards(value))
    return board


class FoldingFrom(Settings):
    """Where the folding comes from: the solver within a budget, or a file."""

    kind: Literal["optimal", "file"] = Field(json_schema_extra=INTERNAL)
    content: dict[str, dict[str, Any]] | None = Field(
        None, description="of the file: attributes by layer", json_schema_extra=INTERNAL
    )
    lut: int | None = Field(None, ge=0, description="most LUTs, the board's when left out")
    bram18: int | None = Field(None, ge=0, description="most blocks of 18 kbit")
    uram: int | None = Field(None, ge=0, description="most URAM blocks")
    dsp: int | None = Field(None, ge=0, description="most DSP slices")

    @property
    def budget(self) -> str | None:
        """As the command line writes it."""
        named = self.model_dump(include={"lut", "bram18", "uram", "dsp"}, exclude_none=True)
        return ",".join(f"{name}={limit}" for name, limit in named.items()) or None


def _folding(value: Any) -> Any:
    example = 'optimal, optimal(lut = 200000, bram18 = 1000) or a file: "folding.json"'
    if isinstance(value, dict):  # the file was read where it was named
        return {"kind": "file", "content": value}
    name = value if isinstance(value, Word) else getattr(value, "name", None)
    if name != "optimal":
        code = "NASH107" if isinstance(value, Word | Call) else "NASH104"
        refuse(code, f"{describe(value)} is no folding", f"legal are {example}")
    arguments = call(value) if isinstance(value, Call) else {}
    for word in ("kind", "content"):
        if word in arguments:
            refuse("NASH110", f"there is no `{word}` in these arguments", f"for example {example}")
    return {"kind": "optimal", **{k: v for k, v in arguments.items() if k != "name"}}


class Target(Settings):
    """The hardware: nothing here changes the trained network."""

    board: Annotated[Board, BeforeValidator(_board)] = Field(
        description="a name of `nashc boards`, or the path of a board file in quotes"
    )
    clock: Clock = Field(5.0, validate_default=True, description="frequency or period")
    fps: PositiveInt | None = Field(None, description="frames a second that the folding aims at")
    mvau_wwidth_max: PositiveInt = Field(
        10000, description="widest weight stream of a matrix unit in bits, FINN's folding limit"
    )
    folding: Annotated[FoldingFrom | None, BeforeValidator(_folding)] = Field(
        None,
        description="FINN's own when left out; `optimal`: the best there is; or a folding file",
    )

    @field_validator("clock")
    @classmethod
    def _in_range(cls, period_ns: float, info: ValidationInfo) -> float:
        """The clock that the board's shell can give."""
        board: Board | None = info.data.get("board")
        limits = board.clock_mhz if board else None
        mhz = 1e3 / period_ns
        if limits and not limits[0] * 0.999 <= mhz <= limits[1] * 1.001:
            text = f"{board.name if board else ''} takes clocks from {limits[0]:g} to {limits[1]:g} MHz"
            refuse("NASH105", f"{text}, and this is {mhz:g} MHz", f"clock = {limits[1]:g} MHz")
        return period_ns


class Finn(Settings):
    """How FINN builds it; the defaults work on every board."""

    lowering: Literal["direct", "streamline"] = Field(
        "direct",
        description="who makes the integer graph: nashc from the trained layers, or FINN's streamlining",
    )
    prefer: Literal["auto", "hls", "rtl"] = Field(
        "auto", description="HLS or RTL where FINN has both for a layer; auto: FINN's choice"
    )
    mem_mode: Literal["auto", "internal_decoupled", "internal_embedded", "external"] = Field(
        "auto", description="where matrix units keep their weights; auto: FINN's choice"
    )
    ram_style: Literal["auto", "block", "distributed"] = Field(
        "auto",
        description="memory of the weights; auto: Vivado's choice (URAM cannot hold constants)",
    )
    fifo_sizing: Literal["simulate", "characterize", "minimal"] = Field(
        "simulate",
        description="how FINN finds FIFO depths; characterize: AMD's FINN only, minimal: FINN+ only",
    )
    fifo_ram_style: Literal["auto", "block", "distributed", "ultra"] = Field(
        "auto", description="memory of large FIFOs"
    )
    driver: Literal["pynq", "cpp", "none"] = Field(
        "pynq", description="software that feeds the accelerator; cpp: FINN+ and Alveo only"
    )
    deployment: bool = Field(True, description="bitfile and driver as one folder to copy")
    vitis_strategy: Literal[
        "default", "power", "performance", "performance_best", "size", "quick"
    ] = Field("default", description="what v++ optimises for, Alveo only")
    vitis_platform: str | None = Field(None, description="Vitis platform instead of FINN's own")

    @model_validator(mode="after")
    def _belong_together(self) -> Finn:
        if self.deployment and self.driver == "none":
            refuse(
                "NASH105",
                "a deployment package needs a driver, and `driver` is none",
                "deployment = false",
            )
        return self


__all__ = [
    "Activation",
    "CellOp",
    "CellSettings",
    "Data",
    "Finn",
    "Image",
    "Network",
    "Roles",
    "Search",
    "Settings",
    "Target",
    "Train",
]
