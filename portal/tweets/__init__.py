"""The replicated tables: authors and their tweets."""
