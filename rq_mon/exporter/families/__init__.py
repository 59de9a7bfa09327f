"""Metric families, built from facts. Names, labels and help texts come from the catalogue alone."""
