"""Plan, store, run, resume: from a spec to results, each kept under the key of what it depends on.

Only the command line calls it. `desk.py` holds the one rule that decides what runs; `run.py` follows it.
"""
