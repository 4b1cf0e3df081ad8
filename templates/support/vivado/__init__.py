"""What needs Vivado: the tools, FINN's steps that call them, and whether they made what they should."""
