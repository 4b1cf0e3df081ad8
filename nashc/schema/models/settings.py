"""What all sections of a spec have in common."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

SEEDS = 10**18  # torch takes up to 2**63


class Settings(BaseModel):
    """A section; unknown settings are mistakes."""

    model_config = ConfigDict(
        frozen=True, strict=True, extra="forbid", arbitrary_types_allowed=True
    )
