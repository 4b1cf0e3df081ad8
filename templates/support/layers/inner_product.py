"""Inner products of tensors, in the order in which they lie in memory."""

from __future__ import annotations

import torch
from torch import Tensor


def inner_product(a: Tensor, b: Tensor) -> Tensor:
    """sum(a * b) of tensors of one shape. Where both lie channels last, or both as they are indexed, nothing is copied."""
    if a.dim() == 4 and a.is_contiguous(memory_format=torch.channels_last):
        a, b = a.permute(0, 2, 3, 1), b.permute(0, 2, 3, 1)
    return torch.dot(a.reshape(-1), b.reshape(-1))
