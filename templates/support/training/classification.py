"""What training and searching a classifier have in common: scores, batches on a device, evaluation."""

from __future__ import annotations

import contextlib
import math
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from support.data.batches import test_batches
from support.data.datasets import Dataset
from support.layers import few_channels, whole_conv
from support.progress import Diverged, StageError
from support.training.distributed import rank, share, total

# Torch says it by words alone on a CPU, and where CUDA, cuDNN or cuBLAS ask for memory of their own.
MEMORY_WORDS = re.compile(r"DefaultCPUAllocator|out of memory|ALLOC(ATION)?_FAILED")


@dataclass
class Score:
    """Sums over images: of the loss, and of how often the label was first, or among the first five."""

    images: int = 0
    loss_sum: float = 0.0
    first: int = 0
    among_five: int = 0

    def add(self, images: int, loss: float, first: float, among_five: float) -> None:
        """What `told` told of a batch."""
        self.images += images
        self.loss_sum += loss * images
        self.first += int(first)
        self.among_five += int(among_five)

    def of_all(self) -> Score:
        """Over all processes, each of which scores its share of the images."""
        images, loss_sum, first, among_five = total([*asdict(self).values()])
        return Score(int(images), loss_sum, int(first), int(among_five))

    @staticmethod
    def resumed(saved: dict[str, Any]) -> Score:
        """What `of_all` gave, in one process; the others begin with nothing."""
        return Score(**saved) if rank() == 0 else Score()

    @property
    def loss(self) -> float:
        return self.loss_sum / max(1, self.images)

    @property
    def top1(self) -> float:
        return self.first / max(1, self.images)

    @property
    def top5(self) -> float:
        return self.among_five / max(1, self.images)


def told(logits: Tensor, labels: Tensor, loss: Tensor) -> Tensor:
    """The loss, how often the label was first, and among the first five: in one tensor, where the logits are."""
    ranked = logits.detach().topk(min(5, logits.shape[1]), dim=1).indices == labels[:, None]
    loss = loss.detach()
    return torch.stack([loss, ranked[:, 0].sum().to(loss), ranked.sum().to(loss)])


def prepare(network: nn.Module, device: torch.device) -> nn.Module:
    """For training on a device."""
    # Channels last: a max-pool runs up to 15 times as fast on a CPU, a training step about 1.5 times.
    network = network.to(device, memory_format=torch.channels_last)
    if device.type == "cpu":
        few_channels.guard(network)
        whole_conv.multiply_whole(network)
    return network


def to_device(batch: tuple[Tensor, Tensor], device: torch.device) -> tuple[Tensor, Tensor]:
    """Pixels as floats 0..255, channels last in memory."""
    images, labels = batch
    images = images.to(device, non_blocking=True).to(torch.get_default_dtype())
    return images.contiguous(memory_format=torch.channels_last), labels.to(
        device, non_blocking=True
    )


def evaluate(
    network: nn.Module,
    dataset: Dataset,
    batch: int,
    device: torch.device,
    after_each: Callable[[], Any] = lambda: None,
) -> Score:
    """The network in eval mode on all images, a share in each process; it is back in training mode afterwards."""
    score = Score()
    network.eval()
    with torch.no_grad():
        for pair in test_batches(dataset, batch, share()):
            images, labels = to_device(pair, device)
            if len(labels):
                logits = network(images)
                loss = F.cross_entropy(logits, labels)
                score.add(len(labels), *told(logits, labels, loss).tolist())
            after_each()
    network.train()
    return score.of_all()


def finite(number: float, where: str, rate: float, what: str = "loss") -> float:
    """The number. Errors: Diverged when it is none any more."""
    if not math.isfinite(number):
        raise Diverged(
            f"the {what} is {number} at {where}",
            f"lower the learning rate (it is {rate:g}), or clip the gradients",
        )
    return number


def checked(
    told: Tensor,
    parameters: Iterable[nn.Parameter],
    clip: float | None,
    where: str,
    rate: float,
) -> list[float]:
    """After backward, what `told` told, as numbers; the gradients are clipped to a norm of `clip`, if there is one.

    All is looked at together, before anything is in the weights: a GPU is waited for once. The gradients are those of all
    processes, so that what is no number in one of them ends all. Errors: Diverged.
    """
    trained = [it for it in parameters if it.grad is not None]
    norm = nn.utils.get_total_norm([it.grad for it in trained])
    *numbers, length = torch.cat([told.to(norm), norm[None]]).tolist()
    finite(numbers[0], where, rate)
    finite(length, where, rate, "norm of the gradients")
    if clip:
        nn.utils.clip_grads_with_norm_(trained, clip, norm)
    return numbers


@contextlib.contextmanager
def memory_errors_explained(batch: int) -> Iterator[None]:
    """Errors: StageError with a smaller batch where the device is full; all others pass."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        # Many other errors of torch are RuntimeErrors, too: lost processes, broken kernels.
        is_told = isinstance(error, MemoryError | torch.OutOfMemoryError)
        if not is_told and not MEMORY_WORDS.search(str(error)):
            raise
        raise StageError(
            f"the device has too little memory for a batch of {batch}",
            f"try --batch {max(1, batch // 2)}",
        ) from error
