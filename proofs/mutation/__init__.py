"""Mutation testing: puts small faults into the product, and counts how many of them a test notices."""
