"""Where training starts, the same for the search network and the quantised one."""

from __future__ import annotations

from torch import nn


def kaiming(network: nn.Module) -> None:
    """Convolutions: normal, variance 2 / fan-out (He et al., 2015), as the authors of NASH start theirs."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
