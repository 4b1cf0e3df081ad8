"""Every path of a floorplan must name a layer."""

from __future__ import annotations

from fnmatch import fnmatchcase

from nashc.diagnostics import Diagnostic, Problems
from nashc.ir import Graph
from nashc.passes.layer_paths import nearest_layer
from nashc.schema import Spec


def check_floorplan(graph: Graph, spec: Spec, problems: Problems) -> Graph:
    """The same graph; NASH112 for a path that matches nothing."""
    names = [node.name for node in graph.nodes]
    for place in spec.floorplan:
        if not any(fnmatchcase(name, place.pattern) for name in names):
            hint = nearest_layer(place.pattern, names)
            text = f"`{place.pattern}` matches no layer"
            problems.add(Diagnostic("NASH112", text, place.span, help=hint))
    return graph
