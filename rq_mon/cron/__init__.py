"""Cron: definitions and next ticks in Redis, and any number of processes that enqueue each tick once."""
