"""The twelve things that an honest run must not depend on, each with a steady value and another one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

_THREADS: Final = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Factor:
    """One factor. ``variables`` have a steady value and a varied one; what else it does, the injector does.

    ``cure`` says what usually helps a run that depends on it.
    """

    name: str
    cure: str
    variables: Mapping[str, tuple[str, str]] = field(default_factory=dict)

    def pinned(self, recorded: Mapping[str, str]) -> str | None:
        """The variable by which the record fixes this factor: what is recorded is no accident, and is not varied."""
        return next((name for name in self.variables if name in recorded and name not in _CLOCKWORK), None)


_CLOCKWORK: Final = frozenset({"LANG"})
"""Variables that every environment has: that they are recorded pins nothing."""

FACTORS: Final = (
    Factor(
        name="hash-seed",
        cure="sort sets and dictionaries of text before they decide anything, and hash with hashlib instead of hash()",
        variables={"PYTHONHASHSEED": ("1", "2")},
    ),
    Factor(name="directory-order", cure="sort what os.listdir, os.scandir, glob or iterdir give"),
    Factor(name="clock", cure="take seeds and features from the configuration, not from the time of day"),
    Factor(
        name="time-zone",
        cure="give every time a zone: datetime.fromtimestamp(t, tz=UTC)",
        variables={"TZ": ("GMT+12", "GMT-14")},
    ),
    Factor(name="working-directory", cure="write paths relative to the repository, not where it happens to lie"),
    Factor(name="processors", cure="take the number of shards or workers from the configuration, not from os.cpu_count()"),
    Factor(
        name="locale",
        cure='name the encoding when opening text: open(path, encoding="utf-8")',
        variables={
            "LC_ALL": ("C.UTF-8", "POSIX"),
            "LANG": ("C.UTF-8", "POSIX"),
            "PYTHONUTF8": ("0", "0"),
            "PYTHONCOERCECLOCALE": ("0", "0"),
        },
    ),
    Factor(name="home", cure="declare what is read from the home directory with --data, and keep its path out of outputs"),
    Factor(
        name="memory",
        cure="fill arrays before reading them: numpy.zeros instead of numpy.empty",
        variables={
            "MALLOC_PERTURB_": ("0", "165"),
            "GLIBC_TUNABLES": ("glibc.malloc.perturb=0", "glibc.malloc.perturb=165"),
        },
    ),
    Factor(name="addresses", cure="give objects in sets an own __hash__, and sort by a key instead of id()"),
    Factor(name="entropy", cure="hand the recorded seed to every random generator"),
    Factor(
        name="threads",
        cure="fix the number of threads and record it (OMP_NUM_THREADS), or record with a tolerance",
        variables=dict.fromkeys(_THREADS, ("1", "2")),
    ),
)
