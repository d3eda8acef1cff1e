# ruff: noqa: PLC0415 - a process that measures memory loads what it measures and nothing else
"""One way of comparing two safetensors files, timed in a process of its own: ``peer.py WAY EXPECTED ACTUAL RUNS``.

Prints one JSON object: the seconds of each run.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

RELATIVE, ABSOLUTE = 1e-4, 1e-6


def each(library: str, expected: Path, actual: Path) -> Iterator[tuple[Any, Any]]:
    """The tensors of both files, mapped."""
    from safetensors import safe_open

    with safe_open(expected, library) as one, safe_open(actual, library) as other:
        for name in one.keys():  # noqa: SIM118 - no mapping
            yield one.get_tensor(name), other.get_tensor(name)


def plain_read(path: Path) -> None:
    buffer = memoryview(bytearray(1 << 18))
    descriptor = os.open(path, os.O_RDONLY)
    offset = 0
    while count := os.preadv(descriptor, [buffer], offset):
        offset += count
    os.close(descriptor)


def read(expected: Path, actual: Path) -> None:
    plain_read(expected)
    plain_read(actual)


def read_twice(expected: Path, actual: Path) -> None:
    threads = [threading.Thread(target=plain_read, args=(path,)) for path in (expected, actual)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def auditor(expected: Path, actual: Path) -> None:
    from auditor.compare.weights import compare_weights
    from auditor.model.comparison import Tolerance
    from auditor.model.words import Agreement

    tolerance = Tolerance(absolute=ABSOLUTE, relative=float(os.environ.get("BENCH_RELATIVE", RELATIVE)))
    results = compare_weights(expected, actual, of="bench", tolerance_for=lambda _name, _dtype: tolerance)
    assert {result.agreement for result in results} <= {Agreement.BITWISE, Agreement.WITHIN_TOLERANCE}


def numpy_allclose(expected: Path, actual: Path) -> None:
    import numpy as np

    assert all(np.allclose(b, a, rtol=RELATIVE, atol=ABSOLUTE) for a, b in each("np", expected, actual))


def numpy_assert_allclose(expected: Path, actual: Path) -> None:
    import numpy as np

    for a, b in each("np", expected, actual):
        np.testing.assert_allclose(b, a, rtol=RELATIVE, atol=ABSOLUTE)


def torch_allclose(expected: Path, actual: Path) -> None:
    import torch

    assert all(torch.allclose(b, a, rtol=RELATIVE, atol=ABSOLUTE) for a, b in each("pt", expected, actual))


def torch_assert_close(expected: Path, actual: Path) -> None:
    import torch

    for a, b in each("pt", expected, actual):
        torch.testing.assert_close(b, a, rtol=RELATIVE, atol=ABSOLUTE)


WAYS: dict[str, Callable[[Path, Path], None]] = {
    "plain read": read,
    "plain read, two threads": read_twice,
    "auditor": auditor,
    "numpy.allclose": numpy_allclose,
    "numpy.testing.assert_allclose": numpy_assert_allclose,
    "torch.allclose": torch_allclose,
    "torch.testing.assert_close": torch_assert_close,
}


def main() -> None:
    way, expected, actual, runs = sys.argv[1:]
    compare, paths = WAYS[way], (Path(expected), Path(actual))
    seconds = []
    for _ in range(int(runs)):
        start = time.perf_counter()
        compare(*paths)
        seconds.append(time.perf_counter() - start)
    print(json.dumps(seconds))  # noqa: T201 - what this process is for


if __name__ == "__main__":
    main()
