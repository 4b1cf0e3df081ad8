"""From a graph to the files of a standalone project; writing them is `write.py`.

Takes Spec and Graph, gives texts. Only the driver and the command line call it.
"""

from nashc.emit.project import is_of_search, project

__all__ = ["is_of_search", "project"]
