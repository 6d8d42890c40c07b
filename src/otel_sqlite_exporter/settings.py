# SPDX-License-Identifier: Apache-2.0
"""What can be configured: keywords and environment variables become one frozen `Settings`.

The exporter and the command line find the same file because both ask here. A keyword wins over its environment
variable, which wins over the default. A bad keyword raises, as its author is there to see it; a bad environment
variable warns and falls back, as an exporter that raises would disable all of auto-instrumentation. Where the setting
says what may not be stored, a bad variable does not fall back on storing it.
"""

from __future__ import annotations

import importlib
import logging
import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce
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
_LARGEST_TEXT = 2**31 - 1
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
        redact_keys=_resolve("redact_keys", redact_keys, env.OTEL_EXPORTER_SQLITE_REDACT_KEYS, (), _parse_globs),
        redact_values=_resolve(
            "redact_values", redact_values, env.OTEL_EXPORTER_SQLITE_REDACT_VALUES, (), _parse_patterns, (None, _CLOSED)
        ),
        redactor=_resolve(
            "redactor",
            redactor,
            env.OTEL_EXPORTER_SQLITE_REDACTOR,
            None,
            _parse_function,
            (mask_everything, _CLOSED),
        ),
        capture_content=_resolve(
            "capture_content",
            capture_content,
            env.OTEL_EXPORTER_SQLITE_CAPTURE_CONTENT,
            True,
            _parse_flag,
            (False, "no content is stored"),
        ),
        capture_limit=_resolve(
            "capture_limit", capture_limit, env.OTEL_EXPORTER_SQLITE_CAPTURE_LIMIT, None, _parse_limit
        ),
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
    names = _split(value, ",", "attribute names")
    if not names:
        raise ValueError("give at least one attribute name")
    return names


def _split(value: Any, separator: str, what: str) -> tuple[str, ...]:
    parts = value.split(separator) if isinstance(value, str) else value
    if not isinstance(parts, Sequence) or not all(isinstance(part, str) for part in parts):
        raise ValueError(f"give a list of {what}")
    return tuple(dict.fromkeys(part.strip() for part in parts if part.strip()))


def _parse_globs(value: Any) -> tuple[str, ...]:
    return _split(value, ",", "globs of attribute keys")


def _parse_patterns(value: Any) -> tuple[re.Pattern[str], ...]:
    # White space counts in a pattern that is given alone, not at the ends of a line.
    patterns = _split(value, "\n", "regular expressions") if isinstance(value, str) else value
    if not isinstance(patterns, Sequence) or not all(isinstance(pattern, str) for pattern in patterns):
        raise ValueError("give a list of regular expressions")
    return tuple(map(_parse_pattern, patterns))


def _parse_pattern(text: str) -> re.Pattern[str]:
    try:
        pattern = re.compile(text)
    except (re.error, OverflowError, RecursionError) as error:
        raise ValueError(f"give regular expressions, and {text!r} is none: {error}") from None
    if pattern.search(""):
        raise ValueError(f"give regular expressions that need something to match, unlike {text!r}")
    return pattern


def _parse_function(value: Any) -> Callable[[str, Any], Any] | None:
    if value is None:
        return None
    if callable(value):
        function: Callable[[str, Any], Any] = value
        return function
    module, _, names = value.partition(":") if isinstance(value, str) else ("", "", "")
    try:
        found: Any = reduce(getattr, names.split("."), importlib.import_module(module))
    except Exception as error:
        raise ValueError(f"give a function, or module:function as text ({type(error).__name__}: {error})") from None
    if not callable(found):
        raise ValueError("give a function, or module:function as text")
    return _parse_function(found)


def _parse_flag(value: Any) -> bool:
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    if not isinstance(value, bool):
        raise ValueError("give true or false")
    return value


def _parse_limit(value: Any) -> int | None:
    return None if value is None else _parse_number(value, "characters", _LARGEST_TEXT, 1)


def _parse_ms(value: Any) -> int:
    return _parse_number(value, "milliseconds", _LONGEST_MS)


def _parse_bytes(value: Any) -> int:
    return _parse_number(value, "bytes", _LARGEST_BYTES)


def _parse_number(value: Any, unit: str, largest: int, smallest: int = 0) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        raise ValueError(f"give a whole number of {unit}")
    try:
        number = int(value)
    except ValueError:
        raise ValueError(f"give a whole number of {unit}") from None
    if not smallest <= number <= largest:
        raise ValueError(f"give a number of {unit} from {smallest} to {largest}")
    return number


def _one_of(choices: tuple[str, ...]) -> Callable[[Any], str]:
    def parse(value: Any) -> str:
        if isinstance(value, str) and value.lower() in choices:
            return value.lower()
        raise ValueError(f"give one of {', '.join(choices)}")

    return parse
