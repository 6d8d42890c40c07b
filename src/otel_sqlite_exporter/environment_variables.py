# SPDX-License-Identifier: Apache-2.0
"""Names of the environment variables that configure this package.

`opentelemetry-instrument` imports this module in every process that it starts and makes one command line option of
each name that begins with `OTEL_`, so this module holds those names and nothing else.
"""

OTEL_EXPORTER_SQLITE_PATH = "OTEL_EXPORTER_SQLITE_PATH"
"""Path of the file. A relative path is taken from the working directory in which the exporter is made.
Default: `otel.db`."""

OTEL_EXPORTER_SQLITE_SESSION_ATTRIBUTES = "OTEL_EXPORTER_SQLITE_SESSION_ATTRIBUTES"
"""Comma-separated attribute names that name a span's session, the strongest first.
Default: `session.id`, `gen_ai.conversation.id` and those of other conventions (see docs/sessions.md)."""

OTEL_EXPORTER_SQLITE_BUSY_TIMEOUT_MS = "OTEL_EXPORTER_SQLITE_BUSY_TIMEOUT_MS"
"""How long one export waits for another writer of the file, in milliseconds. Default: 5000."""

OTEL_EXPORTER_SQLITE_SYNCHRONOUS = "OTEL_EXPORTER_SQLITE_SYNCHRONOUS"
"""`normal` (an acknowledged batch survives the death of the process) or `full` (and a power failure).
Default: `normal`."""

OTEL_EXPORTER_SQLITE_AUTO_MIGRATE = "OTEL_EXPORTER_SQLITE_AUTO_MIGRATE"
"""Which steps the exporter itself may apply to an older file: `safe` (quick ones, which only add), `always` or `never`.
Default: `safe`."""

OTEL_EXPORTER_SQLITE_PAIRING_WINDOW_MS = "OTEL_EXPORTER_SQLITE_PAIRING_WINDOW_MS"
"""The longest time between a start record and a finish record that are linked by time alone, in milliseconds.
Default: 300000 (five minutes)."""

OTEL_EXPORTER_SQLITE_SPOOL_LIMIT_BYTES = "OTEL_EXPORTER_SQLITE_SPOOL_LIMIT_BYTES"
"""Bytes up to which batches are kept beside a file that cannot be written; 0 keeps none. Default: 67108864."""

OTEL_EXPORTER_SQLITE_REDACT_KEYS = "OTEL_EXPORTER_SQLITE_REDACT_KEYS"
"""Comma-separated globs: an attribute whose key one of them matches, in whatever case, is stored as `[redacted]`.
Default: none."""

OTEL_EXPORTER_SQLITE_REDACT_VALUES = "OTEL_EXPORTER_SQLITE_REDACT_VALUES"
"""Regular expressions, one a line: whatever one of them matches is stored as `[redacted]`. If one of them is bad,
every value is. Default: none."""

OTEL_EXPORTER_SQLITE_REDACTOR = "OTEL_EXPORTER_SQLITE_REDACTOR"
"""`module:function`, called with the key and the value of every attribute: what it returns is stored. If it cannot be
imported, every value is stored as `[redacted]`. Default: none."""

OTEL_EXPORTER_SQLITE_CAPTURE_CONTENT = "OTEL_EXPORTER_SQLITE_CAPTURE_CONTENT"
"""`false` stores no prompts, completions, tool arguments and results or retrieved documents, but all else of their
spans. What is neither `true` nor `false` counts as `false`. Default: `true`."""

OTEL_EXPORTER_SQLITE_CAPTURE_LIMIT = "OTEL_EXPORTER_SQLITE_CAPTURE_LIMIT"
"""The longest text that is stored whole, in characters; what is longer is cut there. Default: none."""

OTEL_EXPORTER_SQLITE_DIALECTS = "OTEL_EXPORTER_SQLITE_DIALECTS"
"""Comma-separated paths of JSON files, each with a dialect: what your own instrumentation calls what models and tools
have in common (see docs/dialects.md). Default: none."""

OTEL_EXPORTER_SQLITE_SPAN_PROCESSOR = "OTEL_EXPORTER_SQLITE_SPAN_PROCESSOR"
"""Whether `opentelemetry-instrument` adds an SQLiteSpanProcessor: `true` or `false`. Default: false."""

OTEL_EXPORTER_SQLITE_OPEN_DELAY_MS = "OTEL_EXPORTER_SQLITE_OPEN_DELAY_MS"
"""Milliseconds after which the span processor writes a span that still runs. Default: 250."""

OTEL_EXPORTER_SQLITE_SCHEDULE_DELAY_MS = "OTEL_EXPORTER_SQLITE_SCHEDULE_DELAY_MS"
"""Milliseconds that an ended span waits at most in the span processor. Default: 1000."""

OTEL_EXPORTER_SQLITE_QUEUE_SIZE = "OTEL_EXPORTER_SQLITE_QUEUE_SIZE"
"""Ended spans that may wait in the span processor. Default: 16384."""

OTEL_EXPORTER_SQLITE_BATCH_SIZE = "OTEL_EXPORTER_SQLITE_BATCH_SIZE"
"""Spans that the span processor writes at once, at most. Default: 512."""

OTEL_EXPORTER_SQLITE_QUEUE_WAIT_MS = "OTEL_EXPORTER_SQLITE_QUEUE_WAIT_MS"
"""Milliseconds that the end of a span waits for room in a full queue of the span processor. Default: 1000."""
