"""Reads executed code for calls whose outcome differs from run to run, with line numbers.

The list follows what is known to break reproductions: generators without a seed, draws from a generator that nobody
seeded, entropy of the operating system, seeds from the clock, ``hash()`` of text, the order of sets and of listings. A call
on it may be harmless where it stands; that is for people to say.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from auditor.evidence.sources import SourceFile, Spotted

_GENERATORS = frozenset(
    {
        "random.Random",
        "random.seed",
        "numpy.random.default_rng",
        "numpy.random.RandomState",
        "numpy.random.seed",
        "numpy.random.SeedSequence",
        "numpy.random.PCG64",
        "numpy.random.MT19937",
        "numpy.random.Philox",
    }
)
_SEEDERS = ("seed_everything", "set_seed", "set_random_seed", "seed_all")
_ENTROPY = frozenset({"os.urandom", "os.getrandom", "uuid.uuid1", "uuid.uuid4", "random.SystemRandom", "torch.seed"})
_CLOCKS = frozenset(
    {
        "time.time",
        "time.time_ns",
        "time.perf_counter",
        "time.perf_counter_ns",
        "time.monotonic",
        "datetime.datetime.now",
        "datetime.datetime.utcnow",
        "os.getpid",
    }
)
_SEEDED_BY = {"random": "random.seed", "numpy.random": "numpy.random.seed", "torch": "torch.manual_seed"}
_DRAWS = {
    "random": "betavariate choice choices expovariate gauss getrandbits normalvariate randint random randrange sample "
    "shuffle triangular uniform",
    "numpy.random": "beta binomial bytes choice dirichlet exponential gamma integers laplace lognormal multinomial normal "
    "permutation poisson rand randint randn random random_sample ranf sample shuffle standard_normal uniform",
    "torch": "bernoulli multinomial normal rand rand_like randint randint_like randn randn_like randperm",
}
_LISTINGS = frozenset({"os.listdir", "os.scandir", "os.walk", "glob.glob", "glob.iglob"})
_LISTING_METHODS = frozenset({"iterdir", "rglob"})
_ORDERED = frozenset(
    {"sorted", "natsort.natsorted", "natsorted", "len", "set", "frozenset", "sum", "min", "max", "any", "all"}
)
_SHUFFLED = frozenset({"sklearn.model_selection.train_test_split", "sklearn.utils.shuffle", "sklearn.utils.resample"})


def nondeterministic(files: Iterable[SourceFile]) -> list[Spotted]:
    """Every such call in ``files``, in the order of path and line."""
    files = list(files)
    seeded = {name for file in files for _, name in file.calls()}
    anything = any(name.rpartition(".")[2] in _SEEDERS for name in seeded)
    unseeded = {module for module, seeder in _SEEDED_BY.items() if not anything and seeder not in seeded}
    found = (
        Spotted(path=file.path, line=line, message=message) for file in files for line, message in _in_file(file, unseeded)
    )
    return sorted(set(found), key=lambda spot: (spot.path, spot.line, spot.message))


def _in_file(file: SourceFile, unseeded: set[str]) -> Iterator[tuple[int, str]]:
    for call, name in file.calls():
        message = _random(file, call, name, unseeded) or _order(file, call, name)
        if message is not None:
            yield call.lineno, message
    for node in ast.walk(file.tree):
        loop = node.iter if isinstance(node, ast.For | ast.comprehension) else None
        if loop is not None and _is_set(file, loop) and not _in_ordered(file, node):
            yield loop.lineno, "the order of a set differs from process to process (PYTHONHASHSEED)"


def _random(file: SourceFile, call: ast.Call, name: str, unseeded: set[str]) -> str | None:
    words = [*call.args, *(keyword.value for keyword in call.keywords)]
    seeds = [keyword.value for keyword in call.keywords if keyword.arg in {"seed", "random_state"}]
    is_seeder = name in {*_GENERATORS, *_SEEDERS} or name.endswith((".manual_seed", *(f".{one}" for one in _SEEDERS)))
    module, _, function = name.rpartition(".")
    message = None
    if name in _ENTROPY or name.startswith("secrets."):
        message = f"{name} takes entropy from the operating system"
    elif any(_asks_the_clock(file, word) for word in (words if is_seeder else seeds)):
        message = "the seed is taken from the clock"
    elif name in _GENERATORS and (not words or _is_none(words[0])):
        message = f"{name} is called without a seed"
    elif any(map(_is_none, seeds)) or (name in _SHUFFLED and _shuffles_freely(call)):
        message = f"{name or 'a call'} is called without a seed (random_state)"
    elif module in unseeded and function in _DRAWS[module].split():
        message = f"{name} draws from a generator that no executed file seeds"
    return message


def _asks_the_clock(file: SourceFile, node: ast.AST) -> bool:
    return any(isinstance(inner, ast.Call) and file.dotted(inner.func) in _CLOCKS for inner in ast.walk(node))


def _shuffles_freely(call: ast.Call) -> bool:
    given = {keyword.arg: keyword.value for keyword in call.keywords}
    if given.keys() & {"random_state", None}:  # None stands for **arguments that nobody can look into
        return False
    shuffle = given.get("shuffle")
    return not (isinstance(shuffle, ast.Constant) and not shuffle.value)


def _order(file: SourceFile, call: ast.Call, name: str) -> str | None:
    if name == "hash" and call.args and not _in_hash_method(file, call):
        return "hash() of text differs from process to process (PYTHONHASHSEED)"
    if name in {"list", "tuple", "enumerate"} and call.args and _is_set(file, call.args[0]):
        return None if _in_ordered(file, call) else "the order of a set differs from process to process (PYTHONHASHSEED)"
    method = call.func.attr if isinstance(call.func, ast.Attribute) else ""
    lists = name in _LISTINGS or method in _LISTING_METHODS
    if lists and not _in_ordered(file, call) and not _sorted_later(file, call):
        return f"{name or method} lists a directory in the order of the file system; sort it"
    return None


def _is_none(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _is_set(file: SourceFile, node: ast.AST) -> bool:
    return isinstance(node, ast.Set | ast.SetComp) or (
        isinstance(node, ast.Call) and file.dotted(node.func) in {"set", "frozenset"} and bool(node.args)
    )


def _in_ordered(file: SourceFile, node: ast.AST) -> bool:
    """Whether the order is made or does not matter: somewhere around stands ``sorted``, ``len``, ``sum``, a set ..."""
    return any(
        isinstance(outer, ast.SetComp) or (isinstance(outer, ast.Call) and file.dotted(outer.func) in _ORDERED)
        for outer in file.around(node)
    )


def _sorted_later(file: SourceFile, call: ast.Call) -> bool:
    """Whether the listing is kept under a name that is sorted somewhere in the file."""
    kept = {
        target.id
        for outer in file.around(call)
        if isinstance(outer, ast.Assign)
        for target in outer.targets
        if isinstance(target, ast.Name)
    }
    if not kept:
        return False
    for other, name in file.calls():
        first = other.args[0] if other.args else None
        if name in {f"{variable}.sort" for variable in kept}:
            return True
        if name == "sorted" and isinstance(first, ast.Name) and first.id in kept:
            return True
    return False


def _in_hash_method(file: SourceFile, node: ast.AST) -> bool:
    while node in file.parents:
        node = file.parents[node]
        if isinstance(node, ast.FunctionDef) and node.name in {"__hash__", "__eq__"}:
            return True
    return False
