"""Every path of a floorplan must name a layer."""

from __future__ import annotations

from fnmatch import fnmatchcase

from nashc.diagnostics import Diagnostic, Problems
from nashc.diagnostics.model import nearest
from nashc.ir import Graph
from nashc.schema import Spec


def check_floorplan(graph: Graph, spec: Spec, problems: Problems) -> Graph:
    """The same graph; NASH112 for a path that matches nothing."""
    names = [node.name for node in graph.nodes]
    for place in spec.floorplan:
        if not any(fnmatchcase(name, place.pattern) for name in names):
            hint = nearest(place.pattern, names)
            if not hint.startswith("did"):
                hint = "`nashc show SPEC --as ir` lists the layers"
            text = f"`{place.pattern}` matches no layer"
            problems.add(Diagnostic("NASH112", text, place.span, help=hint))
    return graph
