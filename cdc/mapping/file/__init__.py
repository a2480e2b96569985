"""The language of mapping files, and their loading."""
