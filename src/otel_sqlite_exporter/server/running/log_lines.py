# SPDX-License-Identifier: Apache-2.0
"""The log of a server: a line for each warning and error on stderr, without tracebacks and texts of foreign errors."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from otel_sqlite_exporter.error_texts import describe_error
from otel_sqlite_exporter.show.visible_text import escape

_OWN = __name__.partition(".")[0]
_INTERVAL_S = 60.0


class _LineFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        when = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(record.created))
        said = "\n".join(map(escape, record.getMessage().rstrip().split("\n")))
        error = record.exc_info[1] if record.exc_info else None
        return f"{when} {record.levelname} {said}{f': {escape(describe_error(error))}' if error else ''}"


class _OnceAMinute(logging.Filter):
    """Lets through one line of a kind in a minute: asyncio has one for each connection that it could not accept. What
    this package logs has that bound already."""

    def __init__(self) -> None:
        super().__init__()
        self._quiet_until: dict[object, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether a line is to be written."""
        if record.name.partition(".")[0] == _OWN:
            return True
        kind = (record.name, record.pathname, record.lineno, record.exc_info and record.exc_info[0])
        now = time.monotonic()
        if now < self._quiet_until.get(kind, 0.0):
            return False
        self._quiet_until[kind] = now + _INTERVAL_S
        return True


def log_to_stderr(is_stopping: Callable[[], bool]) -> None:
    """Write the log of this process to stderr. Of uvicorn only errors: a client can cause a warning with each request,
    and an answer that a stop cuts is no error."""
    handler = logging.StreamHandler()
    handler.setFormatter(_LineFormatter())
    handler.addFilter(lambda record: not (is_stopping() and record.name.startswith("uvicorn")))
    handler.addFilter(_OnceAMinute())
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    logging.getLogger("uvicorn").setLevel(logging.ERROR)
