"""The trained network as QONNX and as the graph of integers."""

from nashc.stages.model import NeedIf, Stage, Take

EXPORT = Stage(
    name="export",
    does="writes QONNX and the graph of integers",
    program="export.py",
    settings=("data.json", "export.json"),
    takes=(Take("--weights", "train", "weights.safetensors"),),
    gives=("model.qonnx.onnx", "model.integer.onnx", "golden.npz", "export.json"),
    needs=("torch", "brevitas", "safetensors", "onnx", "qonnx"),
    needs_if=(NeedIf("export.json", "lowering", "streamline", ("finn-plus",)),),
    reads_data=True,
)
