"""A small system call filter for what namespaces do not cover: made by libseccomp where it is installed, else by hand.

It denies sockets that reach past a network namespace (AF_VSOCK: the host of a virtual machine) and new user namespaces,
which would give the command capabilities again. ``clone3`` hides its flags from a filter, so it is said not to exist, and
libraries fall back on ``clone``. The one that libseccomp makes also denies keys of the kernel, which belong to a user and to
no namespace, and probes of it. Nothing that honest programs do is denied.
"""

from __future__ import annotations

import contextlib
import errno
import os
import platform
import struct
import tempfile
from collections.abc import Iterator
from functools import cache

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


@cache
def made() -> bytes | None:
    """The filter for this machine, None where neither the library nor we have one."""
    return by_library() or program(platform.machine())


def by_library() -> bytes | None:
    """The filter as libseccomp makes it, None where it is not installed."""
    try:
        import pyseccomp  # noqa: PLC0415  (optional: the extra `sandbox`)
    except (ImportError, OSError, RuntimeError):
        return None
    denied, unknown = pyseccomp.ERRNO(errno.EPERM), pyseccomp.ERRNO(errno.ENOSYS)
    rules = pyseccomp.SyscallFilter(pyseccomp.ALLOW)
    rules.add_rule(denied, "socket", pyseccomp.Arg(0, pyseccomp.EQ, _AF_VSOCK))
    for name in ("clone", "unshare"):
        rules.add_rule(denied, name, pyseccomp.Arg(0, pyseccomp.MASKED_EQ, _CLONE_NEWUSER, _CLONE_NEWUSER))
    rules.add_rule(unknown, "clone3")
    for name in ("add_key", "bpf", "keyctl", "perf_event_open", "request_key"):
        rules.add_rule(denied, name)
    with tempfile.TemporaryFile() as exported:
        rules.export_bpf(exported)
        exported.seek(0)
        return exported.read()


@contextlib.contextmanager
def filter_file() -> Iterator[int | None]:
    """A file descriptor that holds the filter of this machine, None where there is none."""
    code = made() if hasattr(os, "memfd_create") else None
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
