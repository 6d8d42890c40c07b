# SPDX-License-Identifier: Apache-2.0
"""What can be configured: keywords and environment variables become one frozen `Settings`.

The exporter and the command line find the same file because both ask here. A keyword wins over its environment
variable, which wins over the default. A bad keyword raises, as its author is there to see it; a bad environment
variable warns and falls back, as an exporter that raises would disable all of auto-instrumentation. Where the setting
says what may not be stored, a bad variable does not fall back on storing it.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from otel_sqlite_exporter import environment_variables as env
from otel_sqlite_exporter import parsing
from otel_sqlite_exporter.errors import ConfigurationError
from otel_sqlite_exporter.model.dialect import Dialect

_logger = logging.getLogger(__name__)
_T = TypeVar("_T")

DEFAULT_PATH = "otel.db"
DEFAULT_SESSION_ATTRIBUTES = (
    "session.id",
    "gen_ai.conversation.id",
    "langfuse.session.id",
    "traceloop.association.properties.session_id",
    "traceloop.association.properties.thread_id",
    "langsmith.metadata.session_id",
    "langsmith.metadata.thread_id",
    "langsmith.metadata.conversation_id",
    "mlflow.trace.session",
    "gcp.vertex.agent.session_id",
    "lmnr.association.properties.session_id",
    "ai.telemetry.metadata.sessionId",
    "gen_ai.session.id",
    "conversation.id",
    "session_id",
    "conversation_id",
    "thread_id",
)
SYNCHRONOUS_MODES = ("normal", "full")
AUTO_MIGRATE_MODES = ("safe", "always", "never")
REDACTED = "[redacted]"
"""What stands where something was masked."""
_CLOSED = f"every value is stored as {REDACTED}"


def mask_everything(key: str, value: Any) -> Any:
    """A redactor that lets nothing through."""
    return REDACTED


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
        redact_keys: Globs; an attribute whose key one of them matches is masked.
        redact_values: What is masked wherever it stands in a text. None: the patterns that were meant cannot be used,
            so nothing can be told from what was to be masked.
        redactor: Called as `redactor(key, value)`, returns what is stored.
        capture_content: Whether prompts, completions and other content are stored.
        capture_limit: The longest text that is stored whole, in characters; None: any.
        dialects: The user's own dialects.
    """

    path: str
    session_attributes: tuple[str, ...]
    busy_timeout_ms: int
    synchronous: str
    auto_migrate: str
    pairing_window_ms: int
    spool_limit_bytes: int
    redact_keys: tuple[str, ...]
    redact_values: tuple[re.Pattern[str], ...] | None
    redactor: Callable[[str, Any], Any] | None
    capture_content: bool
    capture_limit: int | None
    dialects: tuple[Dialect, ...]


