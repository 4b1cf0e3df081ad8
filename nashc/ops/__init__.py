"""What each operation means: its parameters, its shape rule and its work. One file per op.

`REGISTRY` maps the name in the IR to the Op; a new op is a new file and one line here.
"""

from nashc.ops import (
    act,
    add,
    avgpool,
    batchnorm,
    choice,
    conv,
    image,
    linear,
    maxpool,
)
from nashc.ops.base import Misfit, Op, OpParams, Work

OPS: tuple[Op, ...] = (
    act.OP,
    add.OP,
    avgpool.OP,
    batchnorm.OP,
    choice.OP,
    conv.OP,
    image.OP,
    linear.OP,
    maxpool.OP,
)
REGISTRY: dict[str, Op] = {op.name: op for op in OPS}

__all__ = ["OPS", "REGISTRY", "Misfit", "Op", "OpParams", "Work"]
