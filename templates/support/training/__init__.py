"""What training and searching have in common, and training alone: the loop, optimisers, processes, checkpoints, curves."""
