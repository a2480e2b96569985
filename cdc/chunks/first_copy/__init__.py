"""The first copy of a held stream by workers, each a process: ranges are cut, read and written.

`docs/architecture.md`, "First copies by several workers", has the argument.
"""
