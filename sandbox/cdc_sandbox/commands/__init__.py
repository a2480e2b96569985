"""The commands that the sandbox adds to the command-line, one module each."""
