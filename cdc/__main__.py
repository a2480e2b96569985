"""`python -m cdc`: the command-line."""

from cdc.cli import main

main()
