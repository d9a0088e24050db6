"""Adapters of other tools for the benchmark of accuracy; docs/benchmarks.md tells of them."""
