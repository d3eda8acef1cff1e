"""Waits for calls into foreign libraries, but not for ever."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

Answer = TypeVar("Answer")


def within(seconds: float, call: Callable[[], Answer]) -> Answer:
    """What ``call`` returns, or raises.

    A library's own time limits differ, and count single packets where they exist at all. The call runs in a thread that is
    left behind when its time is up, and that does not keep the process from ending.

    Raises:
        TimeoutError: there was no answer within ``seconds``.
    """
    answers: list[Answer] = []
    failures: list[BaseException] = []

    def run() -> None:
        try:
            answers.append(call())
        except BaseException as error:  # noqa: BLE001  (raised below, in the thread that asked)
            failures.append(error)

    thread = threading.Thread(target=run, daemon=True, name="auditor-store")
    thread.start()
    thread.join(seconds)
    if failures:
        raise failures[0]
    if not answers:
        raise TimeoutError(f"no answer within {seconds:g} s")
    return answers[0]
