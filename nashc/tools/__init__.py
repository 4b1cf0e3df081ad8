"""The only room that starts other programs: the emitted ones, and questions to the tools they need.

Only the driver calls it. It knows nothing of specs and stages.
"""
