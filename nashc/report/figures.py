"""The figures of one estimate: by layer of the spec and in all, against the board, and what holds them back.

They are read from `estimates.json`, which the generated `build.py` writes; nothing is estimated here.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

RESOURCES = (("lut", "LUT"), ("bram18", "BRAM18"), ("uram", "URAM"), ("dsp", "DSP"))
# Up to here of each resource designs still meet their clock: FINN's own DEFAULT_RES_LIMITS, which are AMD's advice.
COMFORTABLE = {"lut": 0.7, "bram18": 0.8, "uram": 0.8, "dsp": 0.8}


@dataclass(frozen=True)
class Layer:
    """One layer of the spec: cycles of its slowest node, resources of all its nodes.

    counts: None where none of its nodes has a count. at_least: the resources that some of its nodes have no count of.
    folding: PE and SIMD of its matrix unit and the most there could be, where it has one.
    marks: which of FINN's holes its figures have, as keys of `Figures.holes`.
    """

    name: str
    nodes: tuple[str, ...]
    cycles: int
    counts: Mapping[str, int | None]
    at_least: tuple[str, ...]
    folding: str
    marks: tuple[str, ...]

    def count(self, key: str) -> str:
        """A resource in figures: never 0 for what is not known."""
        number = self.counts[key]
        if number is None:
            return "not known"
        return f"at least {number:,}" if key in self.at_least else f"{number:,}"


@dataclass(frozen=True)
class Figures:
    """share: part of the board that each resource takes, 1.0 being all of it; empty if the board's counts are unknown.

    bottleneck: FINN's slowest node, by our name. binds: what keeps it from being faster, in a sentence.
    """

    network: Mapping[str, Any]
    layers: tuple[Layer, ...]
    board: str
    limits: Mapping[str, int]
    share: Mapping[str, float]
    bottleneck: str
    binds: str
    clock_ns: float
    tool: str
    warnings: tuple[Mapping[str, str], ...]
    holes: Mapping[str, str]

    @property
    def over(self) -> tuple[str, ...]:
        """The resources that the board has not enough of."""
        return tuple(key for key, _ in RESOURCES if self.share.get(key, 0) > 1)

    @property
    def at_least(self) -> tuple[str, ...]:
        """The resources that some layer has no count of: the network needs more than it says."""
        return tuple(key for key, _ in RESOURCES if any(key in x.at_least for x in self.layers))

    @property
    def fits(self) -> bool | None:
        """Whether the board holds the network; None if what the board holds is not known, or all that it needs."""
        if self.over:
            return False
        return None if not self.limits or self.at_least else True

    @property
    def verdict(self) -> str:
        """Whether it fits, plainly."""
        if not self.limits:
            return f"nobody told what {self.board} holds, so whether it fits is not known"
        words = [_of(key, self) for key in self.over]
        if words:
            return f"does not fit {self.board}: {', '.join(words)}"
        key = max(self.share, key=lambda name: self.share[name])
        if self.at_least:
            names = ", ".join(word for name, word in RESOURCES if name in self.at_least)
            return (
                f"fits {self.board} as far as it is counted: at least {_of(key, self)}; "
                f"some layers need {names} that nobody has counted"
            )
        tight = [name for name, part in self.share.items() if part > COMFORTABLE[name]]
        if tight:
            return (
                f"fits {self.board} on paper, but {', '.join(_of(name, self) for name in tight)}: "
                f"over {COMFORTABLE[tight[0]]:.0%} a design rarely meets its clock"
            )
        return f"fits {self.board}: at most {_of(key, self)}"

    def marked(self) -> dict[str, str]:
        """The holes that these figures have, those of the whole network included."""
        used = {mark for layer in self.layers for mark in layer.marks} | {"latency", "between"}
        return {key: text for key, text in self.holes.items() if key in used}

    def to_json(self) -> dict[str, Any]:
        return {
            "network": dict(self.network),
            "board": self.board,
            "board_resources": dict(self.limits),
            "share_of_board": dict(self.share),
            "fits": self.fits,
            "verdict": self.verdict,
            "bottleneck": self.bottleneck,
            "bottleneck_binds": self.binds,
            "clock_ns": self.clock_ns,
            "tool": self.tool,
            "layers": [
                {
                    "layer": layer.name,
                    "nodes": list(layer.nodes),
                    "cycles": layer.cycles,
                    **layer.counts,
                    **({"at_least": list(layer.at_least)} if layer.at_least else {}),
                    "folding": layer.folding,
                    "marks": list(layer.marks),
                }
                for layer in self.layers
            ],
            "warnings": [dict(warning) for warning in self.warnings],
            "holes": self.marked(),
        }


def figures_of(estimates: Mapping[str, Any], given: Collection[str] = ()) -> Figures:
    """From the content of `estimates.json`. given: nodes whose folding is not FINN's own for the target."""
    board = estimates["board"] or {}
    limits = {key: int(board[key]) for key, _ in RESOURCES if key in board}
    network = estimates["network"]
    return Figures(
        network=network,
        layers=_layers(estimates["layers"]),
        board=str(board.get("name", "this board")),
        limits=limits,
        share={key: _share(network[key], limit) for key, limit in limits.items()},
        bottleneck=estimates["bottleneck"],
        binds=_binds(estimates, given),
        clock_ns=estimates["clock_ns"],
        tool=estimates["tool"],
        warnings=tuple(estimates["warnings"]),
        holes=estimates["holes"],
    )


