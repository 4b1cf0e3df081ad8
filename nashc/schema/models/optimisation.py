"""Optimisers and learning-rate schedules by name, as templates/support/training/optimisation.py makes them of torch's."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, PositiveInt, field_validator, model_validator

from nashc.schema.fields import Real, call, refuse
from nashc.schema.models.settings import Settings


class Adam(Settings):
    """Kingma and Ba, 2015; weight decay is part of the gradient."""

    name: Literal["adam"]
    lr: Real = Field(1e-3, gt=0)
    weight_decay: Real = Field(0.0, ge=0)


class AdamW(Settings):
    """Adam with weight decay of its own, as Loshchilov and Hutter, 2019."""

    name: Literal["adamw"]
    lr: Real = Field(1e-3, gt=0)
    weight_decay: Real = Field(0.01, ge=0, description="apart from the gradient")


class Sgd(Settings):
    """Stochastic gradient descent with momentum."""

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
    """One rate throughout."""

    name: Literal["constant"]


class Cosine(Settings):
    """Half a cosine, from the full rate to 0."""

    name: Literal["cosine"]


class StepDown(Settings):
    """Down by a factor in regular steps."""

    name: Literal["step"]
    every: PositiveInt = Field(30, description="epochs between two steps")
    by: Real = Field(0.1, gt=0, lt=1, description="factor of each step")


class MultiStep(Settings):
    """Down by a factor at epochs that are listed."""

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
    """From the full rate to 0."""

    name: Literal["polynomial"]
    power: Real = Field(1.0, gt=0, description="of the share of epochs that is left; 1 is linear")


Optimiser = Annotated[Adam | AdamW | Sgd, Field(discriminator="name"), BeforeValidator(call)]
Schedule = Annotated[
    Constant | Cosine | Polynomial | StepDown | MultiStep,
    Field(discriminator="name"),
    BeforeValidator(call),
]
