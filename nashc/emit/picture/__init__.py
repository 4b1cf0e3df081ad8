"""Pictures of a network: SVG for people and reports, Graphviz text for other tools."""

from nashc.emit.picture.dot import dot
from nashc.emit.picture.svg import svg

__all__ = ["dot", "svg"]
