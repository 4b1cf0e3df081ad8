"""`python -m nashc`."""

from nashc.cli import main

main()
