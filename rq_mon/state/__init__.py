"""Read facts from Redis: what each theme needs at the same step travels in one pipeline."""
