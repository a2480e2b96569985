"""The history of the replicated tables."""
