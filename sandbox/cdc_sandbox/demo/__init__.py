"""`cdc demo`: a real source and a real target, kept equal before the user's eyes."""
