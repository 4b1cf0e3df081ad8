"""What networks of a search space cost in hardware: of each, in the mean over all, and the best within a budget. Pure Python."""
