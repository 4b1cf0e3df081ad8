"""The `finn` section: how FINN builds the hardware."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from nashc.schema.fields import refuse
from nashc.schema.models.settings import Settings


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
