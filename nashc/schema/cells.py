"""NAS cells: scopes, edges, and what the op set and the policy say to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic_core import PydanticCustomError

from nashc.diagnostics import Diagnostic, Label, Problems
from nashc.diagnostics.model import nearest
from nashc.schema.fields import cell_op
from nashc.schema.merge import Merged
from nashc.schema.mistakes import SpanTable, validated
from nashc.schema.models import CellSettings
from nashc.schema.values import evaluate
from nashc.syntax import ast
from nashc.text import Span
from nashc.vocab.cellops import CellOp

UNITS = ("layer", "block", "group")


@dataclass(frozen=True)
class Cell:
    """A cell statement: `cell in each group`, or `cell in group1.block0` when `each` is False.

    edge_ops: op sets of edges that have their own, by (earlier node, later node).
    """

    each: bool
    scope: str
    settings: CellSettings
    edge_ops: Mapping[tuple[int, int], tuple[CellOp, ...]]
    span: Span
    edge_spans: Mapping[tuple[int, int], Span] = field(default_factory=dict)

    def ops_of(self, source: int, target: int) -> tuple[CellOp, ...]:
        """What the edge may choose from; nothing where the cell does not list it."""
        if (source, target) in self.edge_ops:
            return self.edge_ops[source, target]
        return self.settings.ops if self.settings.edges == "all" else ()


def read_cells(
    network: Merged, params: Mapping[str, Any], spans: SpanTable, problems: Problems
) -> tuple[Cell, ...]:
    """The cell statements of a network; edges and op sets checked as far as one cell tells."""
    cells = []
    for key, section in network.sections.items():
        if key.startswith("cell "):
            cell = _cell(key, section, params, spans, problems)
            if cell:
                cells.append(cell)
    _check_one_policy(cells, problems)
    return tuple(cells)


def _cell(
    key: str, section: Merged, params: Mapping[str, Any], spans: SpanTable, problems: Problems
) -> Cell | None:
    scope = _scope(section, problems)
    path = (key,)
    spans.put(path, section.head, section.head)
    values: dict[str, Any] = {}
    for name, setting in section.settings.items():
        spans.put(
            (*path, name), setting.key.span, setting.values[0].span.to(setting.values[-1].span)
        )
        results = [evaluate(value, params, problems) for value in setting.values]
        values[name] = results[0] if len(results) == 1 else results
        if name == "ops" and isinstance(setting.values[0], ast.List):
            for index, item in enumerate(setting.values[0].items):
                spans.put((*path, name, str(index)), item.span, item.span)
    settings = validated(CellSettings, values, path, spans, problems)
    if settings is None or scope is None:
        return None
    listed = [spans.value((*path, "ops", str(index))) for index in range(len(settings.ops))]
    _check_once(settings.ops, listed, problems)
    edge_ops, edge_spans = _edges(section, settings, params, problems)
    policy = spans.value((*path, "policy"))
    if settings.policy == "v4":
        if settings.edges == "all":
            where = spans.value((*path, "ops")) or section.head
            _check_max_pool("ops", settings.ops, where, policy, problems)
        for (source, target), ops in edge_ops.items():
            where = edge_spans[source, target]
            _check_max_pool(f"edge {source} -> {target}", ops, where, policy, problems)
    each, name = scope
    return Cell(each, name, settings, edge_ops, section.head, edge_spans)


def _scope(section: Merged, problems: Problems) -> tuple[bool, str] | None:
    words = [word.text for word in section.words]
    help_text = (
        "cell in each group { ... }; also each block, each layer, network, or a path such as group1"
    )
    match words:
        case ["in", "each", unit] if unit in UNITS:
            return True, unit
        case ["in", "each", unit]:
            text = f"`{unit}` is nothing that a cell attaches to"
            hint = nearest(unit, UNITS)
            problems.add(Diagnostic("NASH302", text, section.words[2].span, help=hint))
        case ["in", path] if path != "each":
            return False, path
        case _:
            text = "a cell says where it attaches"
            problems.add(Diagnostic("NASH302", text, section.head, help=help_text))
    return None


def _edges(
    section: Merged, settings: CellSettings, params: Mapping[str, Any], problems: Problems
) -> tuple[dict[tuple[int, int], tuple[CellOp, ...]], dict[tuple[int, int], Span]]:
    ops: dict[tuple[int, int], tuple[CellOp, ...]] = {}
    spans: dict[tuple[int, int], Span] = {}
    for edge in section.edges:
        source, target = int(edge.source.value), int(edge.target.value)
        if source >= target:
            kind = "a node cannot feed itself" if source == target else "edges lead forward"
            text = f"edge {source} -> {target} is illegal: {kind}"
            hint = (
                f"edge {target} -> {source}"
                if source != target
                else f"edge {source} -> {target + 1}"
            )
            problems.add(
                Diagnostic("NASH301", text, edge.source.span.to(edge.target.span), help=hint)
            )
            continue
        if settings.nodes is not None and target >= settings.nodes:
            text = f"there is no node {target}: the cell has nodes 0 to {settings.nodes - 1}"
            hint = f"nodes = {target + 1}, or leave the edge out"
            problems.add(Diagnostic("NASH301", text, edge.target.span, help=hint))
            continue
        if (source, target) in ops:
            others = (Label(spans[source, target], "first here"),)
            text = f"edge {source} -> {target} stands twice"
            problems.add(Diagnostic("NASH102", text, edge.span, "again here", others))
            continue
        found = _op_list(edge.value, params, problems)
        if found is not None:
            ops[source, target], spans[source, target] = found, edge.span
    return ops, spans


def _op_list(
    value: ast.Value, params: Mapping[str, Any], problems: Problems
) -> tuple[CellOp, ...] | None:
    items = value.items if isinstance(value, ast.List) else (value,)
    ops = [read_op(item, evaluate(item, params, problems), problems) for item in items]
    if None in ops:
        return None
    _check_once(ops, [item.span for item in items], problems)
    return tuple(op for op in ops if op)


def _check_once(
    ops: Sequence[CellOp | None], spans: Sequence[Span | None], problems: Problems
) -> None:
    """An operation that stands twice in an op set would be sampled twice as often, and nobody could tell the two apart."""
    first: dict[CellOp | None, Span | None] = {}
    for op, span in zip(ops, spans, strict=True):
        if op in first:
            earlier = first[op]
            others = (Label(earlier, "first here"),) if earlier else ()
            text = f"`{op}` stands twice in the op set"
            problems.add(Diagnostic("NASH102", text, span, "again here", others))
        first.setdefault(op, span)


def read_op(node: ast.Node, value: Any, problems: Problems) -> CellOp | None:
    """value: of `node`. Errors: NASH104, NASH304."""
    try:
        return cell_op(value)
    except PydanticCustomError as error:
        context = error.context or {}
        problems.add(
            Diagnostic(error.type, error.message(), node.span, help=context.get("help", ""))
        )
        return None


def _check_max_pool(
    name: str, ops: Sequence[CellOp], where: Span, policy: Span | None, problems: Problems
) -> None:
    """v4 is the policy without max-pools (paper, section III-D)."""
    if any(op.kind == "maxpool" for op in ops):
        others = (Label(policy, "v4 takes max-pool out of the op set"),) if policy else ()
        written = ", ".join(str(op) for op in ops if op.kind != "maxpool") or "conv 1x1"
        problems.add(
            Diagnostic(
                "NASH308",
                "the op set holds a max-pool, which policy v4 takes out",
                where,
                "max-pool stands here",
                others,
                f"{name} = [{written}]",
            )
        )


def _check_one_policy(cells: Sequence[Cell], problems: Problems) -> None:
    """A search derives all cells of a network by the same policy."""
    for cell in cells[1:]:
        first, policy = cells[0].settings.policy, cell.settings.policy
        if policy != first:
            text = f"the cells of a network have one policy, and these have {first} and {policy}"
            others = (Label(cells[0].span, f"policy {first}"),)
            hint = f"policy = {first} in all of them, or {policy}"
            problems.add(Diagnostic("NASH308", text, cell.span, f"policy {policy}", others, hint))
