"""Backups of the data that cannot be rebuilt: the queues in Redis and the history in Prometheus.

A backup is a ZIP file with one tar file for each of the two. The stack keeps running: Redis without a pause,
Prometheus with a stop while its files are copied.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import IO

from stack.runtime import Runtime, StackError
from stack.services import PROMETHEUS, REDIS, Service
from stack.settings import StackSettings

KEPT = (REDIS, PROMETHEUS)

MANIFEST = "appendonlydir/appendonly.aof.manifest"
"""Redis' list of its data files: a base file that never changes, and one or two that only grow."""

PACK = {REDIS: "tar -cf - appendonlydir", PROMETHEUS: "tar -cf - ."}
UNPACK = """
move() {  # move FROM TO: all but the folders of this script
    for file in "$1"/* "$1"/.[!.]*; do
        case ${file##*/} in .restored | .replacing | .replaced | .discarded) continue ;; esac
        { [ ! -e "$file" ] && [ ! -L "$file" ]; } || mv "$file" "$2/" || return 1
    done
}
undo() {
    if [ -d .replaced ]; then
        mkdir -p .restored && move . .restored && mv .replaced .replacing || return 1
    fi
    if [ -d .replacing ]; then
        move .replacing . && rmdir .replacing || return 1
    fi
    rm -rf .restored .discarded
}
replace() {
    mkdir .replacing && move . .replacing && mv .replacing .replaced && move .restored . &&
        mv .replaced .discarded
}
undo && mkdir .restored && tar -xof - -C .restored && replace || {
    undo || echo "what it was before is in $PWD/.replacing or .replaced: the next restore puts it back" >&2
    exit 1
}
rm -rf .restored .discarded || true
"""
"""Replaces the old files by renaming: all of them, or none.

The names of the folders say how far it came, so what was interrupted is undone, at once or the next time: old
files are in `.replacing` until all are there, and in `.replaced` while the new ones come.
"""

ATTEMPTS = 5
"""Attempts. If Redis rewrites its files during the copy, the copy is useless."""


UNREADABLE = (zipfile.BadZipFile, tarfile.TarError, zlib.error, EOFError, ValueError, RuntimeError)
"""What reading a damaged file, or one that is no backup, may raise."""


def back_up(runtime: Runtime, settings: StackSettings, file: Path) -> None:
    """Write a backup to a new file that only its owner can read, because it holds the arguments of jobs.

    Raises:
        StackError: the file exists, or there is no data. Nothing was written.
    """
    if file.exists():
        raise StackError(f"{file}: expected the name of a new file, but it exists")
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_name(f"{file.name}.draft")
    draft.unlink(missing_ok=True)
    try:
        with os.fdopen(os.open(draft, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600), "w+b") as output:
            _write(runtime, kept(settings), output, file.parent)
        draft.rename(file)
    finally:
        draft.unlink(missing_ok=True)


def check(file: Path, settings: StackSettings) -> None:
    """Read the whole backup. Raise StackError unless it is complete and fits this stack."""
    expected = {_name(service) for service in kept(settings)}
    try:
        with zipfile.ZipFile(file) as archive:
            found = set(archive.namelist())
            if found != expected:
                raise StackError(f"{file}: expected a backup of {_list(expected)}, it holds {_list(found)}")
            if (damaged := archive.testzip()) is not None:
                raise StackError(f"{file}: {damaged} is damaged")
            for service in kept(settings):
                with archive.open(_name(service)) as packed:
                    _check_packed(service, packed)
    except OSError as error:
        raise StackError(f"{file}: expected a backup: {error.strerror}") from error
    except UNREADABLE as error:
        raise StackError(f"{file}: expected a backup: {error}") from error


def restore(runtime: Runtime, settings: StackSettings, file: Path) -> None:
    """Replace the data of a stopped stack with a backup that `check` has accepted.

    Raises:
        StackError: it could not be unpacked, for example because the disk is full. The message names the
            services whose data is unchanged.
    """
    with zipfile.ZipFile(file) as archive:
        for service in kept(settings):
            with archive.open(_name(service)) as packed, tempfile.TemporaryFile(dir=file.parent) as copy:
                shutil.copyfileobj(packed, copy)
                copy.seek(0)
                try:
                    runtime.run_in_data_dir(service, UNPACK, stdin=copy)
                except StackError as error:
                    raise StackError(f"The data of {service.name} is unchanged: {error}") from error
                print(f"Restored the data of {service.name}", flush=True)


