"""From the result of a search to the project of what it found."""

from __future__ import annotations

import json

from nashc.driver.found import FOUND
from nashc.driver.project import Project, with_genotype
from nashc.driver.store import Result


def with_found(project: Project, result: Result) -> Project:
    """The project with the architecture of a finished search."""
    text = (result.folder / FOUND).read_text(encoding="utf-8")
    about = json.loads((result.folder / "genotype.json").read_text(encoding="utf-8"))
    search, seed = project.base.search, about["provenance"]["seed"]  # of several, the best one's
    assert search
    # The digest of the spec as it was then: a clock changed since is no change of what was found.
    origin = (
        f"{search.epochs} epochs on {search.data.kind}, batch {search.batch}, seed {seed}; "
        f"spec {result.record['spec_digest'][:12]}"
    )
    return with_genotype(project, text, result.key, origin)
