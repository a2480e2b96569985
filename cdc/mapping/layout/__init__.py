"""What a compiled mapping says: where each value of a document comes from, and where it goes."""
