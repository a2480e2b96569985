"""Benchmarks for `make bench`: speed, as ratios of sides that did the same work within one run."""
