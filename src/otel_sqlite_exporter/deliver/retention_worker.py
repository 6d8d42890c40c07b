# SPDX-License-Identifier: Apache-2.0
"""Keeps a file within the retention settings, beside the exporter that writes it: in steps of about 25 ms, after each
of which all processes rest for as long.

The thread starts with the first delivery, and only where a setting asks for it. It has a connection of its own, lent
for one step at a time: a fork and the end of the exporter wait for one step at most. What goes wrong is logged once a
minute, and no delivery notices it.
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import time
from collections.abc import Callable

from otel_sqlite_exporter.deliver.problem_log import ProblemLog
from otel_sqlite_exporter.deliver.turn_thread import TurnThread
from otel_sqlite_exporter.query.limits.retention_notes import note_excess, read_excess
from otel_sqlite_exporter.retention.ledger import LedgerEntry
from otel_sqlite_exporter.retention.pruning import Pruning
from otel_sqlite_exporter.retention.retention_rules import RetentionRules
from otel_sqlite_exporter.retention.step_turns import REST_MARGIN_S, NotOurTurnError, take_turn
from otel_sqlite_exporter.settings import Settings
from otel_sqlite_exporter.storage.database import Database
from otel_sqlite_exporter.storage.state import read_number, read_state, write_state
from otel_sqlite_exporter.storage.system.file_space import count_pages, empty_log, release_pages
from otel_sqlite_exporter.storage.transactions import Deadline, is_lock, transaction
from otel_sqlite_exporter.write.removal.orphans import sweep_orphans

_DAY_S = 86_400
_SWEPT = "retention swept"
"""The state that notes when a process looked for what no record refers to, in nanoseconds since 1970."""
_FIRST_LOOK_S = 1.0
_LOOK_S, _IDLE_LOOK_S, _LONG_S = 1.0, 3_600.0, 30.0
"""How long after a look the next one comes where the file is written, and where it is not; and how long a delivery lets
the thread sleep."""
_AGE_LOOK_S = 10.0
"""How often what is old is looked for."""
_PAUSE_S = 60.0
"""After a problem, and where the cap cannot be kept to."""
_FRESH_S = 3_600.0
"""After so long, what was passed over is looked at again."""
_AGAIN_S = 0.02
"""After others had the file for all of the next."""
_WAIT_S = 0.25
"""The longest wait of a step for other writers."""
_PAGES_AT_ONCE = 64
_FREE_SHARE = 20
"""Without a cap one page in so many stays free, as the next batches need it."""


def make_rules(settings: Settings) -> RetentionRules:
    """Return the rules that the settings are."""
    ages = (settings.retention_days, settings.retention_keep_failed_days, settings.metrics_raw_days)
    age_s, failed_age_s, raw_points_s = (None if days is None else days * _DAY_S for days in ages)
    size, users = settings.retention_bytes, settings.retention_users
    return RetentionRules(age_s, size, keep_failed_s=failed_age_s, keep_users=users, raw_points_s=raw_points_s)


class RetentionWorker:
    """Removes what is due from the file of one exporter. Making one touches nothing."""

    def __init__(
        self, settings: Settings, log: ProblemLog, run_suppressed: Callable[[Callable[[], None]], None]
    ) -> None:
        self._settings = settings
        self._log = log
        self._run_suppressed = run_suppressed
        self._rules = make_rules(settings)
        self._database = Database(settings, must_exist=True)
        self._thread: TurnThread | None = None
        self._pid = 0
        self._is_closed = False
        self._has_news = False
        self._pruning: Pruning | None = None
        self._connection: sqlite3.Connection | None = None
        self._is_at_work = False
        self._began_s = self._next_age_look_s = self._paused_until_s = self._next_checkpoint_s = 0.0
        self._has_log = False
        self._delay_s = _FIRST_LOOK_S

    def note_delivery(self) -> None:
        """Note that something was written: the thread may have to remove as much."""
        if self._is_closed:
            return
        self._has_news = True
        if self._thread is None or self._pid != os.getpid():
            self._pid, self._thread, self._pruning, self._is_at_work = os.getpid(), TurnThread(), None, False
            self._thread.start(self._turn)
        elif self._delay_s > _LONG_S:
            self._thread.wake()

    def close(self, deadline: Deadline) -> None:
        """End the thread. Waits for a step that is under way until `deadline`."""
        self._is_closed = True
        thread = self._thread
        if thread is not None and self._pid == os.getpid():
            thread.wake()
            if not thread.is_current:
                thread.wait_for_end(deadline.left_s())

    def _turn(self) -> float | None:
        """Look or take a step. Return after how many seconds the next may come, None after `close`. Never raises."""
        try:
            self._run_suppressed(self._close_file if self._is_closed else self._look)
        except NotOurTurnError as error:
            self._delay_s = error.rest_s
        except Exception as error:
            if self._pruning is not None and (self._pruning.has_failed or not is_lock(error)):
                self._pruning, self._is_at_work = None, False
            self._delay_s = _AGAIN_S if is_lock(error) else _PAUSE_S
            if not is_lock(error):
                self._log.warn_of_retention(error)
        return None if self._is_closed else self._delay_s

    def _close_file(self) -> None:
        self._pruning = None
        self._database.close(Deadline(_WAIT_S))

    def _look(self) -> None:
        self._delay_s = _PAUSE_S
        if os.path.exists(self._settings.path):
            self._database.run(self._look_into, Deadline(_WAIT_S))

    def _look_into(self, connection: sqlite3.Connection) -> None:
        rules = self._rules
        if self._connection is not connection:
            self._connection, self._pruning, self._is_at_work = connection, None, False
        if not self._is_at_work and not self._is_due(connection, rules):
            return
        pruning = self._pruning
        if pruning is None:
            entry = _find_entry(connection, rules)
            pruning = Pruning(connection, self._settings, rules, entry, is_beside_exporter=True)
            self._pruning = pruning
            self._began_s = time.monotonic()
        elif not self._is_at_work:
            pruning.renew(_find_entry(connection, rules))
        self._is_at_work = True
        try:
            held = pruning.step()
        except sqlite3.OperationalError as error:
            if "full" not in str(error) or not self._shorten(connection):
                raise
            self._pruning, self._delay_s = None, _AGAIN_S
            return
        if held is None:
            held = self._give_back(connection, rules)
        if held is None:
            self._finish(connection, rules, pruning)
        else:
            self._delay_s = held + REST_MARGIN_S

    def _is_due(self, connection: sqlite3.Connection, rules: RetentionRules) -> bool:
        """Return whether it is time to go through what may be due; else note when the next look is to be."""
        now = time.monotonic()
        has_news, self._has_news = self._has_news, False
        waits = [_IDLE_LOOK_S]
        if rules.max_bytes is not None:
            pause = self._paused_until_s - now
            if pause <= 0 and count_pages(connection).used_bytes > rules.max_bytes:
                return True
            waits += [max(_LOOK_S, pause)] if has_news or pause > 0 else []
        if rules.older_than_s is not None or rules.raw_points_s is not None:
            if now >= self._next_age_look_s:
                self._next_age_look_s = now + _AGE_LOOK_S
                return True
            waits.append(self._next_age_look_s - now)
        if self._has_log and (not has_news or now >= self._next_checkpoint_s):
            self._shorten(connection)
        if self._has_log:
            waits.append(_LOOK_S)
        self._delay_s = min(waits)
        return False

    def _is_sweep_due(self, connection: sqlite3.Connection) -> bool:
        """Return whether no process has looked for a day for what no record refers to any more: this one is to."""
        now = time.time_ns()
        if now - (read_number(connection, _SWEPT) or 0) < _DAY_S * 10**9:
            return False
        with transaction(connection):
            write_state(connection, _SWEPT, now)
        return True

    def _give_back(self, connection: sqlite3.Connection, rules: RetentionRules) -> float | None:
        """Shorten the file by some of the pages that it does not need, and return how many seconds that took; None: it
        has none. What is below the cap stays, as the next batches fill it."""
        pages, free, size = count_pages(connection)
        spare = free - pages // _FREE_SHARE if rules.max_bytes is None else pages - rules.max_bytes // size
        if min(spare, free) <= 0:
            return None
        take_turn(connection)
        began = time.perf_counter()
        released = release_pages(connection, min(spare, free, _PAGES_AT_ONCE))
        return time.perf_counter() - began if released else None

    def _finish(self, connection: sqlite3.Connection, rules: RetentionRules, pruning: Pruning) -> None:
        """Note what was done, and what could not be."""
        now = time.monotonic()
        self._is_at_work = False
        if any(pruning.removed) and self._is_sweep_due(connection):
            sweep_orphans(connection)
        used = count_pages(connection).used_bytes
        excess = 0 if rules.max_bytes is None else max(0, used - rules.max_bytes)
        noted = read_excess(connection)
        if pruning.has_unnoted_end or bool(excess) != (noted is not None):
            with transaction(connection):
                pruning.note_end()
                kept = {str(reason): number for reason, number in pruning.due.kept.items()}
                note_excess(connection, rules.max_bytes or 0, excess, kept)
        if excess:
            self._paused_until_s = now + _PAUSE_S
            if noted is None:
                self._log.warn_of_excess(excess, rules.max_bytes or 0)
        if excess or now - self._began_s > _FRESH_S:
            self._pruning = None
        self._has_log = self._has_log or any(pruning.removed)
        self._delay_s = _LOOK_S

    def _shorten(self, connection: sqlite3.Connection) -> bool:
        """Write the WAL to the file, and empty it: until then the file has the length of before the removal, and the
        WAL holds what was removed. One that a reader needs stays until the next look. No one waits for the pages: these
        are written before others are locked out. Returns whether that gave room to the disk."""
        connection.execute("PRAGMA busy_timeout = 0")  # it waits for readers with the file locked
        _, pages, written = connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
        if pages != written:
            return False
        self._has_log = not empty_log(connection)
        self._next_checkpoint_s = time.monotonic() + _PAUSE_S
        return pages > 0 and not self._has_log


def _find_entry(connection: sqlite3.Connection, rules: RetentionRules) -> LedgerEntry:
    """Return the row of the ledger that all exporters of a file share today."""
    day = time.time_ns() // (_DAY_S * 10**9)
    named = f"{read_state(connection, 'file')} {day} {json.dumps(rules.describe())}"
    return LedgerEntry("retention", rules.describe(), hashlib.sha256(named.encode()).hexdigest()[:32])
