"""What a network costs in hardware, told before anything is trained: the nodes FINN would make and their formulas.

`hardware` turns a graph into HwNodes, `set_folding` folds them as FINN does, a file of `models/` says what each costs,
`estimate` adds it up. `flow` tells when pixels pass, `depths` and `between` what lies between the nodes. numpy is loaded by
all but `nodes`, `types` and `hardware`: only `nashc estimate` and its kin come here.
"""
