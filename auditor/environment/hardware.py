"""Describes this machine's processors and accelerators without importing any framework."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_ISA = (
    "sse4_2",
    "avx",
    "f16c",
    "fma",
    "avx2",
    "avx512f",
    "avx512dq",
    "avx512bw",
    "avx512vl",
    "avx512_vnni",
    "avx512_bf16",
    "avx512_fp16",
    "avx_vnni",
    "amx_tile",
    "amx_bf16",
    "asimd",
    "asimdhp",
    "sve",
    "sve2",
    "bf16",
)
"""Instruction sets that numeric libraries choose their kernels by, under the names of /proc/cpuinfo."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hardware:
    """``isa`` holds the numeric instruction sets present; ``family`` is vendor, family and model as the CPU reports them.

    ``cpus`` counts those that this process may run on. ``memory`` is in bytes, None where unknown.
    """

    machine: str
    system: str
    model: str
    family: str
    isa: tuple[str, ...]
    cpus: int
    memory: int | None
    accelerators: tuple[dict[str, str], ...]


@cache
def describe() -> Hardware:
    """This machine, read once."""
    about = _cpuinfo()
    flags = set((about.get("flags") or about.get("features") or "").split())
    vendor = about.get("vendor_id") or about.get("cpu implementer") or "unknown"
    number = about.get("cpu family") or about.get("cpu architecture") or "0"
    model = about.get("model") or about.get("cpu part") or "0"
    return Hardware(
        machine=platform.machine(),
        system=f"{platform.system()} {platform.release()}",
        model=about.get("model name") or platform.processor() or platform.machine(),
        family=f"{vendor}-{number}-{model}",
        isa=tuple(name for name in _ISA if name in flags),
        cpus=_usable_cpus(),
        memory=_memory(),
        accelerators=tuple(_accelerators()),
    )


def _cpuinfo() -> dict[str, str]:
    """The first processor's entry of /proc/cpuinfo, keys in lower case; {} where there is no such file."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return {}
    pairs = (line.partition(":") for line in text.partition("\n\n")[0].splitlines())
    return {key.strip().lower(): value.strip() for key, _, value in pairs}


def _usable_cpus() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _memory() -> int | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return None


def _accelerators() -> list[dict[str, str]]:
    """Devices by the nodes and descriptions that their drivers leave in the file system."""
    driver = _first_line(Path("/proc/driver/nvidia/version"))
    found = [{"kind": "nvidia", "device": n.name, "driver": driver} for n in sorted(Path("/dev").glob("nvidia[0-9]*"))]
    for about, device in zip(sorted(Path("/proc/driver/nvidia/gpus").glob("*/information")), found, strict=False):
        device["model"] = _first_line(about).partition(":")[2].strip()
    found += [{"kind": "amd", "device": "kfd"}] if Path("/dev/kfd").exists() else []
    found += [{"kind": "tpu", "device": node.name} for node in sorted(Path("/dev").glob("accel[0-9]*"))]
    return found


def _first_line(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").partition("\n")[0].strip()
    except OSError:
        return ""
