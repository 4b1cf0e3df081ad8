"""nashc: from a small `.nash` file to a quantised network on an FPGA."""

__version__ = "0.1.0"
