"""The timeline: what was replicated, and the customer's own tweets on their way."""
