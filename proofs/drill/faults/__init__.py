"""All faults, in the order of the drill."""

from proofs.drill.faults import cron, jobs, monitoring, queues, redis, workers

__all__ = ["cron", "jobs", "monitoring", "queues", "redis", "workers"]
