"""A device for tests of device moves where there is no GPU: a card whose memory and arithmetic are the processor's.

A tensor on the card says so to torch and to the programs, and holds a tensor of the processor. Each operation is checked as
CUDA checks it: all tensors lie on one device, but for single numbers and indices, or it is an error; so is what only a
processor has (oneDNN). A GPU is waited for when something is read back, and when something is sent without `non_blocking`: each
time is noted, by the function of the programs that did it. Mixed precision is beyond it.

    python card.py card STOP-AFTER-EPOCHS program.py --out DIR        in float64; `cuda` is a real one
"""

from __future__ import annotations

import contextlib
import os
import runpy
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map

NAME = "card"
COPIES = ("_to_copy", "copy_")
INDEXED = ("index", "index_put", "index_put_")
READS = ("_local_scalar_dense", "is_nonzero", "nonzero", "masked_select")


class OnCard(Tensor):
    """What lies on the card. inner: the numbers, of a tensor of the processor."""

    inner: Tensor
    waits: ClassVar[list[str]] = []
    __torch_function__ = torch._C._disabled_torch_function_impl

    @staticmethod
    def __new__(cls, inner: Tensor) -> OnCard:
        made = Tensor._make_wrapper_subclass(
            cls,
            inner.size(),
            strides=inner.stride(),
            storage_offset=inner.storage_offset(),
            dtype=inner.dtype,
            device=torch.device(NAME, 0),
        )
        made.inner = inner
        return made

    def tolist(self) -> Any:
        return self.cpu().tolist()

    @classmethod
    def __torch_dispatch__(
        cls, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        return _run(func, args, kwargs or {})


class Card(TorchDispatchMode):
    """Inside, `device="card"` is a device."""

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        return _run(func, args, kwargs or {})


def install() -> None:
    """Once in a process, before the first tensor on the card."""
    from torch.utils.backend_registration import _setup_privateuseone_for_python_backend

    _setup_privateuseone_for_python_backend(NAME)
    getattr(torch, NAME).get_amp_supported_dtype = lambda: [torch.bfloat16]


def _run(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    tensors = [it for it in tree_leaves((args, kwargs)) if isinstance(it, Tensor)]
    is_there, asked = any(isinstance(it, OnCard) for it in tensors), kwargs.get("device")
    name = func.overloadpacket.__name__
    goes_there = is_there if asked is None else torch.device(asked).type == NAME
    if is_there:
        _check(func, name, args, tensors)
    if (is_there or goes_there) and _is_waited_for(name, args, kwargs, tensors, goes_there):
        OnCard.waits.append(_caller())
    if goes_there and asked is not None:
        kwargs = {**kwargs, "device": "cpu"}
    found = func(*tree_map(_inner, args), **tree_map(_inner, kwargs))
    written = _written(func, args, kwargs)
    if written is not None:
        return written
    return tree_map(_on_card, found) if goes_there else found


def _check(func: Any, name: str, args: tuple[Any, ...], tensors: list[Tensor]) -> None:
    if func.namespace == "onednn" or "mkldnn" in name:
        raise RuntimeError(f"only a processor has {func}")
    if name in COPIES:
        return
    if name in INDEXED:
        tensors = [it for it in args if isinstance(it, Tensor)]
    for tensor in tensors:
        if not isinstance(tensor, OnCard) and tensor.dim():
            shape = tuple(tensor.shape)
            raise RuntimeError(f"{func} meets a tensor {shape} that is not on the card")


def _is_waited_for(
    name: str,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    tensors: list[Tensor],
    goes_there: bool,
) -> bool:
    is_mixed = not all(isinstance(it, OnCard) for it in tensors)
    if name == "copy_":
        return is_mixed and not (isinstance(args[0], OnCard) and True in args[2:])
    if name in INDEXED:
        indices = [it for it in args[1] if it is not None]
        return any(not isinstance(it, OnCard) or it.dtype == torch.bool for it in indices)
    if goes_there:
        is_sent = name == "_to_copy" and is_mixed
        return name in READS or (is_sent and not kwargs.get("non_blocking"))
    return True


def _caller() -> str:
    """The function of the programs that asked for an operation; the outermost one if it was none of theirs."""
    frame = sys._getframe(1)
    while frame.f_back and (
        f"{os.sep}support{os.sep}" not in frame.f_code.co_filename or frame.f_globals is globals()
    ):
        frame = frame.f_back
    return frame.f_code.co_name


def _written(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """The argument that an operation in place writes and returns."""
    for i, argument in enumerate(func._schema.arguments):
        is_written = argument.alias_info is not None and argument.alias_info.is_write
        if is_written and func._schema.returns:
            return args[i] if i < len(args) else kwargs[argument.name]
    return None


def _inner(value: Any) -> Any:
    return value.inner if isinstance(value, OnCard) else value


def _on_card(value: Any) -> Any:
    return OnCard(value) if isinstance(value, Tensor) else value


# ---- a whole program on it --------------------------------------------------------------------------


@contextlib.contextmanager
def stopping(after_epochs: float) -> Iterator[list[str]]:
    """The program gets SIGTERM in the first step behind so many epochs. Gives where the last step before it waited for the card."""
    from support.training.loop import Loop

    tell: Callable[..., None] = Loop._report
    waits: list[str] = []

    def tell_and_stop(loop: Any, progress: Any) -> None:
        tell(loop, progress)
        waits[:], OnCard.waits[:] = OnCard.waits, []
        if loop.epoch + loop.step / loop.steps_per_epoch > after_epochs:
            os.kill(os.getpid(), signal.SIGTERM)

    Loop._report = tell_and_stop  # type: ignore[method-assign]
    yield waits
    Loop._report = tell  # type: ignore[method-assign]


def run_program(arguments: list[str]) -> int:
    sys.argv = arguments
    try:
        runpy.run_path(arguments[0], run_name="__main__")
    except SystemExit as end:
        return int(end.code or 0)
    return 0


def main(device: str, after_epochs: float, *program: str) -> int:
    """The program on the processor; on the device until it is stopped, and on from there: in OUT/cpu and OUT/device.

    Last it tells where one step waited for the card.
    """
    sys.path.insert(0, str(Path(program[0]).parent))
    torch.set_default_dtype(torch.float64)
    if device == NAME:
        install()
    *arguments, out = program
    code = run_program([*arguments, f"{out}/cpu", "--device", "cpu"])
    there = [*arguments, f"{out}/device", "--device", device]
    with Card() if device == NAME else contextlib.nullcontext():
        with stopping(after_epochs) as waits:
            stopped = run_program(there)
        resumed = run_program([*there, "--resume"])
    print("exit codes", code, stopped, resumed, file=sys.stderr)
    print("a step waits in", ", ".join(waits), file=sys.stderr)
    return 0 if (code, stopped, resumed) == (0, 143, 0) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], float(sys.argv[2]), *sys.argv[3:]))
