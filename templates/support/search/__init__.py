"""The search network and its two updates, and what a search tells of itself in words and pictures."""
