"""Rewrites and checks of the graph: one per file, their order in `pipeline.py`.

Each takes a Graph and the Spec and gives a Graph; mistakes go to `Problems`.
"""
