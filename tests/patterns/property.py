"""What holds of every spec: check accepts it and it goes all the way to FINN's sources, or check tells where and what to do."""

from __future__ import annotations

import shutil
import tempfile
import traceback
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings

from nashc.diagnostics import SpecError
from tests.patterns.carry import accepted, carry
from tests.patterns.nets import specs

# Of a diagnostic that is good without one: the shapes that it shows say all.
NO_WAY_OUT_NEEDED = ("NASH201",)


class Silent(AssertionError):
    """A diagnostic without a place in the spec, or without a way out."""


def holds(text: str, folder: Path, build: Path) -> str:
    """Codes of the refusal, or "carried". Errors: whatever went wrong. build: FINN_BUILD_DIR."""
    path = folder / "net.nash"
    path.write_text(text)
    try:
        accepted(path)
    except SpecError as error:
        for told in error.diagnostics:
            if told.span is None or not (told.help or told.code in NO_WAY_OUT_NEEDED):
                raise Silent(f"{told.code}: {told.message}") from error
        return "refused " + ", ".join(sorted({told.code for told in error.diagnostics}))
    shutil.rmtree(build, ignore_errors=True)
    build.mkdir()
    carry(path, folder / "net")
    return "carried"


class Broken(Exception):
    """The property does not hold; text: of the smallest spec that hypothesis found, why: the traceback."""

    def __init__(self, text: str, why: str) -> None:
        super().__init__(f"{text}\n{why}")
        self.text, self.why = text, why


def search(
    examples: int, build: Path, number: int | None = None, say: Callable[[str], None] = print
) -> Counter[str]:
    """Draw so many specs; how many were carried, and refused with which codes. Errors: Broken, shrunk.

    number: of a random sequence; None draws the same specs each time.
    """
    counts: Counter[str] = Counter()
    last: list[tuple[str, str]] = []

    def attempt(text: str) -> None:
        with tempfile.TemporaryDirectory() as folder:
            try:
                found = holds(text, Path(folder), build)
            except Exception:
                last.append((text, traceback.format_exc()))
                raise
        counts[found] += 1
        if found == "carried" and counts[found] % 10 == 0:
            say(f"{counts[found]} carried of {counts.total()}")

    options: dict[str, Any] = {"derandomize": True} if number is None else {}
    run = settings(
        max_examples=examples,
        deadline=None,
        database=None,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
        phases=(Phase.generate, Phase.shrink),
        print_blob=False,
        **options,
    )(given(specs())(attempt))
    try:
        (run if number is None else seed(number)(run))()
    except Exception as error:
        if not last:
            raise
        raise Broken(*last[-1]) from error
    return counts
