"""What went wrong in FINN, Vitis HLS or Vivado: the first cause, and the layer of the spec that it belongs to.

One failure makes many messages: Vivado repeats it as "Command failed" at every level of Tcl, FINN wraps the exit code. The
first line that one of the tools calls an error is the cause; everything is kept in a log.
"""

from __future__ import annotations

import re
import traceback
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from support.finn.names import layer_of

# `ERROR: [HLS 214-157] ...`, `ERROR: [Synth 8-439] ...`, `CRITICAL WARNING` is not one; C++ of the HLS front end.
_TOOL_ERROR = re.compile(
    r"^\s*(?:ERROR|FATAL(?:_ERROR)?):\s*(?:\[(?P<code>[^\]]+)\])?\s*(?P<text>.+)$"
)
_CXX_ERROR = re.compile(r"^(?P<file>[^\s:]+):(?P<line>\d+):\d+: (?:fatal )?error: (?P<text>.+)$")
# Said by tools of their own Tcl scripts after the real message.
_ECHOES = ("Common 17-39", "Common 17-69", "HLS 200-70", "VPL 60-773", "VPL 60-1328", "v++ 60-661")
_LOGS = ("*.log", "*.jou.log", "runme.log", "*.txt")
_LARGEST_LOG = 50_000_000
_NEAR = 15  # lines of a log around the cause that are kept


@dataclass(frozen=True)
class Cause:
    """text: what the tool said, in one line. where: the log it stands in, and its line. node: FINN's node, if told."""

    text: str
    where: str
    node: str | None
    near: tuple[str, ...] = ()


def cause_of(error: BaseException, folder: Path, since_s: float, nodes: Iterable[str]) -> Cause:
    """The first error in the logs under `folder` written since `since_s`, else the innermost exception."""
    known = sorted(nodes, key=len, reverse=True)  # MVAU_hls_11 before MVAU_hls_1
    for path in _fresh_logs(folder, since_s):
        found = _first_error(path, known)
        if found:
            return found
    inner = _innermost(error)
    text = _one_line(str(inner)) or type(inner).__name__
    return Cause(
        text, "", _node_in(f"{error} {inner}", known) or _node_under_way(error, set(known))
    )


def explain(cause: Cause, names: Mapping[str, str], origins: Mapping[str, str]) -> str:
    """The cause, and where in the spec. names: FINN's node -> ours, origins: our layer -> file:line."""
    if cause.node is None or cause.node not in names:
        return cause.text
    layer = layer_of(names[cause.node])
    # `group0.nas.node1.add.join2` was made from `...add`: the nearest layer that has a line of its own
    owner = layer
    while owner not in origins and "." in owner:
        owner = owner.rpartition(".")[0]
    about = [cause.node] if cause.node != layer else []
    about += [origins[owner]] if origins.get(owner) else []
    text = cause.text.removeprefix(f"{cause.node}: ")
    return f"{layer} ({', '.join(about)}): {text}" if about else f"{layer}: {text}"


def keep(path: Path, step: str, error: BaseException, cause: Cause) -> None:
    """Everything that is known of the failure, in a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    parts = [f"{step} failed", f"cause: {cause.text}"]
    if cause.where:
        parts += [f"found in {cause.where}:", *(f"    {line}" for line in cause.near)]
    parts += ["", "".join(traceback.format_exception(error))]
    for part in _chain(error):
        for name in ("cmd", "output", "stdout", "stderr"):
            value = getattr(part, name, None)
            if value:
                parts.append(f"---- {name} of {type(part).__name__}\n{value}")
    path.write_text("\n".join(parts), encoding="utf-8")


def _fresh_logs(folder: Path, since_s: float) -> list[Path]:
    """Logs written since then, the oldest first: a later tool fails because an earlier one did."""
    found = {path for pattern in _LOGS for path in folder.rglob(pattern) if path.is_file()}
    fresh = [path for path in found if path.stat().st_mtime >= since_s - 1]
    fresh = [path for path in fresh if path.name != "finn.log"]
    return sorted(fresh, key=lambda path: (path.stat().st_mtime, str(path)))


def _first_error(path: Path, nodes: list[str]) -> Cause | None:
    if path.stat().st_size > _LARGEST_LOG:
        return None
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    echo: Cause | None = None
    for number, line in enumerate(lines):
        tool, cxx = _TOOL_ERROR.match(line), _CXX_ERROR.match(line)
        if not tool and not cxx:
            continue
        near = tuple(lines[max(0, number - _NEAR) : number + _NEAR])
        node = _node_in(line, nodes) or _node_in(str(path), nodes)
        cause = Cause(_one_line(line), f"{path}:{number + 1}", node, near)
        if tool and tool["code"] in _ECHOES:
            echo = echo or cause
            continue
        return cause
    return echo


def _node_in(text: str, nodes: list[str]) -> str | None:
    """The FINN node that a text names: MVAU_hls_1 in `code_gen_ipgen_MVAU_hls_1_x7`, but not in MVAU_hls_11."""
    for node in nodes:
        if re.search(rf"(?<![A-Za-z0-9]){re.escape(node)}(?![0-9])", text):
            return node
    return None


def _node_under_way(error: BaseException, nodes: set[str]) -> str | None:
    """The node that FINN was at when it failed without a word about it: what the innermost of its functions held."""
    for part in reversed(_chain(error)):
        frames = [frame for frame, _line in traceback.walk_tb(part.__traceback__)]
        for frame in reversed(frames):
            for value in list(frame.f_locals.values()):
                node = vars(value).get("onnx_node", value) if hasattr(value, "__dict__") else value
                if type(node).__name__ == "NodeProto" and node.name in nodes:
                    return str(node.name)
    return None


def _innermost(error: BaseException) -> BaseException:
    """The first exception of a chain: what the later ones were raised for."""
    return _chain(error)[-1]


def _chain(error: BaseException) -> list[BaseException]:
    found = [error]
    while (before := found[-1].__cause__ or found[-1].__context__) and before not in found:
        found.append(before)
    return found


def _one_line(text: str) -> str:
    return " ".join(text.split())[:500]
