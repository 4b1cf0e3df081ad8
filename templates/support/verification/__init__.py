"""The evaluations of a trained network, held against each other."""
