"""The folding that is best under the cost model: which PE, SIMD, windows and memories each layer gets.

`tables` is the question as numbers, `terms` what is liked and how much of it there is, `goals` and its `latency` answer with an `answer`; `prune`, `quick`, `exact` and, along paths, `exchange` are how; `proof` goes on for as long as
is asked, `refine` along a row of `blocks`, `branch` where there are converters. `programme` is what `highs` takes, `near` where it looks first. Where
converters tie layers together it is `tied` and `tied_latency`: `streams` finds what is best at given prices, `pinned` better widths from there,
`branch` proves how good that is. `hardware` makes the tables from FINN's nodes, `converters` what lies between them; `wish`,
`ask` and `tell` are the words on both sides, `of_target` what a spec asks for.
"""
