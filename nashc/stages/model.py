"""What a stage is: an emitted program, the files it takes and gives, and what it needs to run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Take:
    """A result of an earlier stage, handed over as `option path`.

    file: None hands over the whole folder of results.
    """

    option: str
    stage: str
    file: str | None = None


@dataclass(frozen=True)
class NeedIf:
    """Distributions that a stage needs where a setting of a file has this value."""

    file: str
    setting: str
    value: Any
    needs: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Stage:
    """One step of `nashc run`.

    program: the emitted file that is executed; its imports among the emitted files belong to it.
    settings: the emitted JSON files it reads, under `settings/`. optional_settings: those that are there only if the
        spec asks for them. ignores: what is in them that cannot change its result, as `build.json: finn.driver`.
    gives: files that must lie in its folder afterwards.
    needs: distributions that its interpreter must have; their versions are part of the result's key. needs_if: more of
        them, by settings.
    tools: programs outside Python that it needs.
    is_shareable: several processes can do it together, started by torchrun.
    builds_on: stages whose last result it may begin with, since its program knows which parts still hold;
        the first that has one counts. builds_anew: folders of such a result that are left behind.
    leads_to: a stage behind it; if the same run does that, too, it is told by --training-data where its images lie.
    completes: the stage before it that is not done without it: who asks for that one as the last gets this one, too.
    version: to be raised when results made before must not be kept although no emitted file changed.
    """

    name: str
    does: str
    program: str
    gives: tuple[str, ...]
    needs: tuple[str, ...]
    needs_if: tuple[NeedIf, ...] = ()
    settings: tuple[str, ...] = ()
    optional_settings: tuple[str, ...] = ()
    ignores: tuple[str, ...] = ()
    takes: tuple[Take, ...] = ()
    arguments: tuple[str, ...] = ()
    tools: tuple[str, ...] = ()
    reads_data: bool = False
    can_resume: bool = False
    is_shareable: bool = False
    is_optional: bool = False
    builds_on: tuple[str, ...] = ()
    builds_anew: tuple[str, ...] = ()
    leads_to: str | None = None
    completes: str | None = None
    version: int = 1

    @property
    def sources(self) -> tuple[str, ...]:
        """The stages whose results it takes, in order."""
        return tuple(dict.fromkeys(take.stage for take in self.takes))

    def needs_with(self, settings: Mapping[str, Mapping[str, Any]]) -> tuple[str, ...]:
        """All distributions that it needs; settings: by file name."""
        more = (
            name
            for need in self.needs_if
            if settings.get(need.file, {}).get(need.setting) == need.value
            for name in need.needs
        )
        return tuple(dict.fromkeys((*self.needs, *more)))
