"""The folding that is best under the cost model: which PE, SIMD, windows and memories each layer gets.

`tables` is the question as numbers, `goals` answers it; `prune`, `quick` and `exact` are how.
"""
