"""What a program does before its imports, which take seconds. Nothing of support/ is imported here: all of it may be damaged."""

from __future__ import annotations

import json
import signal
import sys
from pathlib import Path
from types import TracebackType

PROJECT = Path(__file__).resolve().parents[1]


def end_at_once() -> None:
    """Ctrl-C ends the program among its imports, without Python's traceback. Nothing is lost yet.

    A generated file that is gone or cut off is named, too.
    """
    sys.excepthook = _name_damaged
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)


def style_asked_for(argv: list[str] | None) -> str:
    """Of `--progress`, before the arguments are read."""
    words = sys.argv[1:] if argv is None else argv
    return "jsonl" if "jsonl" in words or "--progress=jsonl" in words else "text"


def _name_damaged(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    """Python's last word on an error: the generated file that an import stumbled over, else the traceback."""
    file = _stumbled_over(error)
    if file is None or (file.parent != PROJECT and PROJECT / "support" not in file.parents):
        sys.__excepthook__(kind, error, trace)
        return
    what = f"{file} is damaged: {error}" if file.exists() else f"{file} is gone"
    way = "nashc compile writes it again, with --overwrite if it was edited"
    if style_asked_for(None) == "jsonl":  # as Progress.error tells it, which may be what is damaged
        print(json.dumps({"event": "error", "message": what, "help": way}), flush=True)
        return
    print(f"{Path(sys.argv[0]).stem}: error: {what}\n  help: {way}", file=sys.stderr)


def _stumbled_over(error: BaseException) -> Path | None:
    if isinstance(error, SyntaxError):
        return Path(error.filename) if error.filename else None
    if not isinstance(error, ImportError):
        return None
    if error.path:
        return Path(error.path)
    name = error.name or ""
    is_ours = name.startswith("support.") or name in ("model", "supernet", "lowering")
    return PROJECT.joinpath(*name.split(".")).with_suffix(".py") if is_ours else None
