"""Metric families made of facts. Names, labels and help texts come from the catalogue alone."""
