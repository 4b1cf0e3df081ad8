"""One process, or several that torchrun started, on one machine or on many: what they must do alike.

All processes hold the same network. Each step takes one batch, of which every process has an equal share; gradients are
averaged, batch norms see the whole batch, and what is random is drawn from the same seeds by all. The result is that of one
process but for the rounding of sums. Quantisers need nothing of their own: their scales are parameters or follow the weights.

    torchrun --nproc-per-node 2 train.py
"""

from __future__ import annotations

import contextlib
import datetime
import os
import warnings
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from support.data.batches import Share
from support.progress import Lost, StageError, Stopped
from support.training.batch_norm import synchronise
from support.training.optimisation import device_called

# A process that waits longer than this for the others has lost them. Reading a data set for the first time takes minutes.
PATIENCE = datetime.timedelta(minutes=30)

Made = TypeVar("Made")


def count() -> int:
    return dist.get_world_size() if dist.is_initialized() else 1


def rank() -> int:
    """0 is the process that writes files and talks."""
    return dist.get_rank() if dist.is_initialized() else 0


def computed_on(device: torch.device) -> dict[str, Any]:
    """What decides in which order sums are made: with the same a program ends with the same bits, with other ones it may not."""
    of_gpu = {"gpu": torch.cuda.get_device_name(device)} if device.type == "cuda" else {}
    return {
        "device": str(device),
        **of_gpu,
        "threads": torch.get_num_threads(),
        "processes": count(),
        "torch": torch.__version__,
    }


def share() -> Share:
    """This process's part of each batch."""
    return Share(rank(), count())


@contextlib.contextmanager
def joined(device: str) -> Iterator[torch.device]:
    """Inside, the processes that torchrun started know each other; gives the device of this one.

    device: "auto", or what torch calls it.
    """
    is_one = int(os.environ.get("WORLD_SIZE", "1")) == 1
    chosen = device_called(device if is_one else own_device(device))
    if chosen.type == "cuda":
        _enter(chosen)
    if is_one:
        yield chosen
        return
    backend = "cpu:gloo,cuda:nccl" if chosen.type == "cuda" else "gloo"
    # torch.optim imports this module later, when the world exists. Its functions would keep the world as their default
    # argument, and gloo's threads, which Python then aborts for touching tensors while it shuts down.
    import torch.distributed.nn.functional  # noqa: F401

    dist.init_process_group(backend, timeout=PATIENCE)
    # NCCL takes a world down by all processes together: one that failed alone would wait, and its word be lost.
    would_wait = chosen.type == "cuda"
    try:
        yield chosen
        would_wait = False
    except Stopped:
        would_wait = False
        raise
    except StageError as error:
        error.ends_at_once = would_wait
        raise
    except RuntimeError as error:
        if not _is_of_lost_process(error):
            raise
        would_wait = True
        raise Lost(
            "another process of this run ended, or cannot be reached any more",
            "what it said itself tells why; afterwards --resume goes on from the last checkpoint",
        ) from error
    finally:
        if not would_wait:
            dist.destroy_process_group()


def parallel(network: nn.Module, device: torch.device) -> nn.Module:
    """The network to call in training: its gradients are averaged while backward runs."""
    synchronise(network)
    if count() == 1:
        return network
    # Of 1x1 kernels, whose two layouts are the same numbers in the same order.
    warnings.filterwarnings("ignore", message="Grad strides do not match bucket view strides")
    devices = [device] if device.type == "cuda" else None
    return DistributedDataParallel(
        network, device_ids=devices, broadcast_buffers=False, gradient_as_bucket_view=True
    )


def average_gradients(parameters: Iterable[nn.Parameter]) -> None:
    """After backward, for networks whose parameters take part in some steps and not in others, in all processes alike."""
    if count() == 1:
        return
    gradients = [it.grad for it in parameters if it.grad is not None]
    if not gradients:
        return
    flat = torch.cat([gradient.reshape(-1) for gradient in gradients])
    dist.all_reduce(flat)
    flat /= count()
    parts = flat.split([gradient.numel() for gradient in gradients])
    for gradient, part in zip(gradients, parts, strict=True):
        gradient.copy_(part.view_as(gradient))


def of_first(make: Callable[[], Made]) -> Made:
    """What the first process makes, in all of them: its files may lie on its machine alone."""
    if count() == 1:
        return make()
    made = [make() if rank() == 0 else None]
    dist.broadcast_object_list(made, device=torch.device("cpu"))
    return made[0]  # type: ignore[return-value]


def largest(values: list[int]) -> list[int]:
    """Of each value the largest that any process has: what one must do, all do."""
    if count() == 1:
        return values
    shared = torch.tensor(values)
    dist.all_reduce(shared, dist.ReduceOp.MAX)
    return [int(value) for value in shared]


def total(values: list[float]) -> list[float]:
    """Sums over all processes."""
    if count() == 1:
        return values
    shared = torch.tensor(values, dtype=torch.float64)
    dist.all_reduce(shared)
    return [float(value) for value in shared]


def wait() -> None:
    """Until all processes are here."""
    if count() > 1:
        largest([0])


def _is_of_lost_process(error: RuntimeError) -> bool:
    """gloo's errors are plain ones that name its source files (torch 2.12)."""
    return isinstance(error, dist.DistError) or "/gloo/" in str(error)


def _enter(gpu: torch.device) -> None:
    if gpu.index is not None:
        torch.cuda.set_device(gpu)  # whose random numbers a checkpoint holds
    # float32 is float32: else a GPU's convolutions keep 10 binary digits of each factor (TF32), and levels of quantisers are
    # others than those of the exported network. Who wants fewer digits asks for mixed precision.
    torch.backends.cudnn.allow_tf32 = False


def own_device(device: str) -> str:
    """Of this machine's GPUs the one that is this process's; no other is touched, which would take memory there."""
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    if device.partition(":")[0] != "cuda":
        return device
    local, found = int(os.environ.get("LOCAL_RANK", "0")), torch.cuda.device_count()
    if 0 < found <= local:
        raise StageError(
            f"there are more processes than GPUs here ({found})",
            f"torchrun --nproc-per-node {found}, or --device cpu",
        )
    return f"cuda:{local}"