def _share(count: int, limit: int) -> float:
    if limit:
        return count / limit
    return float("inf") if count else 0.0


def _layers(nodes: list[Mapping[str, Any]]) -> tuple[Layer, ...]:
    """The nodes by layer, in the order in which data meets them."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    for node in nodes:
        found.setdefault(node["layer"], []).append(node)
    return tuple(
        Layer(
            name,
            tuple(node["name"] for node in group),
            max(node["cycles"] for node in group),
            {key: known_sum([node[key] for node in group]) for key, _ in RESOURCES},
            tuple(key for key, _ in RESOURCES if any(node[key] is None for node in group)),
            next((text for node in group if (text := _folding(node))), ""),
            tuple(dict.fromkeys(mark for node in group for mark in node["marks"])),
        )
        for name, group in found.items()
    )


def known_sum(counts: Iterable[int | None]) -> int | None:
    """None where nothing is known: never 0 for that."""
    known = [count for count in counts if count is not None]
    return sum(known) if known else None


def _folding(node: Mapping[str, Any]) -> str:
    """`PE 4 of 16, SIMD 9 of 144` of a matrix unit."""
    if not node["op"].startswith(("MVAU", "VVAU")):
        return ""
    return f"PE {node['pe']} of {node['pe_max']}, SIMD {node['simd']} of {node['simd_max']}"


def _binds(estimates: Mapping[str, Any], given: Collection[str]) -> str:
    """What keeps the slowest node from being faster."""
    node = next(node for node in estimates["layers"] if node["name"] == estimates["bottleneck"])
    target, cycles = estimates["target_cycles"], estimates["network"]["cycles"]
    is_met, is_finns = target is not None and cycles <= target, node["name"] not in given
    if is_met and is_finns:
        return "the target is met, FINN folds no further than asked for"
    room = [
        f"{word} {node[key]} of {node[f'{key}_max']}"
        for key, word in (("pe", "PE"), ("simd", "SIMD"))
        if node[key] is not None and node[f"{key}_max"] and node[key] < node[f"{key}_max"]
    ]
    kind = node["op"].removesuffix("_hls").removesuffix("_rtl")
    if not room:
        return f"{kind} is fully unfolded: what remains is one step for each position of the image"
    if not is_finns:
        met = "the target is met; " if is_met else ""
        return f"{met}its folding ({', '.join(room)}) is the one that was given"
    if target is None:
        return f"its folding ({', '.join(room)}); no fps was asked for"
    if kind.startswith("MVAU"):
        return f"its folding ({', '.join(room)}): wider weight streams than mvau_wwidth_max allows, or divisors"
    return f"its folding ({', '.join(room)}), as far as FINN folds {kind}"


def _of(key: str, figures: Figures) -> str:
    """`LUT 23.9 % (12,738 of 53,200)`."""
    label = dict(RESOURCES)[key]
    count, limit = figures.network[key], figures.limits[key]
    part = figures.share[key]
    words = f"{100 * part:.1f} % " if limit else ""
    return f"{label} {words}({count:,} of {limit:,})"
