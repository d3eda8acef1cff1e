"""A small system call filter for what namespaces do not cover, assembled by hand for the two common architectures.

It denies sockets that reach past a network namespace (AF_VSOCK: the host of a virtual machine) and new user namespaces,
which would give the command capabilities again. ``clone3`` hides its flags from a filter, so it is said not to exist, and
libraries fall back on ``clone``. Nothing that honest programs do is denied.
"""

from __future__ import annotations

import contextlib
import errno
import os
import platform
import struct
from collections.abc import Iterator

# AUDIT_ARCH_* of linux/audit.h, then the numbers of socket, clone, unshare and clone3 of the system call tables.
_ARCHITECTURES = {"x86_64": (0xC000003E, 41, 56, 272, 435), "aarch64": (0xC00000B7, 198, 220, 97, 435)}
_AF_VSOCK = 40
_CLONE_NEWUSER = 0x10000000
_X32 = 0x40000000  # the bit of x86-64's second calling convention, which has numbers of its own
_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06  # linux/bpf_common.h
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT = 0, 4, 16  # offsets in struct seccomp_data
_ALLOW, _ERROR = 0x7FFF0000, 0x00050000  # SECCOMP_RET_ALLOW, SECCOMP_RET_ERRNO


def program(machine: str) -> bytes | None:
    """The filter for ``machine`` as an array of ``struct sock_filter``, None where we have none."""
    if machine not in _ARCHITECTURES:
        return None
    architecture, socket, clone, unshare, clone3 = _ARCHITECTURES[machine]
    # Jumps count from the next step: (code, steps when true, steps when false, value).
    steps = [
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_EQUAL, 0, 12, architecture),  # else denied: another architecture has other numbers
        (_LOAD, 0, 0, _NUMBER),
        (_AT_LEAST, 10, 0, _X32),  # denied
        (_EQUAL, 4, 0, socket),
        (_EQUAL, 5, 0, clone),
        (_EQUAL, 4, 0, unshare),
        (_EQUAL, 7, 0, clone3),  # does not exist
        (_RETURN, 0, 0, _ALLOW),
        (_LOAD, 0, 0, _FIRST_ARGUMENT),  # of socket: the family
        (_EQUAL, 3, 2, _AF_VSOCK),  # denied, else allowed
        (_LOAD, 0, 0, _FIRST_ARGUMENT),  # of clone and unshare: the flags
        (_ANY_BIT, 1, 0, _CLONE_NEWUSER),  # denied, else allowed
        (_RETURN, 0, 0, _ALLOW),
        (_RETURN, 0, 0, _ERROR | errno.EPERM),
        (_RETURN, 0, 0, _ERROR | errno.ENOSYS),
    ]
    return b"".join(struct.pack("=HBBI", *step) for step in steps)


@contextlib.contextmanager
def filter_file() -> Iterator[int | None]:
    """A file descriptor that holds the filter of this machine, None where there is none."""
    code = program(platform.machine()) if hasattr(os, "memfd_create") else None
    if code is None:
        yield None
        return
    fd = os.memfd_create("filter")
    try:
        os.write(fd, code)
        os.lseek(fd, 0, os.SEEK_SET)
        yield fd
    finally:
        os.close(fd)
