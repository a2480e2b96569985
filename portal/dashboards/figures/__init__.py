"""What the replicated data adds up to, and how old it is."""
