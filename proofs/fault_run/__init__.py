"""Runs thousands of jobs while everything is killed, and reports in a ledger what became of them."""
