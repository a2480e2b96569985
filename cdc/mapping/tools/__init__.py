"""Helps to write mappings: drafts and previews."""
