"""The trained network on its way out: with its weights, as QONNX, and the ranges of its numbers."""
