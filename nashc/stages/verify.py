"""Brevitas against QONNX against FINN's hardware layers, image by image."""

from nashc.stages.model import Stage, Take

VERIFY = Stage(
    name="verify",
    does="compares Brevitas, QONNX and FINN on the test images",
    program="verify.py",
    settings=("data.json",),
    takes=(Take("--weights", "train", "weights.safetensors"), Take("--export", "export")),
    gives=("verify.json",),
    needs=("torch", "brevitas", "safetensors", "onnx", "qonnx", "finn-plus"),
    reads_data=True,
)
