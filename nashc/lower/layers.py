"""The parameters of one layer, from how the spec writes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from nashc.diagnostics import Diagnostic, Problems
from nashc.lower.arguments import given_to
from nashc.schema import Spec
from nashc.schema.values import BROKEN, describe
from nashc.syntax import ast

LAYERS = ("conv", "bn", "act", "maxpool", "avgpool", "linear", "add")
MOST_SIZE = 65_536
"""Channels, strides and paddings beyond what anybody would build."""


@dataclass(frozen=True)
class Layers:
    """Reads layers, each for itself."""

    spec: Spec
    problems: Problems

    def params(
        self, term: ast.Term, path: str, role: str, known: Mapping[str, Any]
    ) -> dict[str, Any] | None:
        """Of the layer at `path`; None where something is wrong, told. known: names that its arguments may use."""
        bits = self.spec.bits_of(path, role)
        window = self._window(term)
        match term.name.text:
            case "conv":
                given = self._sizes(
                    term, ("out", "stride", "pad"), known, {"stride": 1, "pad": window // 2}
                )
                if given is None or not window:
                    return None
                self._check_pad(
                    term, given["pad"], window - 1, "a window would lie in the padding alone"
                )
                return {**given, "kernel": window, "weight_bits": bits.weight, "role": role}
            case "maxpool":
                given = self._sizes(
                    term, ("stride", "pad"), known, {"stride": 1, "pad": window // 2}
                )
                if given is None or not window:
                    return None
                half = "a max-pool is padded by half its window at most"
                self._check_pad(term, given["pad"], window // 2, half)
                return {**given, "window": window}
            case "linear":
                given = self._sizes(term, ("out",), known, {})
                return (
                    None if given is None else {**given, "weight_bits": bits.weight, "role": role}
                )
            case "act" if self._is_bare(term):
                kind = self.spec.network.activation.before_conv
                return {"kind": kind, "bits": bits.act, "quantiser": path, "role": role}
            case "avgpool" if self._is_bare(term):
                return {"bits": bits.act}
            case "bn" if self._is_bare(term):
                return {}
            case "add":
                return {}
        return None

    def _is_bare(self, term: ast.Term) -> bool:
        """Whether a layer that takes no arguments has none."""
        if term.arguments:
            text = f"`{term.name.text}` takes no arguments"
            self.problems.add(Diagnostic("NASH110", text, term.span, help=term.name.text))
        return not term.arguments

    def _sizes(
        self,
        term: ast.Term,
        names: tuple[str, ...],
        known: Mapping[str, Any],
        defaults: dict[str, int],
    ) -> dict[str, int] | None:
        given = given_to(term, list(names), known, self.problems)
        if BROKEN in given.values():
            return None
        result = {**defaults, **given}
        for name in names:
            span = next(
                (a.value.span for a in term.arguments or () if a.name and a.name.text == name),
                term.span,
            )
            least = 0 if name == "pad" else 1
            if name not in result:
                text = f"`{term.name.text}` needs `{name}`"
                hint = f"{term.name.text} ...({name} = 16)"
                self.problems.add(Diagnostic("NASH110", text, term.span, help=hint))
                return None
            if isinstance(result[name], bool) or not isinstance(result[name], int):
                text = f"`{name}` needs a whole number, and this is {describe(result[name])}"
                self.problems.add(Diagnostic("NASH104", text, span))
                return None
            if result[name] < least:
                text = f"`{name}` must be at least {least}, and this is {result[name]}"
                self.problems.add(Diagnostic("NASH105", text, span))
                return None
            if result[name] > MOST_SIZE:
                text = f"`{name}` must be at most {MOST_SIZE:,}, and this is {result[name]:,}"
                self.problems.add(Diagnostic("NASH105", text, span))
                return None
        return result

    def _check_pad(self, term: ast.Term, pad: int, most: int, why: str) -> None:
        if pad > most:
            given = [a.span for a in term.arguments or () if a.name and a.name.text == "pad"]
            text = f"`pad` must be at most {most} here, and this is {pad}: {why}"
            span = given[0] if given else term.span
            self.problems.add(Diagnostic("NASH105", text, span, help=f"pad = {most}"))

    def _window(self, term: ast.Term) -> int:
        """Side of a square window; 0, with a message, where there is none."""
        if term.name.text not in ("conv", "maxpool"):
            if term.shape:
                text = f"`{term.name.text}` has no window"
                self.problems.add(Diagnostic("NASH110", text, term.shape.span))
            return 0
        word = term.name.text
        if term.shape is None:
            text = f"`{word}` needs its window"
            self.problems.add(Diagnostic("NASH110", text, term.span, help=f"{word} 3x3"))
            return 0
        dims = term.shape.dims
        if len(set(dims)) != 1 or len(dims) != 2 or not dims[0]:
            text = "windows are square"
            self.problems.add(Diagnostic("NASH105", text, term.shape.span, help=f"{word} 3x3"))
            return 0
        return dims[0]
