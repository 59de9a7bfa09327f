"""Benchmarks for the project's performance targets; `python -m proofs.bench` prints one table."""
