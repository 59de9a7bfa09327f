"""Users and rights in the stack's own Redis: one user per purpose, each with the fewest rights that work.

Whoever can enqueue a job can run code in the workers. So applications and cron schedulers share the workers'
user: a user of their own would be no weaker.
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
    """Rules in Redis' own notation; everything else is forbidden."""

    @property
    def secret(self) -> str:
        """The name of the secret that is the user's password."""
        return f"redis-{self.name}-password"


# RQ's keys and channels, and ours, begin with `rq:`. RQ asks for the version (INFO), a worker for its own
# address (CLIENT LIST), cron for the time; what else concerns the whole server is for administrators.
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

# No client can be the user `default`. But Redis is, while it reads its append-only file: without rights
# it would leave out every transaction.
_DEFAULT = "user default off ~* &* +@all"

USERS = (WORKER, OPERATOR, EXPORTER, PROBE)


def write_users(path: Path, secrets: Path) -> None:
    """Write the file of users for Redis (`aclfile`), with digests of their passwords.

    Raises:
        StackError: a password cannot be read.
    """
    lines = [_DEFAULT, *(_line(user, secrets) for user in USERS)]
    write_private(path, "\n".join([*lines, ""]))


def _line(user: RedisUser, secrets: Path) -> str:
    digest = hashlib.sha256(read_secret(secrets, user.secret).encode()).hexdigest()
    return f"user {user.name} on #{digest} resetchannels -@all {user.rules}"
