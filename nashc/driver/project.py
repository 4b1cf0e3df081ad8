"""From a spec's path to the files of its project, without writing any of them.

A spec whose cells are still to be searched gives a project that can only search; with the genotype that a
search found, the project of `found.nash` takes its place.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from nashc import emit
from nashc.diagnostics import Diagnostic, SpecError
from nashc.driver.found import (
    FOUND,
    Derivation,
    derivation_in,
    found_blocks,
    found_text,
    search_of,
    usual_folder,
)
from nashc.emit.write import WriteResult, outdated, write
from nashc.ir import Graph
from nashc.lower import lower
from nashc.schema import Spec, load

_UNNAMED = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
"""Line ends and bytes that are not UTF-8: the programs name the spec in their comments."""


@dataclass(frozen=True)
class Project:
    """A spec, its graph and the files it becomes.

    base: the spec that the user named; `spec` is found.nash once the architecture is known.
    searched: the files of `base`, from which the key of a search is taken.
    """

    base: Spec
    spec: Spec
    graph: Graph
    folder: Path
    files: Mapping[str, str]
    searched: Mapping[str, str]

    @property
    def name(self) -> str:
        return self.base.name

    @property
    def lacks_genotype(self) -> bool:
        """Still to be searched; then there is no network to train yet."""
        return self.spec.is_searched

    def write(self, *, force: bool = False) -> WriteResult:
        """Bring the folder to this state; errors as in `emit.write`."""
        digest = self.spec.digest
        return write(self._all_files(), self.folder, digest, name=self.name, force=force)

    def outdated(self, *, force: bool = False) -> tuple[str, ...] | None:
        """The files of the folder that would change; None if it was never written. Errors: NASH402, as `write`."""
        return outdated(
            self._all_files(), self.folder, self.spec.digest, name=self.name, force=force
        )

    def _all_files(self) -> dict[str, str]:
        """With the spec itself where it lies in its own output folder: it is not a stale file there."""
        files = dict(self.files)
        inside = self.folder.resolve()
        for path in self.base.sources:
            if inside in path.resolve().parents:
                relative = path.resolve().relative_to(inside).as_posix()
                files[relative] = path.read_bytes().decode("utf-8")
        return files


def read(path: Path, overrides: Mapping[str, str], folder: Path | None = None) -> Project:
    """The project of a spec. folder: where it will be written, by default build/<name>.

    Errors: SpecError.
    """
    spec = load(path, overrides)
    if _UNNAMED.search(path.name):
        message = f"the name of {path} has bytes that cannot stand in the files of a project"
        raise SpecError([Diagnostic("NASH001", message, help="rename the file")])
    graph = lower(spec)
    files = emit.project(spec, graph)
    return Project(spec, spec, graph, folder or usual_folder(spec.name), files, files)


def with_genotype(
    project: Project, found: str, key: str, origin: str, derivation: Derivation | None
) -> Project:
    """The project with the architecture that a search found.

    found: text with what the search found. key: of the search. origin: a few words on it. derivation: under a budget.
    """
    text = found_text(
        base=project.base.path,
        folder=project.folder,
        overrides=project.base.overrides,
        key=key,
        blocks=found_blocks(found),
        origin=origin,
        derivation=derivation,
    )
    spec = _load_text(project, text)
    graph = lower(spec)
    files = {**emit.project(spec, graph), FOUND: text}
    if project.base.searches_places:  # found.nash no longer says what to choose from
        files |= {name: it for name, it in project.searched.items() if emit.is_of_search(name)}
    return replace(project, spec=spec, graph=graph, files=files)


def with_existing_found(
    project: Project, key: str, derivation: Derivation | None
) -> Project | None:
    """The project with the found.nash that lies in its folder, if that came from the search with this key, derived so."""
    try:
        text = (project.folder / FOUND).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None
    search = search_of(text)
    if search is None or search[0] != key or derivation_in(text) != derivation:
        return None
    return with_genotype(project, text, key, search[1], derivation)


def _load_text(project: Project, text: str) -> Spec:
    """The spec of found.nash before it is written: from a temporary folder, to which nothing refers after."""
    here = str(project.base.path.resolve())
    with tempfile.TemporaryDirectory(prefix="nashc-") as folder:
        path = Path(folder) / FOUND
        first, _, rest = text.partition('extends "')
        path.write_text(f'{first}extends "{here}"{rest.partition(chr(34))[2]}', encoding="utf-8")
        spec = load(path)
    return replace(spec, path=project.folder / FOUND)
