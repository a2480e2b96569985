"""`python cli.py …` from a checkout is the installed command `cdc`."""

from cdc.cli import main

if __name__ == "__main__":
    main()
