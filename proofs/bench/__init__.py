"""Measurements of what this project promises; `python -m proofs.bench` prints one table."""
