"""Drafts and previews for people who write mappings."""
