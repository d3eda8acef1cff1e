"""What the closed world provides so that honest programs work: identity, folders, offline settings."""

from __future__ import annotations

import os
from pathlib import Path

from auditor.reproduce.sandbox.interpreter import Interpreter

USER = "auditor"

_OFFLINE = {
    "AIM_TELEMETRY": "0",
    "CLEARML_OFFLINE_MODE": "1",
    "COMET_MODE": "disabled",
    "DO_NOT_TRACK": "1",
    "DVC_NO_ANALYTICS": "1",
    "HF_DATASETS_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_OFFLINE": "1",
    "MLFLOW_ALLOW_FILE_STORE": "true",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "NEPTUNE_MODE": "offline",
    "TRANSFORMERS_OFFLINE": "1",
    "WANDB_MODE": "offline",
    "WANDB_SILENT": "true",
}


def variables(interpreter: Interpreter, *, home: Path, scratch: Path) -> dict[str, str]:
    """The environment of a re-executed command before what its record adds; nothing is inherited but library folders."""
    folders = [interpreter.path.parent, "/usr/local/bin", "/usr/bin", "/bin", "/usr/sbin", "/sbin"]
    return _OFFLINE | {
        "PATH": os.pathsep.join(str(folder) for folder in folders),
        "HOME": str(home),
        "TMPDIR": str(scratch),
        "USER": USER,
        "LOGNAME": USER,
        "LANG": "C.UTF-8",
        "MPLBACKEND": "Agg",
        "MLFLOW_TRACKING_URI": f"file://{scratch}/mlruns",
        "WANDB_DIR": str(scratch),
        # /sys is empty in a sandbox, and a worker that spins on a shared machine is many times slower.
        "LOKY_MAX_CPU_COUNT": str(_cpus()),
        "OMP_WAIT_POLICY": "passive",
        "PYTHONDONTWRITEBYTECODE": "1",
        **_libraries(interpreter),
        **({"PYTHONUSERBASE": str(interpreter.user)} if interpreter.user else {}),
    }


def furnish(folder: Path, *, home: Path, uid: int, gid: int, network: bool = False) -> list[tuple[Path, str]]:
    """Write the few files of /etc that programs look themselves up in; ``(file here, path inside)`` of each."""
    content = {
        "passwd": f"root:x:0:0:root:/:/usr/sbin/nologin\n{USER}:x:{uid}:{gid}:{USER}:{home}:/bin/sh\n",
        "group": f"root:x:0:\n{USER}:x:{gid}:\n",
        "hosts": "127.0.0.1 localhost sandbox\n::1 localhost\n",
        "nsswitch.conf": f"passwd: files\ngroup: files\nhosts: files{' dns' if network else ''}\n",
    }
    folder.mkdir(exist_ok=True)
    for name, text in content.items():
        (folder / name).write_text(text, encoding="utf-8")
        (folder / name).chmod(0o644)
    return [(folder / name, f"/etc/{name}") for name in content]


def _cpus() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _libraries(interpreter: Interpreter) -> dict[str, str]:
    """Some installed interpreters find their own shared library only by this variable: the entries below their prefixes."""
    entries = [Path(entry) for entry in os.environ.get("LD_LIBRARY_PATH", "").split(os.pathsep) if entry]
    own = [str(entry) for entry in entries if any(entry.is_relative_to(prefix) for prefix in interpreter.prefixes)]
    return {"LD_LIBRARY_PATH": os.pathsep.join(own)} if own else {}
