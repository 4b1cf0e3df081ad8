"""Mixed precision: convolutions and linear layers multiply in bfloat16, all else stays in float32.

Weights, quantisers, batch norms and their statistics, the loss, the optimisers, alphas and the gradients of gates, and every
test: the network that is exported has never seen bfloat16. Binary convolutions of a search stay, too: their sums are whole
numbers, which bfloat16 has no digits for.
"""

from __future__ import annotations

import torch

from support.progress import StageError


def bfloat16_products(device: torch.device, is_wanted: bool) -> torch.autocast:
    """Inside, convolutions and linear layers multiply in bfloat16 and sum in float32, on the device's matrix units if it has them.

    That type has the range of float32, so losses need no scaling.
    Errors: StageError on a GPU that has it not, or in software alone.
    """
    if is_wanted and device.type == "cuda" and not torch.cuda.is_bf16_supported(False):
        raise StageError("this GPU has no bfloat16", "leave --amp out, or amp = true in the spec")
    return torch.autocast(device.type, torch.bfloat16, enabled=is_wanted)
