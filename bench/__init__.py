"""Measurements of what this project promises; `python -m bench` prints one table."""
