# SPDX-License-Identifier: Apache-2.0
"""What can be configured: keywords and environment variables become one frozen `Settings`.

The exporter and the command line find the same file because both ask here. A keyword wins over its environment
variable, which wins over the default. A bad keyword raises, as its author is there to see it; a bad environment
variable warns and falls back, as an exporter that raises would disable all of auto-instrumentation.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from otel_sqlite_exporter import environment_variables as env
from otel_sqlite_exporter.errors import ConfigurationError

_logger = logging.getLogger(__name__)
_T = TypeVar("_T")

DEFAULT_PATH = "otel.db"
DEFAULT_SESSION_ATTRIBUTES = (
    "session.id",
    "gen_ai.conversation.id",
    "langfuse.session.id",
    "traceloop.association.properties.session_id",
    "langsmith.metadata.session_id",
    "langsmith.metadata.thread_id",
    "mlflow.trace.session",
    "gcp.vertex.agent.session_id",
    "lmnr.association.properties.session_id",
    "ai.telemetry.metadata.sessionId",
    "session_id",
    "conversation_id",
    "thread_id",
)
SYNCHRONOUS_MODES = ("normal", "full")
AUTO_MIGRATE_MODES = ("safe", "always", "never")
_LONGEST_MS = 2**31 - 1
_LARGEST_BYTES = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Settings:
    """One resolved configuration; build it with `resolve_settings`.

    Attributes:
        path: Absolute path of the file.
        session_attributes: Names of the attributes that name a session, the strongest first.
        busy_timeout_ms: Milliseconds that one export may wait for another writer.
        synchronous: `normal` or `full`, see SQLite's PRAGMA synchronous.
        auto_migrate: `safe`, `always` or `never`.
        pairing_window_ms: Milliseconds within which records are linked by time alone.
        spool_limit_bytes: Size up to which batches are kept beside a file that cannot be written; 0: none is kept.
    """

    path: str
    session_attributes: tuple[str, ...]
    busy_timeout_ms: int
    synchronous: str
    auto_migrate: str
    pairing_window_ms: int
    spool_limit_bytes: int


def resolve_settings(
    path: str | os.PathLike[str] | None = None,
    *,
    session_attributes: Sequence[str] | None = None,
    busy_timeout_ms: int | None = None,
    synchronous: str | None = None,
    auto_migrate: str | None = None,
    pairing_window_ms: int | None = None,
    spool_limit_bytes: int | None = None,
) -> Settings:
    """Return the settings in force; None means unset.

    Raises:
        ConfigurationError: A keyword has a value that cannot be used.
    """
    return Settings(
        path=_resolve("path", path, env.OTEL_EXPORTER_SQLITE_PATH, DEFAULT_PATH, _parse_path),
        session_attributes=_resolve(
            "session_attributes",
            session_attributes,
            env.OTEL_EXPORTER_SQLITE_SESSION_ATTRIBUTES,
            DEFAULT_SESSION_ATTRIBUTES,
            _parse_names,
        ),
        busy_timeout_ms=_resolve(
            "busy_timeout_ms", busy_timeout_ms, env.OTEL_EXPORTER_SQLITE_BUSY_TIMEOUT_MS, 5_000, _parse_ms
        ),
        synchronous=_resolve(
            "synchronous", synchronous, env.OTEL_EXPORTER_SQLITE_SYNCHRONOUS, "normal", _one_of(SYNCHRONOUS_MODES)
        ),
        auto_migrate=_resolve(
            "auto_migrate", auto_migrate, env.OTEL_EXPORTER_SQLITE_AUTO_MIGRATE, "safe", _one_of(AUTO_MIGRATE_MODES)
        ),
        pairing_window_ms=_resolve(
            "pairing_window_ms", pairing_window_ms, env.OTEL_EXPORTER_SQLITE_PAIRING_WINDOW_MS, 300_000, _parse_ms
        ),
        spool_limit_bytes=_resolve(
            "spool_limit_bytes",
            spool_limit_bytes,
            env.OTEL_EXPORTER_SQLITE_SPOOL_LIMIT_BYTES,
            64 * 1024 * 1024,
            _parse_bytes,
        ),
    )


def _resolve(keyword: str, value: Any, variable: str, default: Any, parse: Callable[[Any], _T]) -> _T:
    if value is not None:
        try:
            return parse(value)
        except ValueError as error:
            raise ConfigurationError(f"{keyword}={value!r} cannot be used: {error}") from None
    # The specification: an empty environment variable is an unset one.
    text = os.environ.get(variable, "").strip()
    if text:
        try:
            return parse(text)
        except ValueError as error:
            _logger.warning("%s=%r cannot be used: %s; using the default %r", variable, text, error, default)
    return parse(default)


def _parse_path(value: Any) -> str:
    if not isinstance(value, (str, os.PathLike)):
        raise ValueError("give the path of a file as text")
    path = os.fspath(value)
    if not isinstance(path, str) or not path or "\0" in path:
        raise ValueError("give the path of a file as text")
    if path == ":memory:" or path.startswith("file:"):
        raise ValueError("give the path of a file; a database in memory would be gone with the exporter")
    path = os.path.expanduser(path)
    try:
        return os.path.abspath(path)
    except FileNotFoundError:  # the working directory is gone: the first export says so, the application starts
        return path


def _parse_names(value: Any) -> tuple[str, ...]:
    names = value.split(",") if isinstance(value, str) else value
    if not isinstance(names, Sequence) or not all(isinstance(name, str) for name in names):
        raise ValueError("give a list of attribute names")
    stripped = tuple(dict.fromkeys(name.strip() for name in names if name.strip()))
    if not stripped:
        raise ValueError("give at least one attribute name")
    return stripped


def _parse_ms(value: Any) -> int:
    return _parse_number(value, "milliseconds", _LONGEST_MS)


def _parse_bytes(value: Any) -> int:
    return _parse_number(value, "bytes", _LARGEST_BYTES)


def _parse_number(value: Any, unit: str, largest: int) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        raise ValueError(f"give a whole number of {unit}")
    try:
        number = int(value)
    except ValueError:
        raise ValueError(f"give a whole number of {unit}") from None
    if not 0 <= number <= largest:
        raise ValueError(f"give a number of {unit} from 0 to {largest}")
    return number


def _one_of(choices: tuple[str, ...]) -> Callable[[Any], str]:
    def parse(value: Any) -> str:
        if isinstance(value, str) and value.lower() in choices:
            return value.lower()
        raise ValueError(f"give one of {', '.join(choices)}")

    return parse
