"""FINN's folding and its estimates of cycles and resources."""

from nashc.stages.model import Stage, Take

ESTIMATE = Stage(
    name="estimate",
    does="folds for the board and estimates cycles and resources",
    program="build.py",
    settings=("build.json",),
    ignores=(
        "build.json: shell",
        "build.json: finn.fifo_sizing",
        "build.json: finn.fifo_ram_style",
        "build.json: finn.driver",
        "build.json: finn.deployment",
        "build.json: finn.vitis_strategy",
        "build.json: finn.vitis_platform",
        "build.json: finn.floorplan",
    ),
    takes=(Take("--model", "export", "model.integer.onnx"),),
    arguments=("--to", "estimates"),
    gives=("estimates.json",),
    builds_on=("estimate",),
    builds_anew=("finn",),
    needs=("onnx", "qonnx", "finn-plus"),
)
