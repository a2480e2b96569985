"""The sums of the replicated data, and its age."""
