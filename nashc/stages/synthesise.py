"""The bitstream, by FINN and Vivado."""

from nashc.stages.model import Stage, Take

SYNTHESISE = Stage(
    name="synthesise",
    does="builds the bitstream",
    program="build.py",
    settings=("build.json",),
    takes=(Take("--model", "export", "model.integer.onnx"),),
    arguments=("--to", "bitfile"),
    gives=(),
    builds_on=("estimate",),
    builds_anew=("finn",),
    needs=("onnx", "qonnx", "finn-plus"),
    tools=("vivado",),
    is_optional=True,
)
