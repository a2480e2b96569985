"""Measures the losses of dual writes, on real servers: `make compare-dual-write`."""
