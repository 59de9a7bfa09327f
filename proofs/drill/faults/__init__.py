"""All faults, in the order in which they are drilled."""

from proofs.drill.faults import cron, jobs, monitoring, queues, redis, workers

__all__ = ["cron", "jobs", "monitoring", "queues", "redis", "workers"]
