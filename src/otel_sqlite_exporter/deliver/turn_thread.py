# SPDX-License-Identifier: Apache-2.0
"""A thread that works in turns, and waiting that an exception of a signal handler cannot break.

Such an exception may come after any call in the main thread. `threading.Event`, `Condition` and `Thread.start` are
written in Python: it can leave their locks taken for good, or a thread half started. The calls used here are written in
C. What one returns is noted in an assignment that unpacks: between the two, no call ends.
"""

from __future__ import annotations

import _thread
import contextlib
import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue

Call = SimpleQueue[None]
"""Something is put into it for one thread that waits."""


def wait_for(call: Call, timeout_s: float) -> bool:
    """Return whether something was put into `call`, after `timeout_s` at most."""
    with contextlib.suppress(Empty):
        call.get(timeout=min(max(0.0, timeout_s), threading.TIMEOUT_MAX))
        return True
    return False


class TurnThread:
    """A thread that calls a function again and again, after some time or when it is woken. It begins with `start`."""

    def __init__(self) -> None:
        self._wake: Call = SimpleQueue()
        self._end: Call = SimpleQueue()
        self._has_ended = False
        self._starting = threading.Lock()
        self._ident: int | None = None

    @property
    def is_started(self) -> bool:
        """Whether there is a thread."""
        return self._ident is not None

    @property
    def is_current(self) -> bool:
        """Whether this thread asks."""
        return self._ident == threading.get_ident()

    def start(self, turn: Callable[[], float | None]) -> None:
        """Start the thread, if there is none and the interpreter does not end.

        Args:
            turn: Returns the seconds until its next call, infinity for a call only when woken, or None after the last.
                It never raises.
        """
        is_held = False
        try:
            (is_held,) = map(self._starting.acquire, (False,))
            if is_held and self._ident is None:
                with contextlib.suppress(RuntimeError):  # the interpreter ends
                    (self._ident,) = map(_thread.start_new_thread, (self._run,), ((turn,),))
        finally:
            if is_held:
                self._starting.release()

    def wake(self) -> None:
        """Let the next turn begin, if the thread sleeps."""
        if self._wake.empty():
            self._wake.put(None)

    def wait_for_end(self, timeout_s: float) -> None:
        """Wait until the last turn is over."""
        if self._ident is not None and not self._has_ended:
            wait_for(self._end, timeout_s)

    def _run(self, turn: Callable[[], float | None]) -> None:
        try:
            while (delay_s := turn()) is not None:
                wait_for(self._wake, delay_s)
                while not self._wake.empty():
                    self._wake.get()
        finally:
            self._has_ended = True
            self._end.put(None)
