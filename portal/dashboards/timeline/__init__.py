"""The timeline: replicated tweets, and the customer's own tweets on their way."""
