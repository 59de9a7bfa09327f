"""Thousands of jobs while everything is killed, and the ledger of what became of them."""
