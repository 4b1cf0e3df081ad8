"""Quantisation-aware training of the fixed network."""

from nashc.stages.model import Stage

TRAIN = Stage(
    name="train",
    does="trains at the bit widths of the spec",
    program="train.py",
    settings=("train.json",),
    gives=("weights.safetensors", "metrics.json"),
    needs=("torch", "brevitas", "safetensors"),
    reads_data=True,
    can_resume=True,
    is_shareable=True,
)
