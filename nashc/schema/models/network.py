"""The `network` section and a NAS cell: what goes in, what comes out, bit widths, what an edge may choose."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, PositiveInt, model_validator

from nashc.schema.fields import BitWidths, Operation, refuse
from nashc.schema.models.settings import Settings
from nashc.schema.values import Call, describe
from nashc.vocab.bits import Bits
from nashc.vocab.cellops import PAPER_OPS


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
        description="UINT1 to UINT8, and channels x height x width of an image"
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
        "v3", description="what becomes of max-pools that would change the channel count, see below"
    )
    identity_across: Literal["forbid", "two_convs"] = Field(
        "forbid",
        description="identity where channels change or an even resolution is halved: none, or two 1x1 convs side by side",
    )

    @model_validator(mode="before")
    @classmethod
    def _tuple(cls, values: Any) -> Any:
        ops = values.get("ops") if isinstance(values, dict) else None
        return {**values, "ops": tuple(ops)} if isinstance(ops, list) else values
