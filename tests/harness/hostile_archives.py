"""Archives that are not backups, and that would do harm if unpacked."""

from __future__ import annotations

import io
import tarfile


def tar_of(*members: tarfile.TarInfo) -> bytes:
    output = io.BytesIO()
    with tarfile.open(fileobj=output, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for member in (tarfile.TarInfo("meta.json"), *members):
            tar.addfile(member, io.BytesIO(b"x" * member.size))
    return output.getvalue()


def member(name: str, type_: bytes = tarfile.REGTYPE, link: str = "", mode: int = 0o644) -> tarfile.TarInfo:
    found = tarfile.TarInfo(name)
    found.type, found.linkname, found.mode = type_, link, mode
    return found


WITHOUT_END = tar_of(member("wal"))[:1024]

HOSTILE = {
    "a path to elsewhere": tar_of(member("wal/../../outside")),
    "an absolute path": tar_of(member("/tmp/outside")),
    "a link to a folder": tar_of(member("wal", tarfile.SYMTYPE, "/tmp"), member("wal/00000001")),
    "a link to a file": tar_of(member("wal", tarfile.SYMTYPE, "/etc/passwd")),
    "a hard link": tar_of(member("wal", tarfile.LNKTYPE, "/etc/passwd")),
    "a device": tar_of(member("disk", tarfile.BLKTYPE)),
    "a pipe": tar_of(member("pipe", tarfile.FIFOTYPE)),
    "a program of another user": tar_of(member("program", mode=0o4755)),
    "a program of another group": tar_of(member("program", mode=0o2755)),
    "a file with holes": tar_of(member("wal/00000001", tarfile.GNUTYPE_SPARSE)),
    "an archive behind garbage": tar_of(member("wal"))[:1024]
    + b"garbage".ljust(512)
    + tar_of(member("more")),
    "an archive behind its end": tar_of(member("wal")) + tar_of(member("more")),
}
