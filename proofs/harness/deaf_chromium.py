#!/usr/bin/env python3
"""Starts the Chromium that CHROMIUM names, deaf to changes of network interfaces.

Chromium drops requests when an interface, such as a container's, comes or goes. No option prevents that. It
watches interfaces through a netlink socket, and works without one. So we make the kernel refuse such sockets
to this process and its children.
"""

from __future__ import annotations

import ctypes
import errno
import os
import socket
import struct
import sys

PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 38, 22, 2
LOAD, JUMP_IF_EQUAL, RETURN = 0x20, 0x15, 0x06
NUMBER_OF_CALL, FIRST_ARGUMENT = 0, 16
REFUSE, ALLOW = 0x00050000 | errno.EAFNOSUPPORT, 0x7FFF0000
SOCKET = {"x86_64": 41}.get(os.uname().machine, 198)
"""The number of the system call. Newer architectures than x86_64 share one."""

FILTER = (
    (LOAD, 0, 0, NUMBER_OF_CALL),
    (JUMP_IF_EQUAL, 0, 3, SOCKET),
    (LOAD, 0, 0, FIRST_ARGUMENT),
    (JUMP_IF_EQUAL, 0, 1, socket.AF_NETLINK),
    (RETURN, 0, 0, REFUSE),
    (RETURN, 0, 0, ALLOW),
)


class Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))


def refuse_netlink_sockets() -> None:
    """Refuse netlink sockets to this process and its children."""
    program = Program(len(FILTER), b"".join(struct.pack("HBBI", *instruction) for instruction in FILTER))
    libc = ctypes.CDLL(None, use_errno=True)
    for arguments in (
        (PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0),
        (PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.byref(program), 0, 0),
    ):
        if libc.prctl(*arguments) != 0:
            raise OSError(ctypes.get_errno(), f"prctl{arguments[:2]}")


if __name__ == "__main__":
    refuse_netlink_sockets()
    os.execv(os.environ["CHROMIUM"], ["chromium", *sys.argv[1:]])
