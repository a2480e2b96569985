"""What one tries cdc on: `servers` runs real ones, `demo` keeps two of them equal.

A package of its own, so that the daemon's wheel has nothing of it.
"""
