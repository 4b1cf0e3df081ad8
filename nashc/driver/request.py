"""What a user asked for, as one value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from nashc.diagnostics import Diagnostic, SpecError
from nashc.diagnostics.model import nearest
from nashc.stages import BY_NAME, STAGES, Stage


@dataclass(frozen=True)
class Request:
    """python: the interpreter of the stages. environment: that of nashc, which the stages inherit.

    first, last: names of the stages to begin and end with. force: stages to run again.
    processes: that search and train together; their number changes no result but for rounding.
    is_alone: without the variants of the spec's `compare`.
    """

    spec: Path
    python: str
    environment: Mapping[str, str]
    overrides: Mapping[str, str] = field(default_factory=dict)
    out: Path | None = None
    data: Path | None = None
    first: str | None = None
    last: str | None = None
    force: frozenset[str] = frozenset()
    overwrite: bool = False
    processes: int = 1
    is_alone: bool = False

    def __post_init__(self) -> None:
        for name in (self.first, self.last, *sorted(self.force)):
            if name is not None:
                stage_called(name)
        names = [stage.name for stage in STAGES]
        if self.first and self.last and names.index(self.first) > names.index(self.last):
            message = f"{self.first} comes after {self.last}"
            raise SpecError(
                [Diagnostic("NASH505", message, help="the order is " + ", ".join(names))]
            )

        for name in sorted(self.force):
            self._check_forced(BY_NAME[name])

    def _check_forced(self, stage: Stage) -> None:
        where = ""
        if stage not in self.stages:
            where, way = f"behind --to {self.last}", f"--to {stage.name}"
        elif self.comes_before(stage):
            where, way = f"before --from {self.first}", f"--from {stage.name}"
        if where:
            message = f"--force {stage.name} lies {where}: it would not run"
            help_text = f"{way}, or leave --force {stage.name} out"
            raise SpecError([Diagnostic("NASH505", message, help=help_text)])

    @property
    def stages(self) -> tuple[Stage, ...]:
        """The stages up to the last one asked for, and what completes that."""
        names = [stage.name for stage in STAGES]
        if not self.last:
            return STAGES
        end = names.index(self.last) + 1
        return STAGES[:end] + tuple(it for it in STAGES[end:] if it.completes == self.last)

    def comes_before(self, stage: Stage) -> bool:
        """The stage lies before the first one asked for: only a kept result of it is used."""
        names = [stage.name for stage in STAGES]
        return self.first is not None and names.index(stage.name) < names.index(self.first)

    def is_named(self, stage: Stage) -> bool:
        """The user named the stage, so that not running it is a failure even if it is optional."""
        return stage.name in {self.first, self.last, *self.force}


def stage_called(name: str) -> Stage:
    """The stage of this name; NASH505 if there is none."""
    if name in BY_NAME:
        return BY_NAME[name]
    message = f"there is no stage `{name}`"
    known = "the stages are " + ", ".join(BY_NAME)
    close = nearest(name, BY_NAME)
    help_text = f"{close} {known}" if close.startswith("did") else known
    if name.endswith(".nash"):
        help_text = f"a stage is asked for here, and a spec comes behind it; {known}"
    raise SpecError([Diagnostic("NASH505", message, help=help_text)])