def kept(settings: StackSettings) -> Sequence[Service]:
    """Return the services that are backed up: Prometheus, and Redis if it is the stack's own."""
    return [service for service in KEPT if service not in settings.external_services()]


def _write(runtime: Runtime, services: Sequence[Service], output: IO[bytes], folder: Path) -> None:
    with zipfile.ZipFile(output, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for service in services:
            with _packed(runtime, service, folder) as packed, _entry(archive, service) as entry:
                shutil.copyfileobj(packed, entry)


def _entry(archive: zipfile.ZipFile, service: Service) -> IO[bytes]:
    return archive.open(_name(service), "w", force_zip64=True)


@contextlib.contextmanager
def _packed(runtime: Runtime, service: Service, folder: Path) -> Iterator[IO[bytes]]:
    """Copy first and compress later, so that Prometheus is down only for the copy."""
    paused = runtime.paused(service) if service is PROMETHEUS else contextlib.nullcontext()
    with tempfile.TemporaryFile(dir=folder) as copy:
        with paused:
            _pack(runtime, service, copy)
        copy.seek(0)
        yield copy


def _pack(runtime: Runtime, service: Service, copy: IO[bytes]) -> None:
    for attempt in range(1, ATTEMPTS + 1):
        try:
            _pack_once(runtime, service, copy)
        except (StackError, tarfile.TarError) as error:
            if attempt == ATTEMPTS:
                raise StackError(f"cannot copy the data of {service.name}: {error}") from error
        else:
            return


def _pack_once(runtime: Runtime, service: Service, copy: IO[bytes]) -> None:
    copy.seek(0)
    copy.truncate()
    before = _manifest(runtime) if service is REDIS else b""
    # tar fails if a file grows during the copy, so we ignore its exit code and check the copy.
    runtime.run_in_data_dir(service, f"{PACK[service]} || [ $? = 1 ]", stdout=copy)
    if service is REDIS and _manifest(runtime) != before:
        raise StackError("Redis rewrote its files during the copy")
    copy.seek(0)
    _check_packed(service, copy)


def _manifest(runtime: Runtime) -> bytes:
    with tempfile.TemporaryFile() as output:
        runtime.run_in_data_dir(REDIS, f"cat {MANIFEST}", stdout=output)
        output.seek(0)
        return output.read()


def _check_packed(service: Service, packed: IO[bytes]) -> None:
    """Raise StackError or TarError unless the tar file is whole and holds data of the service."""
    manifest: str | None = None
    names: list[str] = []
    with tarfile.open(fileobj=packed, mode="r|") as tar:
        for member in tar:
            path = PurePosixPath(member.name)
            if path.is_absolute() or ".." in path.parts or not _is_plain(member):
                raise StackError(f"{_name(service)}: expected files and folders, got {member.name!r}")
            names.append(str(path))
            if names[-1] == MANIFEST and (content := tar.extractfile(member)):
                manifest = content.read().decode()
    packed.seek(tar.offset)
    while rest := packed.read(tarfile.RECORDSIZE):
        if rest.strip(b"\0"):  # Python's tarfile stops here, but tar may read on
            raise StackError(
                f"{_name(service)}: expected the end of the file after {names[-1:]}, got other data"
            )
    if service is REDIS:
        _check_files_of_redis(manifest, names)


def _is_plain(member: tarfile.TarInfo) -> bool:
    """Return whether it is a folder or a plain file: no link, not sparse, no setuid or setgid bit."""
    return member.isdir() or (
        member.isfile() and not member.issparse() and not member.mode & (stat.S_ISUID | stat.S_ISGID)
    )


def _check_files_of_redis(manifest: str | None, names: Sequence[str]) -> None:
    if manifest is None:
        raise StackError(f"{MANIFEST} is missing")
    folder = PurePosixPath(MANIFEST).parent
    for line in manifest.splitlines():
        words = line.split()
        name = words[words.index("file") + 1]
        if "type h" not in line and str(folder / name) not in names:
            raise StackError(f"{name} is missing, though {MANIFEST} lists it")


def _name(service: Service) -> str:
    return f"{service.name}.tar"


def _list(names: set[str]) -> str:
    return ", ".join(sorted(names)) or "nothing"
