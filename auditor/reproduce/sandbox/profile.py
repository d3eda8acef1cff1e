"""The system call filter for containers of podman: its own one, but for what it lets through and we promise to keep out.

Its profile allows sockets to the host of a virtual machine, user namespaces and the kernel's keys. docker's denies them.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

_PROFILES = (Path("/etc/containers/seccomp.json"), Path("/usr/share/containers/seccomp.json"))
_AF_VSOCK = 40
_CLONE_NEWUSER = 0x10000000
_EPERM, _ENOSYS = 1, 38
_DENIED = ("add_key", "keyctl", "request_key")
_OURS = frozenset({"socket", "clone", "unshare", "clone3", *_DENIED})


@cache
def profile() -> bytes:
    """The filter as the runtime reads it (the OCI's ``seccomp`` section with docker's additions)."""
    found = next((json.loads(place.read_bytes()) for place in _PROFILES if place.is_file()), None)
    # Where podman brings no file of its own, what it would deny is left to dropped capabilities, as with bubblewrap.
    whole: dict[str, Any] = found or {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": []}
    kept = [_without(rule) for rule in whole["syscalls"]]
    no_user = {"index": 0, "value": _CLONE_NEWUSER, "valueTwo": 0, "op": "SCMP_CMP_MASKED_EQ"}
    user = {"index": 0, "value": _CLONE_NEWUSER, "valueTwo": _CLONE_NEWUSER, "op": "SCMP_CMP_MASKED_EQ"}
    if whole["defaultAction"] == "SCMP_ACT_ALLOW":
        ours = [
            _rule("SCMP_ACT_ERRNO", ["socket"], {"index": 0, "value": _AF_VSOCK, "op": "SCMP_CMP_EQ"}),
            _rule("SCMP_ACT_ERRNO", ["clone", "unshare"], user),
        ]
    else:
        ours = [
            _rule("SCMP_ACT_ALLOW", ["socket"], {"index": 0, "value": _AF_VSOCK, "op": "SCMP_CMP_NE"}),
            _rule("SCMP_ACT_ALLOW", ["clone", "unshare"], no_user),
        ]
    ours += [_rule("SCMP_ACT_ERRNO", ["clone3"], errno=_ENOSYS), _rule("SCMP_ACT_ERRNO", list(_DENIED))]
    return json.dumps({**whole, "syscalls": [*(rule for rule in kept if rule["names"]), *ours]}).encode()


def _without(rule: dict[str, Any]) -> dict[str, Any]:
    return {**rule, "names": [name for name in rule["names"] if name not in _OURS]}


def _rule(action: str, names: list[str], *arguments: dict[str, Any], errno: int = _EPERM) -> dict[str, Any]:
    returned = {} if action == "SCMP_ACT_ALLOW" else {"errnoRet": errno}
    return {"names": names, "action": action, "args": list(arguments), **returned}
