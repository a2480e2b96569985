"""Rows that the target refuses: quarantined, listed, retried."""
