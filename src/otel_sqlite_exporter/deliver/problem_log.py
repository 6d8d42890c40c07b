# SPDX-License-Identifier: Apache-2.0
"""The log lines of a delivery, each kind once a minute at most. None quotes a recorded value."""

from __future__ import annotations

import logging
import math
import sqlite3
import threading
import time

from otel_sqlite_exporter.error_texts import describe_error, explain_error, list_frames
from otel_sqlite_exporter.errors import SQLiteExporterError
from otel_sqlite_exporter.model.plural import count

_LOG_INTERVAL_S = 60.0


class ProblemLog:
    """Logs what happens to the records for the file at `path`. Used by several threads, and across forks."""

    def __init__(self, logger: logging.Logger, path: str) -> None:
        self._logger = logger
        self._path = path
        self._lock = threading.Lock()
        self._quiet_until: dict[object, float] = {}

    def warn_of_shutdown(self, records: int) -> None:
        """Say once that records came after the shutdown."""
        if self._may_log("shutdown", math.inf):
            self._logger.warning(
                "after shutdown nothing is written: %s lost", count(records, "record is", "records are")
            )

    def warn_of_spool(self, error: Exception, records: int, spool_path: str) -> None:
        """Say that records went to the spool, and why."""
        if self._may_log((type(error), "spooled")):
            self._logger.warning(
                "%s cannot be written: %s. %s kept in %s. The exporter will write them later. The next records may go "
                "there too (logged once a minute at most)",
                self._path,
                explain_error(error),
                count(records, "record is", "records are"),
                spool_path,
            )

    def tell_of_replay(self, records: int) -> None:
        """Say that records of the spool are in the file now."""
        if self._may_log("replayed"):
            self._logger.info("wrote %s from the spool to %s", count(records, "record"), self._path)

    def report_loss(self, error: Exception, records: int, spool_error: BaseException | None = None) -> None:
        """Say that records are lost, and why neither the file nor the spool has them."""
        if not self._may_log((type(error), "lost")):
            return
        where = f"written to {self._path}"
        expected = isinstance(error, (SQLiteExporterError, sqlite3.Error, OSError, MemoryError))
        said = explain_error(error) if expected else f"{describe_error(error)}\n{list_frames(error)}"
        self._logger.error(
            "%s: %s%s (logged once a minute at most)",
            count(records, f"record could not be {where} and is lost", f"records could not be {where} and are lost"),
            said,
            "" if spool_error is None else f"; the spool could not be written either: {explain_error(spool_error)}",
        )

    def report_failure(self, what: str, error: Exception) -> None:
        """Say that something failed of which nothing is lost, and where."""
        if self._may_log((type(error), what)):
            self._logger.error("%s: %s\n%s", what, describe_error(error), list_frames(error))

    def warn_of_retention(self, error: Exception) -> None:
        """Say that what the retention settings say could not be done now, and why."""
        if self._may_log((type(error), "retention")):
            expected = isinstance(error, (SQLiteExporterError, sqlite3.Error, OSError, MemoryError))
            self._logger.warning(
                "%s is not kept within the retention settings now: %s. It is tried again (logged once a minute at "
                "most)",
                self._path,
                explain_error(error) if expected else f"{describe_error(error)}\n{list_frames(error)}",
            )

    def warn_of_excess(self, excess_bytes: int, max_bytes: int) -> None:
        """Say that a file stays beyond its cap."""
        if self._may_log("excess"):
            self._logger.warning(
                "%s holds %s more than retention_bytes, %s, allows, and nothing more may be removed from it: what is "
                "left is pinned, runs, or is the file itself",
                self._path,
                count(excess_bytes, "byte"),
                max_bytes,
            )

    def warn_of_refusal(self, error: Exception, records: int, spool_error: BaseException | None = None) -> None:
        """Say that records were not taken, and why: their senders are to repeat them."""
        if self._may_log((type(error), "refused")):
            self._logger.warning(
                "%s cannot be written: %s%s. %s not taken, and the senders are to repeat them (logged once a minute at "
                "most)",
                self._path,
                explain_error(error),
                "" if spool_error is None else f"; nor can its spool: {explain_error(spool_error)}",
                count(records, "record was", "records were"),
            )

    def _may_log(self, occasion: object, interval_s: float = _LOG_INTERVAL_S) -> bool:
        # Not waited for: its holder is about to log, and a forked child could inherit it locked.
        is_held = False
        try:
            (is_held,) = map(self._lock.acquire, (False,))
            now = time.monotonic()
            if not is_held or now < self._quiet_until.get(occasion, 0.0):
                return False
            self._quiet_until[occasion] = now + interval_s
            return True
        finally:
            if is_held:
                self._lock.release()
