"""Writes functions as Python source, and compiles them: the same for documents and types."""
