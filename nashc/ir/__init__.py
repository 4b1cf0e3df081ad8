"""The graph that everything after the spec works on: nodes, their law and their text form.

A Graph comes from `lower`, goes through `passes`, and is read by `emit`, `cost` and the driver.
"""

from nashc.ir.graph import Graph, Node
from nashc.ir.text import dump, load
from nashc.vocab.tensor import TensorType

__all__ = ["Graph", "Node", "TensorType", "dump", "load"]
