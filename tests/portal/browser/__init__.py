"""A package, so that what its tests share is closed when the last of them is through."""
