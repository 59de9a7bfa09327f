"""Gives other users access to a folder below a closed one, such as a clone in root's home.

Their processes, and supervisord, run in a private mount namespace. In it an empty folder covers the closed
one, and bind mounts put only the needed paths back. Everything else stays hidden from them. The rest of the
machine does not change, and nothing is left when they end.
"""

from __future__ import annotations

import ctypes
import os
import subprocess
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from stack.native.accounts import Account, Accounts, NotSeparatedError

Enclosure = Mapping[Path, tuple[Path, ...]]
"""The closed folders, each with the paths below it that are needed."""

# From <sched.h> and <sys/mount.h>.
CLONE_NEWNS = 0x00020000
MS_NOSUID, MS_NODEV, MS_BIND, MS_REC, MS_SLAVE = 0x2, 0x4, 0x1000, 0x4000, 0x80000

CANNOT_ENTER = '[ -x "$path" ]'
CANNOT_READ = '[ -r "$path" ] && { [ ! -d "$path" ] || [ -x "$path" ]; }'


def plan(needed: Iterable[Path], accounts: Accounts) -> Enclosure:
    """Return the closed folders above the paths that these users need.

    Raises:
        NotSeparatedError: nothing can be started as these users.
    """
    wanted = sorted(set(needed))
    folders = {folder for path in wanted for folder in path.parents}
    closed = {
        path
        for account in (accounts.services, accounts.workers)
        for path in _refused(CANNOT_ENTER, folders, account)
    }
    found: dict[Path, tuple[Path, ...]] = {}
    for path in wanted:
        top = next((folder for folder in reversed(path.parents) if folder in closed), None)
        if top and not any(path.is_relative_to(other) for other in found.get(top, ())):
            found[top] = (*found.get(top, ()), path)
    return found


def unreadable(paths: Iterable[Path], account: Account, enclosure: Enclosure) -> list[Path]:
    """Return the paths that this user cannot read inside the namespace.

    Raises:
        NotSeparatedError: this machine does not allow private mounts.
    """
    try:
        return _refused(CANNOT_READ, paths, account, entering(enclosure))
    except NotSeparatedError as error:
        if not enclosure:
            raise
        closed = " and ".join(map(str, sorted(enclosure)))
        raise NotSeparatedError(
            f"{closed} is closed to other users, and root cannot create a mount namespace here to show them"
            " the files that they need in it"
        ) from error


def entering(enclosure: Enclosure) -> Callable[[], None]:
    """Return what a new process must call, as root, to enter the namespace."""
    libc = ctypes.CDLL(None, use_errno=True)

    def call(function: str, *arguments: object) -> None:
        if getattr(libc, function)(*arguments):
            number = ctypes.get_errno()
            raise OSError(number, f"{function}: {os.strerror(number)}")

    def mount(source: str, target: Path, kind: str | None, flags: int, data: str | None = None) -> None:
        words = (source.encode(), os.fsencode(target), kind and kind.encode())
        call("mount", *words, ctypes.c_ulong(flags), data and data.encode())

    def enter() -> None:
        if not enclosure:
            return
        os.umask(0o022)
        call("unshare", CLONE_NEWNS)
        mount("none", Path("/"), None, MS_REC | MS_SLAVE)  # later mounts on this machine appear inside, too
        held = {path: os.open(path, os.O_PATH) for paths in enclosure.values() for path in paths}
        for top, paths in sorted(enclosure.items()):
            mount("tmpfs", top, "tmpfs", MS_NOSUID | MS_NODEV, "mode=755,size=1m")
            for path in paths:
                folder = path if Path(f"/proc/self/fd/{held[path]}").is_dir() else path.parent
                folder.mkdir(parents=True, exist_ok=True)
                if folder != path:
                    path.touch()
                mount(f"/proc/self/fd/{held[path]}", path, None, MS_BIND | MS_REC)
        for number in held.values():
            os.close(number)

    return enter


def _refused(
    test: str, paths: Iterable[Path], account: Account, enter: Callable[[], None] = lambda: None
) -> list[Path]:
    """Return the paths for which a shell test, run as this user, fails."""
    groups = account.groups()

    def become() -> None:
        enter()
        os.setgroups(groups)
        os.setgid(account.gid)
        os.setuid(account.uid)

    script = f'for path; do {test} || printf "%s\\n" "$path"; done'
    try:
        result = subprocess.run(
            ["/bin/sh", "-c", script, "sh", *map(str, paths)],
            cwd="/",
            preexec_fn=become,
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise NotSeparatedError(f"root cannot start a process as {account.name} on this machine") from error
    return [Path(line) for line in result.stdout.splitlines()]
