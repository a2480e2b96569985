"""The daemon: its roles, and how one stream is put together."""
