"""Reads facts from Redis. Commands that several themes need at the same step share one pipeline."""
