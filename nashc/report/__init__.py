"""FINN's estimates told to people: figures by spec layer, a terminal table, JSON and one HTML page."""

from nashc.report.figures import Figures, Layer, figures_of
from nashc.report.page import page
from nashc.report.table import about, layers, lines

__all__ = ["Figures", "Layer", "about", "figures_of", "layers", "lines", "page"]
