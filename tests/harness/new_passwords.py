"""New passwords for a stack whose old ones were removed."""

from __future__ import annotations

import pytest
from redis import Redis
from redis.exceptions import AuthenticationError

from proofs.harness.stack_copy import StackCopy
from stack.redis_users import USERS
from stack.services import REDIS
from tests.harness.surface import secret_files, secrets_of


def replace_passwords(stack: StackCopy) -> None:
    """Remove all passwords of a stopped stack, start it, and check that Redis refuses the old ones."""
    old = secrets_of(stack)
    for file in secret_files(stack):
        file.unlink()

    started = stack.make("start-rq-mon")

    assert started.returncode == 0, started.stdout
    new = secrets_of(stack)
    for user in USERS:
        assert new[user.secret] != old[user.secret]
        port, password = stack.settings.port(REDIS), old[user.secret]
        with (
            Redis(port=port, username=user.name, password=password, retry=None) as client,
            pytest.raises(AuthenticationError),
        ):
            client.ping()
