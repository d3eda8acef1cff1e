"""Which environment variables may be written down, and which of them change numbers."""

from __future__ import annotations

from collections.abc import Mapping

_PREFIXES = (
    "ATEN_",
    "BLIS_",
    "CUBLAS_",
    "CUDNN_",
    "GOMP_",
    "GOTO_",
    "JAX_",
    "KMP_",
    "MKL_",
    "NCCL_",
    "NPY_",
    "NUMBA_",
    "NUMEXPR_",
    "NVIDIA_TF32",
    "OMP_",
    "ONEDNN_",
    "DNNL_",
    "OPENBLAS_",
    # Not all of TF_: TF_VAR_ and the like are Terraform's, and hold secrets.
    "TF_CPP_",
    "TF_CUDNN_",
    "TF_DETERMINISTIC_",
    "TF_DISABLE_",
    "TF_ENABLE_",
    "TF_FORCE_",
    "TF_GPU_",
    "TF_NUM_",
    "TF_USE_",
    "TF_XLA_",
    "TORCH_",
    "TORCHINDUCTOR_",
    "VECLIB_",
    "XLA_",
)
_NAMES = {
    "CUDA_DEVICE_ORDER",
    "CUDA_LAUNCH_BLOCKING",
    "CUDA_VISIBLE_DEVICES",
    "GLIBC_TUNABLES",
    "HIP_VISIBLE_DEVICES",
    "PYTORCH_CUDA_ALLOC_CONF",
    "PYTHONDONTWRITEBYTECODE",
    "PYTHONHASHSEED",
    "PYTHONNOUSERSITE",
    "PYTHONOPTIMIZE",
    "PYTHONUTF8",
    "SOURCE_DATE_EPOCH",
    "TZ",
    "LANG",
    "LC_ALL",
    "LC_NUMERIC",
    "LC_COLLATE",
}
_NOT_NUMERIC = _NAMES - {"GLIBC_TUNABLES", "CUDA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES"}
_TALK = ("_LOG", "VERBOSE", "DEBUG", "CACHE", "_DIR", "_HOME", "_PATH", "_SOCKET", "_COMM_ID")


def allowed(variables: Mapping[str, str]) -> dict[str, str]:
    """The variables that a manifest records, sorted by name: an allow-list, never the whole environment.

    Variables whose text is not UTF-8 are left out: a manifest cannot hold them.
    """
    return {
        name: value
        for name, value in sorted(variables.items())
        if (name in _NAMES or name.startswith(_PREFIXES)) and _is_text(name + value)
    }


def numeric(variables: Mapping[str, str]) -> dict[str, str]:
    """The allowed variables that can change floating-point results: not hash seeds, locales, logs and directories."""
    return {
        name: value
        for name, value in allowed(variables).items()
        if name not in _NOT_NUMERIC and not any(word in name for word in _TALK)
    }


def threads(variables: Mapping[str, str], cpus: int) -> dict[str, int]:
    """How many threads each runtime would use by itself: its own variable, else OpenMP's, else every usable CPU."""
    openmp = _count(variables, "OMP_NUM_THREADS") or cpus
    return {
        "cpus": cpus,
        "openmp": openmp,
        "openblas": _count(variables, "OPENBLAS_NUM_THREADS") or _count(variables, "GOTO_NUM_THREADS") or openmp,
        "mkl": _count(variables, "MKL_NUM_THREADS") or openmp,
        "numexpr": _count(variables, "NUMEXPR_NUM_THREADS") or openmp,
    }


def _count(variables: Mapping[str, str], name: str) -> int | None:
    # OpenMP allows a list, one number for each nesting level: the first counts.
    text = variables.get(name, "").split(",")[0].strip()
    return int(text) if text.isascii() and text.isdigit() and int(text) > 0 else None


def _is_text(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
