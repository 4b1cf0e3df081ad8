"""FINN, step by step: from a graph of integers to hardware layers, folded, estimated and generated."""
