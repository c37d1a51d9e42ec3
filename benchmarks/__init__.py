"""Benchmarks print medians and ratios, rivals beside us in one process. `make bench` runs them all."""
