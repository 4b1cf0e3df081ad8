"""From the weights that a search ends with to one network, written as text."""
