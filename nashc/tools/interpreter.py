"""Which distributions a Python interpreter has, without importing any of them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable, Mapping
from importlib import metadata

_QUESTION = """\
import importlib.metadata, json, sys
found = {"python": sys.version.split()[0]}
for name in sys.argv[1:]:
    try:
        found[name] = importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        pass
print(json.dumps(found))
"""


class NoInterpreter(Exception):
    """The program given as Python cannot be started or does not answer like Python."""


def versions(python: str, distributions: Iterable[str]) -> dict[str, str]:
    """Version of "python" and of each distribution that is there; missing ones are left out.

    Errors: NoInterpreter.
    """
    names = sorted(set(distributions))
    if python == sys.executable:
        return _own_versions(names)
    return _ask(python, _QUESTION, names, timeout_s=60)


def torch_device(python: str) -> dict[str, str]:
    """{"gpu": name} or {"gpu": ""}; imports torch in the other process, which takes seconds."""
    question = (
        "import json, torch\n"
        "there = torch.cuda.is_available()\n"
        "print(json.dumps({'gpu': torch.cuda.get_device_name(0) if there else ''}))\n"
    )
    return _ask(python, question, [], timeout_s=120)


def _own_versions(names: list[str]) -> dict[str, str]:
    found = {"python": sys.version.split()[0]}
    for name in names:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def _ask(python: str, question: str, arguments: list[str], timeout_s: float) -> dict[str, str]:
    try:
        answer = subprocess.run(
            [python, "-c", question, *arguments],
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=True,
        )
        found = json.loads(answer.stdout.splitlines()[-1])
    except (OSError, subprocess.SubprocessError, ValueError, IndexError) as error:
        raise NoInterpreter(_reason(error)) from error
    if not isinstance(found, Mapping):
        raise NoInterpreter("it does not answer like Python")
    return {str(name): str(version) for name, version in found.items()}


def _reason(error: Exception) -> str:
    if isinstance(error, OSError):
        return error.strerror or str(error)
    if isinstance(error, subprocess.CalledProcessError) and error.stderr:
        return str(error.stderr).strip().splitlines()[-1]
    return "it does not answer like Python"
