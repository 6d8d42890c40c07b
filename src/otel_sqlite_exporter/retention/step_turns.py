# SPDX-License-Identifier: Apache-2.0
"""Whose turn it is to remove from a file: after each step all processes rest for as long as it held the file, so that
together they hold it half of the time at most.

The state `retention rest` of a file is until when, in nanoseconds since 1970.
"""

from __future__ import annotations

import sqlite3
import time

from otel_sqlite_exporter.storage.state import read_number, write_state

_STATE = "retention rest"
REST_MARGIN_S = 0.004
"""What a rest is longer than the step, as that ends with a commit."""
_LONGEST_NS = 10 * 10**9
"""A rest that is to last longer is of a clock that was set back."""


class NotOurTurnError(Exception):
    """Another process has just removed something. `rest_s`: how long to rest, in seconds."""

    def __init__(self, rest_s: float) -> None:
        super().__init__("another process has just removed something")
        self.rest_s = rest_s


def take_turn(connection: sqlite3.Connection) -> None:
    """Begin a step in the caller's transaction.

    Raises:
        NotOurTurnError: All are to rest. The caller is to roll back.
    """
    left = (read_number(connection, _STATE) or 0) - time.time_ns()
    if 0 < left < _LONGEST_NS:
        raise NotOurTurnError(left / 1e9)


def note_rest(connection: sqlite3.Connection, began_s: float) -> None:
    """Note how long to rest at the end of a step, in its transaction, which began at `began_s` by `perf_counter`."""
    held = int((time.perf_counter() - began_s) * 1e9)
    write_state(connection, _STATE, time.time_ns() + held + int(REST_MARGIN_S * 5e8))
