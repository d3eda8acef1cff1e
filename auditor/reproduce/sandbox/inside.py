"""Runs inside the sandbox that is tested, and tries to break each of its promises: stand-alone, the standard library only.

Its argument is a JSON object: what was planted outside. Prints one JSON object: for each promise, what broke it in words;
an empty list is a promise kept.
"""

from __future__ import annotations

import ctypes
import errno
import json
import os
import resource
import signal
import socket
import sys

_MS_RDONLY, _MS_REMOUNT, _MS_BIND = 1, 32, 4096
_CLONE_NEWUSER, _CLONE_NEWNS = 0x10000000, 0x00020000
_AF_VSOCK = 40
_MOST_FORKS = 4096


def identity() -> list[str]:
    """Another user than root, without capabilities, and no way to get some."""
    broken = ["it runs as root"] if 0 in {os.getuid(), os.geteuid()} else []
    with open("/proc/self/status", encoding="ascii", errors="replace") as stream:  # noqa: PTH123
        about = dict(line.rstrip("\n").split(":\t", 1) for line in stream if ":\t" in line)
    held = [name for name in ("CapEff", "CapPrm", "CapInh", "CapAmb", "CapBnd") if int(about.get(name, "1"), 16)]
    broken += [f"it has capabilities ({name})" for name in held]
    if about.get("NoNewPrivs") != "1":
        broken.append("a program may gain privileges")
    return broken


def network(planted: dict[str, str]) -> list[str]:
    """No address is reachable: not out there, not on this machine, not by sockets without a network."""
    addresses = (("198.51.100.1", 80), ("127.0.0.1", int(planted["port"])))
    broken = [f"{at[0]} answers" for at in addresses if _reaches(socket.AF_INET, socket.SOCK_STREAM, at)]
    if _reaches(socket.AF_UNIX, socket.SOCK_STREAM, "\0" + planted["abstract"]):
        broken.append("an abstract socket of this machine answers")
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams:
            datagrams.sendto(b"x", ("198.51.100.1", 9))
        broken.append("datagrams leave it")
    except OSError:
        pass
    try:
        socket.socket(_AF_VSOCK, socket.SOCK_STREAM).close()
        broken.append("sockets to the host of a virtual machine can be made")
    except OSError:
        pass
    return broken


def secrets(planted: dict[str, str]) -> list[str]:
    """Nothing that was planted outside is visible: no file, no variable of any process."""
    broken = [f"{name} can be read" for name in (planted["secret"], "/etc/shadow") if _readable(name)]
    for pid in _processes():
        try:
            with open(f"/proc/{pid}/environ", "rb") as stream:  # noqa: PTH123
                if planted["variable"].encode() in stream.read():
                    broken.append(f"process {pid} shows a variable of the auditor")
        except OSError:
            continue
    return broken


def outside(planted: dict[str, str]) -> list[str]:
    """Nothing but the work folder, HOME and the temporary folders can be written."""
    places = ["/escaped", "/usr/escaped", "/etc/escaped", os.path.join(planted["readable"], "escaped")]  # noqa: PTH118
    broken = [f"{place} can be written" for place in places if _writable(place, "w")]
    return broken + [f"{planted['sealed']} can be written" for _ in range(_writable(planted["sealed"], "r+"))]


def remount() -> list[str]:
    """What is mounted read-only stays so."""
    libc = ctypes.CDLL(None, use_errno=True)
    for target in (b"/", b"/usr"):
        if libc.mount(b"none", target, b"", _MS_REMOUNT | _MS_BIND, b"") == 0:
            return [f"{target.decode()} can be mounted again"]
    return []


def processes() -> list[str]:
    """Only processes of its own are visible."""
    count = len(_processes())
    return [f"it sees {count} processes"] if count > 8 else []  # a handful: the sandbox and this program


def namespaces() -> list[str]:
    """No user namespace of its own, in which it would have capabilities."""
    child = os.fork()
    if child == 0:
        libc = ctypes.CDLL(None, use_errno=True)
        os._exit(0 if libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNS) else 1)
    return ["it can make user namespaces"] if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) else []


def forks(limit: int) -> list[str]:
    """No more processes than allowed."""
    children = []
    try:
        for _ in range(min(_MOST_FORKS, 4 * limit)):
            child = os.fork()
            if child == 0:
                signal.pause()
            children.append(child)
    except OSError as error:
        return [] if error.errno == errno.EAGAIN and len(children) <= limit else [str(error)]
    finally:
        for child in children:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
    return [f"{len(children)} processes could be started, {limit} are allowed"]


def memory(limit: int) -> list[str]:
    """No more memory than allowed."""
    child = os.fork()
    if child == 0:
        try:
            kept = bytearray(2 * limit)
            kept[:: resource.getpagesize()] = b"x" * len(kept[:: resource.getpagesize()])
        except MemoryError:
            os._exit(3)
        os._exit(0)
    ended = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return [f"{2 * limit} bytes could be used, {limit} are allowed"] if ended == 0 else []


def files(limit: int) -> list[str]:
    """No file grows beyond what is allowed."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        with open("large", "wb") as stream:  # noqa: PTH123
            stream.truncate(limit + 1)
    except OSError:
        return []
    return ["a file can grow beyond its limit"]


def _reaches(family: int, kind: int, address: tuple[str, int] | str) -> bool:
    try:
        with socket.socket(family, kind) as one:
            one.settimeout(1)
            one.connect(address)
    except OSError:
        return False
    return True


def _readable(name: str) -> bool:
    try:
        with open(name, "rb") as stream:  # noqa: PTH123
            return bool(stream.read(1))
    except OSError:
        return False


def _writable(name: str, mode: str) -> bool:
    try:
        with open(name, mode, encoding="ascii") as stream:  # noqa: PTH123
            stream.write("x")
    except OSError:
        return False
    return True


def _processes() -> list[str]:
    return [name for name in os.listdir("/proc") if name.isdigit()]  # noqa: PTH208


def main() -> None:
    """Try everything, and print what broke."""
    planted = json.loads(sys.argv[1])
    found = {
        "identity": identity(),
        "network": network(planted),
        "secrets": secrets(planted),
        "outside": outside(planted),
        "remount": remount(),
        "processes": processes(),
        "namespaces": namespaces(),
        "fork-limit": forks(int(planted["forks"])),
        "memory-limit": memory(int(planted["memory"])),
        "file-limit": files(int(planted["file"])),
    }
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main()
