"""Requests of operators to a stream: jobs, watched to their end, and the skip of a transaction."""
