"""Sliding windows that FINN+ 1.6.1 writes no RTL for: parallel ones over so few pixels that no loop is left.

`math domain error` in prepare_codegen_parallel (rtl/convolutioninputgenerator_rtl.py): it takes the logarithm of the
longest loop less one. A 1x1 window with a stride, at the end of a network for small images, is parallel always.
nashc/cost/windows.py mends by the same rule, so that `nashc estimate` tells what is built.
"""

from __future__ import annotations

from typing import Any

from support.finn.quick import Say, nothing


def mend(model: Any, say: Say = nothing) -> None:
    """Give such windows no parallel pixels, or fewer channels at once; the pool behind a window works alike."""
    from qonnx.custom_op.registry import getCustomOp

    for node in model.get_nodes_by_op_type("ConvolutionInputGenerator_rtl"):
        instance = getCustomOp(node)
        channels, simd = instance.get_nodeattr("IFMChannels"), instance.get_nodeattr("SIMD")
        is_parallel = instance.get_nodeattr("parallel_window") == 1
        is_pixel = list(instance.get_nodeattr("ConvKernelDim")) == [1, 1]
        height, width = instance.get_nodeattr("OFMDim")
        if not (is_parallel or is_pixel) or _has_loop(height, width, channels // simd):
            continue
        if is_parallel and not is_pixel:
            instance.set_nodeattr("parallel_window", 0)
            say(f"{node.name}: FINN has no parallel window over so few pixels")
            continue
        for steps in range(1, channels + 1):
            if channels % steps == 0 and _has_loop(height, width, steps):
                instance.set_nodeattr("SIMD", channels // steps)
                reader = model.find_consumer(node.output[0])
                if reader.op_type == "Pool_hls":
                    getCustomOp(reader).set_nodeattr("PE", channels // steps)
                say(
                    f"{node.name}: FINN has no such window over so few pixels, SIMD {channels // steps}"
                )
                break


def _has_loop(height: int, width: int, steps: int) -> bool:
    """height, width: of the result; steps: channels / SIMD."""
    if steps > 1:
        return max(height, width, steps - 1) > 1
    return max(height - 1, 1) > 1 if width == 1 else max(height, width - 1) > 1
