"""Weights and interrupted work as data alone: tensors in a safetensors file, everything else as JSON in its header.

Every file carries the digest of what it belongs to; with another network or other settings it is refused, since tensors
that fit by chance would give a wrong network without a word. So would a bit that a disk or a copy lost: a digest of the content
is there, too.
"""

from __future__ import annotations

import ast
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from support.files import sha256, write_bytes
from support.progress import Diverged, StageError

LAST = Path("checkpoint.safetensors")
PREVIOUS = Path("previous.safetensors")
FORMAT = 2
_HEADER = "nashc"


def save_weights(path: Path, network: nn.Module, digest: str, about: dict[str, Any]) -> None:
    """The network's parameters and buffers under their own names. about: JSON, for whoever opens the file."""
    write(path, dict(network.state_dict()), {"digest": digest, "about": about})


def load_weights(path: Path, network: nn.Module, digest: str) -> dict[str, Any]:
    """Fill the network from a file of save_weights and return its `about`.

    Errors: StageError when the file is missing, broken, or was trained for another network.
    """
    tensors, header = read(path, "run train.py, or name other weights with --weights")
    if header.get("digest") != digest:
        raise StageError(
            f"{path} was trained for another network than the model.py here",
            "train again: the spec changed since (layers, bit widths or genotype)",
        )
    load_state(path, network, tensors)
    return header["about"]


def load_state(path: Path, network: nn.Module, tensors: dict[str, Tensor]) -> None:
    """Copied in place. Brevitas 0.13 builds its quantisers anew in load_state_dict: an optimiser made before would go on
    with scales that the network no longer has.

    Errors: StageError naming the first tensor that is missing, left over or of another shape.
    """
    expected = network.state_dict()
    for name in sorted(expected.keys() | tensors.keys()):
        if name not in tensors:
            raise StageError(f"{path} lacks {name}", "it belongs to another network")
        if name not in expected:
            raise StageError(
                f"{path} has {name}, the network has not", "it belongs to another network"
            )
        if expected[name].shape != tensors[name].shape:
            found, wanted = tuple(tensors[name].shape), tuple(expected[name].shape)
            raise StageError(f"{path}: {name} has the shape {found}, the network wants {wanted}")
    with torch.no_grad():
        for name, tensor in expected.items():
            tensor.copy_(tensors[name])


@dataclass(frozen=True)
class Checkpoint:
    belongs_to: dict[str, Any]  # JSON: the network, settings and data it was made with
    state: Any


def save_checkpoint(path: Path, checkpoint: Checkpoint) -> None:
    """state: dicts, lists and tuples of tensors and JSON values, to any depth, state dicts of optimisers included."""
    tensors: dict[str, Tensor] = {}
    plain = _without_tensors(checkpoint.state, "", tensors)
    write(path, tensors, {"belongs_to": checkpoint.belongs_to, "state": plain})


def check_finite(state: Any, where: str) -> None:
    """Errors: Diverged naming the first tensor of a state that holds what is infinite or no number. where: in the loop."""
    tensors: dict[str, Tensor] = {}
    _without_tensors(state, "", tensors)
    for name, tensor in tensors.items():
        if tensor.is_floating_point() and not tensor.isfinite().all():
            raise Diverged(f"{name[1:]} is infinite or no number at {where}, and was not saved")


def load_checkpoint(path: Path) -> Checkpoint:
    """The state as it was saved, to the bit. Errors: StageError when the file is missing or broken."""
    way_out = "start again without --resume, or name another checkpoint"
    tensors, header = read(path, way_out)
    if "belongs_to" not in header:
        raise StageError(f"{path} is no checkpoint, or one of an older program", way_out)
    return Checkpoint(header["belongs_to"], _with_tensors(header["state"], tensors))


def write(path: Path, tensors: dict[str, Tensor], header: dict[str, Any]) -> None:
    plain = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    text = json.dumps({"format": FORMAT, **header}, sort_keys=True)
    # One entry: of several safetensors writes the order as it comes, and files would differ.
    write_bytes(path, save(plain, {_HEADER: f"{_content_digest(plain, text)} {text}"}))


def read(path: Path, help: str = "") -> tuple[dict[str, Tensor], dict[str, Any]]:
    """help: the way out of a missing or broken file."""
    if not path.is_file():
        raise StageError(f"there is no file {path}", help)
    try:
        with safe_open(path, framework="pt") as content:
            stored = (content.metadata() or {})[_HEADER]
            digest, text = ("", stored) if stored.startswith("{") else stored.split(" ", 1)
            header = json.loads(text)
            tensors = {name: content.get_tensor(name) for name in content.keys()}  # noqa: SIM118 - no mapping
    except (SafetensorError, OSError, ValueError, KeyError) as error:
        raise StageError(
            f"{path} is broken or was not written by a program of this folder ({error})", help
        ) from error
    if header.get("format") != FORMAT:
        raise StageError(
            f"{path} has the format {header.get('format')}, this program reads {FORMAT}", help
        )
    if digest != _content_digest(tensors, text):
        raise StageError(f"{path} is broken: its content is not what was written", help)
    return tensors, header


def _content_digest(tensors: dict[str, Tensor], header: str) -> str:
    digest = hashlib.sha256(header.encode())
    for name, tensor in sorted(tensors.items()):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy())
    return digest.hexdigest()


def file_digest(path: Path, help: str) -> str:
    """Errors: StageError when there is no such file."""
    if not path.is_file():
        raise StageError(f"there is no file {path}", help)
    return sha256(path)


def code_digest(*files: Path) -> str:
    """SHA-256 of what Python files do: comments, layout and docstrings apart, so that moving one moves no weights."""
    digest = hashlib.sha256()
    for file in files:
        tree = ast.parse(file.read_bytes())
        for node in ast.walk(tree):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
                node.body = [it for it in node.body if not _is_docstring(it)]
        digest.update(ast.dump(tree).encode())
    return digest.hexdigest()


def _is_docstring(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def random_state() -> dict[str, Tensor]:
    """The state of torch's generators, which NumPy's have none of: data draws are seeded step by step. Of a GPU that is in use: to
    ask another one takes memory there."""
    state = {"cpu": torch.get_rng_state()}
    if torch.cuda.is_initialized():
        state["cuda"] = torch.cuda.get_rng_state()
    return state


def set_random_state(state: dict[str, Tensor]) -> None:
    torch.set_rng_state(state["cpu"])
    if "cuda" in state and torch.cuda.is_initialized():
        torch.cuda.set_rng_state(state["cuda"])


def _without_tensors(value: Any, name: str, tensors: dict[str, Tensor]) -> Any:
    """JSON with {"tensor": name} for each tensor; dicts as pairs, since the keys of optimiser states are numbers."""
    if isinstance(value, Tensor):
        tensors[name] = value
        return {"tensor": name}
    if isinstance(value, dict):
        pairs = [[key, _without_tensors(it, f"{name}/{key}", tensors)] for key, it in value.items()]
        return {"dict": pairs}
    if isinstance(value, list | tuple):
        items = [_without_tensors(it, f"{name}/{i}", tensors) for i, it in enumerate(value)]
        return {"tuple" if isinstance(value, tuple) else "list": items}
    return value


def _with_tensors(value: Any, tensors: dict[str, Tensor]) -> Any:
    if not isinstance(value, dict):
        return value
    [(kind, content)] = value.items()
    match kind:
        case "tensor":
            return tensors[content]
        case "dict":
            return {key: _with_tensors(it, tensors) for key, it in content}
        case "tuple":
            return tuple(_with_tensors(it, tensors) for it in content)
        case _:
            return [_with_tensors(it, tensors) for it in content]
