# SPDX-License-Identifier: Apache-2.0
"""The log of a server: a line for each warning and error on stderr, without tracebacks and texts of foreign errors."""

from __future__ import annotations

import asyncio
import logging
import time

from otel_sqlite_exporter.error_texts import describe_error, escape


class _LineFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        when = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(record.created))
        said = "\n".join(map(escape, record.getMessage().rstrip().split("\n")))
        error = record.exc_info[1] if record.exc_info else None
        return f"{when} {record.levelname} {said}{f': {escape(describe_error(error))}' if error else ''}"


def log_to_stderr() -> None:
    """Write the log of this process to stderr. Of uvicorn only errors: a client can cause a warning with each request,
    and what a stop ends is no error."""
    handler = logging.StreamHandler()
    handler.setFormatter(_LineFormatter())
    handler.addFilter(lambda record: not _is_of_stop(record))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    logging.getLogger("uvicorn").setLevel(logging.ERROR)


def _is_of_stop(record: logging.LogRecord) -> bool:
    is_uvicorn = record.name.startswith("uvicorn")
    is_cancelled = record.exc_info is not None and isinstance(record.exc_info[1], asyncio.CancelledError)
    return is_uvicorn and (is_cancelled or "graceful shutdown exceeded" in record.getMessage())
