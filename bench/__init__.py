"""What `make bench` runs: speed, as ratios of sides that did the same work within one run."""
