"""Whether a server's log is the one that was read, and not just of its numbers."""
