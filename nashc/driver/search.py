"""From the results of the stages that find an architecture to the project of what they found."""

from __future__ import annotations

import json
from collections.abc import Mapping

from nashc.diagnostics.model import counted
from nashc.driver.found import FOUND, Derivation
from nashc.driver.key import key_of
from nashc.driver.project import Project, with_genotype
from nashc.driver.store import Result
from nashc.stages import FINDERS, Stage
from nashc.stages.derive import DERIVE
from nashc.stages.search import SEARCH


def finders_of(project: Project) -> tuple[Stage, ...]:
    """The stages that find the architecture of a spec; none where it says it."""
    if not project.base.is_searched:
        return ()
    has_budget = "settings/derive.json" in project.searched
    return tuple(stage for stage in FINDERS if has_budget or stage != DERIVE)


def with_found(project: Project, results: Mapping[str, Result]) -> Project:
    """The project with the architecture that its last finder found. results: of all of them, by name."""
    *_, last = finders_of(project)
    searched, result = results[SEARCH.name], results[last.name]
    text = (result.folder / FOUND).read_text(encoding="utf-8")
    about = json.loads((result.folder / "genotype.json").read_text(encoding="utf-8"))
    search, seed = project.base.search, about["provenance"]["seed"]  # of several, the best one's
    assert search
    # The digest of the spec as it was then: a clock changed since is no change of what was found.
    origin = (
        f"{counted(search.epochs, 'epoch')} on {search.data.kind}, batch {search.batch}, seed {seed}; "
        f"spec {searched.record['spec_digest'][:12]}"
    )
    return with_genotype(project, text, searched.key, origin, derivation_of(project, searched.key))


def derivation_of(project: Project, search: str) -> Derivation | None:
    """How the budget of a spec takes its network from a search with this key; None where there is no budget.

    Its digest is that of all that the derivation depends on, with the search's key in place of the search's files, so that
    a found.nash tells where it belongs when these are gone.
    """
    if DERIVE not in finders_of(project):
        return None
    key = key_of(DERIVE, project.searched, {"search": search}, {})
    limits = json.loads(project.searched["settings/derive.json"])["limits"]
    return Derivation(key.digest, ", ".join(f"{it} <= {most:,}" for it, most in limits.items()))
