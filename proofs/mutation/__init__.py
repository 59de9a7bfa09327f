"""Mutation testing: small faults in the product, each of which a test should notice."""
