"""The two queues that this stack's own workers serve."""

SHORT_RUNNING_QUEUE = "short-running"
"""Jobs of seconds: a person waits for them."""

LONG_RUNNING_QUEUE = "long-running"
"""Jobs of minutes: kept apart so that they never hold up the short ones."""
