"""Genotypes: which operation each node of a cell keeps, and from which node."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from nashc.diagnostics import Diagnostic, Problems
from nashc.schema.cells import Cell, read_op
from nashc.schema.merge import Merged
from nashc.schema.values import Taken, describe, evaluate
from nashc.syntax import ast
from nashc.text import Span
from nashc.vocab.cellops import PAPER_OPS, CellOp


@dataclass(frozen=True)
class Choice:
    """One node of a genotype: the operation it keeps and the node it takes."""

    op: CellOp
    source: int
    span: Span


def read_genotype(
    section: Merged | None,
    cells: tuple[Cell, ...],
    params: Mapping[str, Any],
    problems: Problems,
) -> tuple[dict[str, tuple[Choice, ...]] | None, dict[str, Span]]:
    """The choices of each cell by scope; whether the scope exists is known after lowering."""
    if section is None:
        return None, {}
    result: dict[str, tuple[Choice, ...]] = {}
    spans: dict[str, Span] = {}
    if not cells:
        text = "a genotype needs a cell that it fills"
        hint = "cell in each group { ... } inside the network"
        problems.add(Diagnostic("NASH309", text, section.head, help=hint))
    for key, setting in section.settings.items():
        choices = [
            _choice(value, node, params, problems) for node, value in enumerate(setting.values, 1)
        ]
        spans[key] = setting.span
        result[key] = tuple(choice for choice in choices if choice)
    return result, spans


def _choice(
    value: ast.Value, node: int, params: Mapping[str, Any], problems: Problems
) -> Choice | None:
    taken = evaluate(value, params, problems)
    if not isinstance(taken, Taken):
        text = f"a genotype lists `operation from node`, and this is {describe(taken)}"
        problems.add(Diagnostic("NASH104", text, value.span, help="maxpool 3x3 from 1"))
        return None
    op = read_op(value, taken.op, problems)
    if op is None:
        return None
    if op.kind == "zero":
        legal = ", ".join(str(other) for other in PAPER_OPS if other.kind != "zero")
        text = "a node keeps an operation other than zero"
        problems.add(Diagnostic("NASH304", text, value.span, help=f"legal are {legal}"))
        return None
    if taken.node >= node:
        kind = "itself" if taken.node == node else "a later one"
        text = f"node {node} cannot take node {taken.node}: that is {kind}"
        hint = f"node {node} may take 0 to {node - 1}" if node > 1 else "node 1 takes node 0"
        problems.add(Diagnostic("NASH301", text, value.span, help=hint))
        return None
    return Choice(op, taken.node, value.span)
