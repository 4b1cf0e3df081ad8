"""The key of a stage's result: a digest of all that it depends on, and of nothing else.

Python files count by what they do: a moved line or a new comment changes no key. Which files a program
consists of is read from its imports, so that nobody has to keep a list.
"""

from __future__ import annotations

import ast
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

from nashc.stages import Stage

KEY_LENGTH = 12


@dataclass(frozen=True)
class Key:
    """All that a result depends on, as JSON values; `digest` is the name of the result."""

    material: Mapping[str, Any]

    @cached_property
    def digest(self) -> str:
        return hashlib.sha256(canonical(self.material).encode()).hexdigest()[:KEY_LENGTH]


def key_of(
    stage: Stage,
    files: Mapping[str, str],
    inputs: Mapping[str, str],
    versions: Mapping[str, str],
    data: Mapping[str, Any] | None = None,
) -> Key:
    """files: emitted text by path. inputs: digest of each taken result. versions: of installed tools.

    data: fingerprints of the data set that the stage reads and of the weights that it starts from.
    """
    settings = settings_of(stage, files)
    return Key(
        {
            "stage": stage.name,
            "version": stage.version,
            "programs": {path: code_digest(files[path]) for path in program_files(stage, files)},
            "arguments": list(stage.arguments),
            "settings": {
                f"settings/{name}": _without(content, name, stage.ignores)
                for name, content in settings.items()
            },
            "inputs": dict(inputs),
            "tools": {
                name: versions[name] for name in stage.needs_with(settings) if name in versions
            },
            "data": dict(data or {}),
        }
    )


def settings_of(stage: Stage, files: Mapping[str, str]) -> dict[str, Any]:
    """What the settings files of a stage hold, by name; those that are emitted."""
    named = (*stage.settings, *stage.optional_settings)
    paths = {name: f"settings/{name}" for name in named}
    return {name: json.loads(files[path]) for name, path in paths.items() if path in files}


def _without(settings: Any, place: str, ignored: tuple[str, ...], mark: str = ": ") -> Any:
    """The settings but those that are ignored, named from the file on."""
    if not isinstance(settings, dict):
        return settings
    named = {name: f"{place}{mark}{name}" for name in settings}
    return {
        name: _without(value, named[name], ignored, ".")
        for name, value in settings.items()
        if named[name] not in ignored
    }


def canonical(value: Any) -> str:
    """JSON with one spelling for one value."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)


@cache
def code_digest(text: str) -> str:
    """SHA-256 of what a Python file does: its syntax tree without positions and docstrings."""
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            node.body = [statement for statement in node.body if not _is_text(statement)]
    return hashlib.sha256(ast.dump(tree).encode()).hexdigest()


def program_files(stage: Stage, files: Mapping[str, str]) -> tuple[str, ...]:
    """The program and all emitted files that it imports, directly or not, sorted."""
    found: set[str] = set()
    waiting = [stage.program]
    while waiting:
        path = waiting.pop()
        if path in found or path not in files:
            continue
        found.add(path)
        waiting.extend(_imported(files[path]))
    return tuple(sorted(found))


@cache
def _imported(text: str) -> tuple[str, ...]:
    """Paths that the imports of a file may mean, emitted or not."""
    modules: list[str] = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            modules.extend(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            modules.append(node.module)
            modules.extend(f"{node.module}.{alias.name}" for alias in node.names)
    paths: list[str] = []
    for module in modules:
        parts = module.split(".")
        packages = ["/".join(parts[:depth]) for depth in range(1, len(parts) + 1)]
        paths.extend(f"{package}/__init__.py" for package in packages)
        paths.append("/".join(parts) + ".py")
    return tuple(paths)


def _is_text(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """What changed between two keys' materials, one short phrase each, settings by their names."""
    found: list[str] = []
    for name in ("settings", "data", "tools", "inputs", "programs"):
        before, after = _flat(old.get(name, {})), _flat(new.get(name, {}))
        for path in sorted(before.keys() | after.keys()):
            if before.get(path) != after.get(path):
                found.append(_phrase(name, path, before.get(path), after.get(path)))
    if old.get("arguments") != new.get("arguments") or old.get("version") != new.get("version"):
        found.append("the stage itself changed")
    return found


def _phrase(part: str, path: str, before: Any, after: Any) -> str:
    if part == "inputs":
        return f"{path} is another one"
    if part == "data":
        return f"data: {path} {_short(before)} -> {_short(after)}"
    if part == "programs":
        change = "is new" if before is None else "is gone" if after is None else "changed"
        return f"{path} {change}"
    label = path.removeprefix("settings/").replace(".json", "")
    return f"{label}: {_short(before)} -> {_short(after)}"


def _flat(value: Any, path: str = "") -> dict[str, Any]:
    """{"settings/build.json.clock_ns": 5.0, ...}; lists are values."""
    if not isinstance(value, Mapping):
        return {path: value}
    flat: dict[str, Any] = {}
    for key, item in value.items():
        flat |= _flat(item, f"{path}.{key}" if path else str(key))
    return flat


def _short(value: Any) -> str:
    if value is None:
        return "not set"
    text = value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= 40 else text[:37] + "..."
