"""Users and rights in the stack's own Redis: one user for each purpose, with as few rights as possible.

Whoever can enqueue a job can run code in the workers. So applications, cron schedulers and workers share one
user: separate users would protect nothing.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from stack.secrets import read_secret, write_private


@dataclass(frozen=True, slots=True)
class RedisUser:
    """A user of Redis."""

    name: str
    rules: str
    """Rules in Redis' own notation. They forbid everything else."""

    @property
    def secret(self) -> str:
        """The name of the secret with the user's password."""
        return f"redis-{self.name}-password"


# RQ's keys and channels, and ours, begin with `rq:`. RQ reads the version (INFO), a worker reads its own
# address (CLIENT LIST), cron reads the time. Other commands on the whole server are for administrators.
_JOBS = (
    "~rq:* &rq:* +@read +@write +@connection +@transaction +@pubsub -@dangerous -@admin"
    " -function -scan -randomkey +eval +evalsha +script|load +script|exists +info +client|list +time"
)

WORKER = RedisUser("worker", _JOBS)
"""Workers, cron schedulers, and applications that enqueue."""
OPERATOR = RedisUser(
    "operator", f"{_JOBS} +scan +slowlog|get +slowlog|len +memory|usage +bgrewriteaof +script|kill"
)
"""People who inspect, requeue and delete jobs, and follow the runbooks."""
EXPORTER = RedisUser("exporter", "%R~rq:* +@read +@connection +time -@dangerous -@admin -scan -randomkey")
"""rq-exporter, and the health checks of workers."""
PROBE = RedisUser("probe", "+ping +info +client|setname")
"""Health checks, and redis-exporter."""

# No client can log in as `default`. But Redis acts as this user while it loads its append-only file:
# without rights it would skip every transaction.
_DEFAULT = "user default off ~* &* +@all"

USERS = (WORKER, OPERATOR, EXPORTER, PROBE)


def write_users(path: Path, secrets: Path) -> None:
    """Write Redis' file of users (`aclfile`), with hashes of their passwords.

    Raises:
        StackError: a password cannot be read.
    """
    lines = [_DEFAULT, *(_line(user, secrets) for user in USERS)]
    write_private(path, "\n".join([*lines, ""]))


def _line(user: RedisUser, secrets: Path) -> str:
    digest = hashlib.sha256(read_secret(secrets, user.secret).encode()).hexdigest()
    return f"user {user.name} on #{digest} resetchannels -@all {user.rules}"
