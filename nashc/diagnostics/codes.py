"""Every error code and the name of its problem.

A code keeps its meaning for ever: one that is no longer used stays here as "retired in VERSION". Each has a
page in `pages/`, which holds its own test.
"""

from __future__ import annotations

CODES: dict[str, str] = {
    # text and syntax
    "NASH001": "file cannot be read",
    "NASH002": "not UTF-8",
    "NASH003": "empty file",
    "NASH004": "edition missing or unknown",
    "NASH010": "unexpected word or sign",
    "NASH011": "unexpected character",
    "NASH012": "bracket not closed",
    "NASH013": "value missing",
    "NASH014": "text not closed",
    "NASH015": "closing bracket without an opening one",
    # names and settings
    "NASH101": "unknown section or setting",
    "NASH102": "defined twice",
    "NASH103": "unknown name",
    "NASH104": "wrong kind of value",
    "NASH105": "value out of range",
    "NASH106": "setting missing",
    "NASH107": "unknown choice",
    "NASH108": "file of use or extends not found",
    "NASH109": "files use each other in a circle",
    "NASH110": "arguments do not fit",
    "NASH111": "name not in that file",
    "NASH112": "path matches no layer",
    "NASH113": "unknown parameter",
    "NASH114": "parameter value does not fit",
    "NASH115": "unknown board",
    "NASH116": "wrong unit",
    "NASH117": "statement in the wrong place",
    "NASH118": "data set does not fit the network",
    "NASH120": "file beside the spec cannot be used",
    # shapes, data types, quantisation
    "NASH201": "shapes do not meet",
    "NASH202": "conv on unquantised input",
    "NASH203": "window larger than image",
    "NASH204": "layer name taken twice",
    "NASH205": "branch or block without output",
    "NASH206": "head does not fit the classes",
    "NASH207": "stem or head missing",
    "NASH208": "FINN cannot build this layer",
    "NASH209": "one bit before an add",
    "NASH210": "average over a rectangle",
    "NASH211": "window over a single row",
    "NASH212": "name not free",
    # cells, search space, genotypes
    "NASH301": "illegal edge",
    "NASH302": "cell scope not in the network",
    "NASH303": "node count does not fit",
    "NASH304": "op not in the op set",
    "NASH305": "policy forbids this op",
    "NASH306": "op cannot change channels or resolution",
    "NASH307": "genotype incomplete",
    "NASH308": "op sets and policies contradict",
    "NASH309": "genotype for unknown cell",
    "NASH310": "no operation left on an edge",
    "NASH311": "cell over parallel branches",
    "NASH312": "bit widths cannot be searched so",
    "NASH313": "numbers of channels cannot be searched so",
    # writing the project
    "NASH401": "output cannot be written",
    "NASH402": "generated file was edited",
    # hardware figures
    "NASH451": "architecture not known yet",
    "NASH452": "no board to estimate for",
    "NASH453": "not the ranges of a trained network",
    "NASH454": "folding file does not fit",
    # foldings
    "NASH461": "no folding does what was asked",
    "NASH462": "folding question makes no sense",
    # sweeps
    "NASH471": "point without an accuracy",
    # searches with hardware terms
    "NASH481": "no network meets the budget",
    "NASH482": "hardware terms make no sense",
    # stages and tools
    "NASH501": "stage failed",
    "NASH502": "data set not found",
    "NASH503": "tool missing",
    "NASH504": "no spec or several specs in the folder",
    "NASH505": "unknown stage",
    "NASH506": "interrupted",
    "NASH507": "no result yet",
    "NASH508": "kept result was changed",
    # our fault
    "NASH900": "internal error",
}
