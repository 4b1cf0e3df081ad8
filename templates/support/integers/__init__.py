"""The network as a graph of integers alone: the direct way to FINN."""
