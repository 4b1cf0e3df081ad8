"""FINN's estimates told to people: figures by spec layer, a terminal table, JSON and one HTML page.

The page is `nashc.report.page`, loaded by those who want one: it draws the network.
"""

from nashc.report.figures import Figures, Layer, figures_of
from nashc.report.table import about, layers, lines

__all__ = ["Figures", "Layer", "about", "figures_of", "layers", "lines"]
