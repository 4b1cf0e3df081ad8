"""A valid Spec becomes a Graph; names become edges.

Flow statements are unrolled into layers, each under its path (`group0.block0.conv1`), then the
passes attach cells, join quantisers and types, and check that FINN can build the result.
"""

from __future__ import annotations

from nashc.channels import check_channels, with_common_ops
from nashc.diagnostics import Problems
from nashc.ir import Graph
from nashc.lower.unroll import unroll
from nashc.passes.pipeline import run
from nashc.schema import Spec


def lower(spec: Spec) -> Graph:
    """The checked and typed graph of a spec.

    Errors: SpecError with all diagnostics found (NASH1xx for names, 2xx for shapes, 3xx for cells, 454 for a folding
    file that does not fit the layers).
    """
    problems = Problems()
    graph = unroll(spec, problems)
    problems.check()
    graph = run(graph, spec, problems)
    check_channels(spec, graph, lower)
    graph = with_common_ops(spec, graph, lower)
    if spec.target and spec.target.folding and not spec.is_searched:
        from nashc.fold.of_target import check_file  # numpy, when a folding is asked for

        check_file(spec, graph)
    return graph
