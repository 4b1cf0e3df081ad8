"""The folding that is best under the cost model: which PE, SIMD, windows and memories each layer gets.

`tables` is the question as numbers, `goals` answers it; `prune`, `quick` and `exact` are how. `hardware` makes the
tables from FINN's nodes, `converters` what lies between them; `wish`, `ask` and `tell` are the words on both sides,
`of_target` what a spec asks for.
"""
