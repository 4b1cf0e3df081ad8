"""`nashc pareto`: many networks trained or not, costed, and drawn as accuracy against hardware.

specs x swept values -> sweep -> points -> walk -> rows -> chart -> SVG, PNG, page; table -> CSV, JSON, terminal
"""
