"""Words that all rooms share: QONNX data types, bit widths, operations of a cell, boards.

Takes nothing, gives plain frozen values; every room above may call it.
"""