def resolve_settings(
    path: str | os.PathLike[str] | None = None,
    *,
    session_attributes: Sequence[str] | None = None,
    busy_timeout_ms: int | None = None,
    synchronous: str | None = None,
    auto_migrate: str | None = None,
    pairing_window_ms: int | None = None,
    spool_limit_bytes: int | None = None,
    redact_keys: Sequence[str] | None = None,
    redact_values: Sequence[str] | None = None,
    redactor: Callable[[str, Any], Any] | str | None = None,
    capture_content: bool | None = None,
    capture_limit: int | None = None,
    dialects: Sequence[str] | None = None,
) -> Settings:
    """Return the settings in force; None means unset.

    Raises:
        ConfigurationError: A keyword has a value that cannot be used.
    """
    return Settings(
        path=_resolve("path", path, env.OTEL_EXPORTER_SQLITE_PATH, DEFAULT_PATH, parsing.parse_path),
        session_attributes=_resolve(
            "session_attributes",
            session_attributes,
            env.OTEL_EXPORTER_SQLITE_SESSION_ATTRIBUTES,
            DEFAULT_SESSION_ATTRIBUTES,
            parsing.parse_names,
        ),
        busy_timeout_ms=_resolve(
            "busy_timeout_ms", busy_timeout_ms, env.OTEL_EXPORTER_SQLITE_BUSY_TIMEOUT_MS, 5_000, parsing.parse_ms
        ),
        synchronous=_resolve(
            "synchronous",
            synchronous,
            env.OTEL_EXPORTER_SQLITE_SYNCHRONOUS,
            "normal",
            parsing.one_of(SYNCHRONOUS_MODES),
        ),
        auto_migrate=_resolve(
            "auto_migrate",
            auto_migrate,
            env.OTEL_EXPORTER_SQLITE_AUTO_MIGRATE,
            "safe",
            parsing.one_of(AUTO_MIGRATE_MODES),
        ),
        pairing_window_ms=_resolve(
            "pairing_window_ms",
            pairing_window_ms,
            env.OTEL_EXPORTER_SQLITE_PAIRING_WINDOW_MS,
            300_000,
            parsing.parse_ms,
        ),
        spool_limit_bytes=_resolve(
            "spool_limit_bytes",
            spool_limit_bytes,
            env.OTEL_EXPORTER_SQLITE_SPOOL_LIMIT_BYTES,
            64 * 1024 * 1024,
            parsing.parse_bytes,
        ),
        redact_keys=_resolve("redact_keys", redact_keys, env.OTEL_EXPORTER_SQLITE_REDACT_KEYS, (), parsing.parse_globs),
        redact_values=_resolve(
            "redact_values",
            redact_values,
            env.OTEL_EXPORTER_SQLITE_REDACT_VALUES,
            (),
            parsing.parse_patterns,
            (None, _CLOSED),
        ),
        redactor=_resolve(
            "redactor",
            redactor,
            env.OTEL_EXPORTER_SQLITE_REDACTOR,
            None,
            parsing.parse_function,
            (mask_everything, _CLOSED),
        ),
        capture_content=_resolve(
            "capture_content",
            capture_content,
            env.OTEL_EXPORTER_SQLITE_CAPTURE_CONTENT,
            True,
            parsing.parse_flag,
            (False, "no content is stored"),
        ),
        capture_limit=_resolve(
            "capture_limit", capture_limit, env.OTEL_EXPORTER_SQLITE_CAPTURE_LIMIT, None, parsing.parse_limit
        ),
        dialects=_resolve("dialects", dialects, env.OTEL_EXPORTER_SQLITE_DIALECTS, (), parsing.parse_dialects),
    )


@dataclass(frozen=True, slots=True)
class ProcessorSettings:
    """What concerns the span processor alone; build it with `resolve_processor_settings`.

    Attributes:
        open_delay_ms: Milliseconds after which a span that runs is written.
        schedule_delay_ms: Milliseconds that an ended span waits at most for others to be written with.
        queue_size: Ended spans that may wait.
        batch_size: Spans written at once, at most.
        queue_wait_ms: Milliseconds that the end of a span waits for room in a full queue.
    """

    open_delay_ms: int
    schedule_delay_ms: int
    queue_size: int
    batch_size: int
    queue_wait_ms: int


def resolve_processor_settings(
    *,
    open_delay_ms: int | None = None,
    schedule_delay_ms: int | None = None,
    queue_size: int | None = None,
    batch_size: int | None = None,
    queue_wait_ms: int | None = None,
) -> ProcessorSettings:
    """Return the settings in force; None means unset.

    Raises:
        ConfigurationError: A keyword has a value that cannot be used.
    """
    ms, count = parsing.parse_ms, parsing.parse_count
    return ProcessorSettings(
        open_delay_ms=_resolve("open_delay_ms", open_delay_ms, env.OTEL_EXPORTER_SQLITE_OPEN_DELAY_MS, 250, ms),
        schedule_delay_ms=_resolve(
            "schedule_delay_ms", schedule_delay_ms, env.OTEL_EXPORTER_SQLITE_SCHEDULE_DELAY_MS, 1_000, ms
        ),
        queue_size=_resolve("queue_size", queue_size, env.OTEL_EXPORTER_SQLITE_QUEUE_SIZE, 16_384, count),
        batch_size=_resolve("batch_size", batch_size, env.OTEL_EXPORTER_SQLITE_BATCH_SIZE, 512, count),
        queue_wait_ms=_resolve("queue_wait_ms", queue_wait_ms, env.OTEL_EXPORTER_SQLITE_QUEUE_WAIT_MS, 1_000, ms),
    )


def _resolve(
    keyword: str,
    value: Any,
    variable: str,
    default: Any,
    parse: Callable[[Any], _T],
    closed: tuple[Any, str] | None = None,
) -> _T:
    """Return what holds; `closed` is what a bad variable gives where the default would store more than was meant, and
    the words for it."""
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
            if closed is not None:
                _logger.warning("%s=%r cannot be used: %s; until it can, %s", variable, text, error, closed[1])
                return closed[0]  # type: ignore[no-any-return]
            _logger.warning("%s=%r cannot be used: %s; using the default %r", variable, text, error, default)
    return parse(default)
