"""What dual writes lose, on real servers: `make compare-dual-write`."""
