"""The password of redis_exporter, in the form that it reads from a file."""

from __future__ import annotations

import json
from pathlib import Path

from stack.redis_access import RedisAccess
from stack.secrets import write_private


def write_passwords(path: Path, access: RedisAccess) -> None:
    """Write the password by the address: old versions look that up without the user, new ones with it."""
    passwords = {}
    if access.password_file:
        password = access.password_file.read_text(encoding="utf-8").strip()
        scheme, _, rest = access.address.partition("://")
        passwords = {access.address: password, f"{scheme}://{access.username}@{rest}": password}
    write_private(path, json.dumps(passwords))
