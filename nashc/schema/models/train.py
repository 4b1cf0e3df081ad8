"""The `train` section: how the weights of the quantised network are found."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, PositiveInt, model_validator

from nashc.schema.fields import Real, call, refuse
from nashc.schema.models.data import DataSet
from nashc.schema.models.optimisation import Adam, Optimiser, Schedule, StepDown
from nashc.schema.models.settings import SEEDS, Settings


class FromFloat(Settings):
    """Knowledge distillation: the network's own float epochs teach its quantised ones."""

    name: Literal["float"]
    weight: Real = Field(0.5, gt=0, le=1, description="of the teacher against the labels")
    temperature: Real = Field(4.0, gt=0, description="of both softmaxes")


class Train(Settings):
    """Algorithm 2 of the paper."""

    data: DataSet = Field(description="the data set")
    epochs: PositiveInt = Field(100, description="passes over the data (paper)")
    batch: PositiveInt = Field(256, description="images in a step (paper)")
    optimiser: Optimiser = Field(Adam(name="adam"), description="of the weights")
    schedule: Schedule = Field(StepDown(name="step"), description="of the learning rate")
    warmup: int = Field(0, ge=0, description="epochs in which the rate rises from 0")
    label_smoothing: Real = Field(
        0.0, ge=0, lt=1, description="share of the labels that is spread over all classes"
    )
    clip: Real | None = Field(None, gt=0, description="largest gradient norm")
    ema: Real | None = Field(
        None, gt=0, lt=1, description="decay of averaged weights, which are tested and exported"
    )
    start: str | None = Field(
        None, description="weights.safetensors of the same layers, whatever the bit widths"
    )
    float_epochs: int = Field(0, ge=0, description="epochs in float before the quantised ones")
    distil: Annotated[FromFloat, BeforeValidator(call)] | None = Field(
        None,
        description="the network of the float epochs, or without them that of `start`, teaches the quantised one",
    )
    amp: bool = Field(False, description="mixed precision: convolutions multiply in bfloat16")
    seed: int = Field(1, ge=0, le=SEEDS, description="of everything random")

    @model_validator(mode="after")
    def _belong_together(self) -> Train:
        if self.warmup >= self.epochs:
            text = f"the rate still rises when training ends: `warmup` is {self.warmup} of {self.epochs} epochs"
            refuse("NASH105", text, f"warmup = {self.epochs // 10}")
        if self.float_epochs and self.warmup >= self.float_epochs:
            text = f"the rate still rises when the float epochs end: `warmup` is {self.warmup} of {self.float_epochs}"
            refuse("NASH105", text, f"warmup = {min(self.epochs, self.float_epochs) // 10}")
        if self.distil and not (self.float_epochs or self.start):
            refuse(
                "NASH105",
                "`distil` needs a float network to learn from",
                "float_epochs = 30, or start from float weights",
            )
        return self
