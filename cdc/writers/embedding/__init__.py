"""Keeps embedded documents equal to their collections, within the transaction that writes."""
