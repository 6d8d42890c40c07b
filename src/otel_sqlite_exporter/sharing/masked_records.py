# SPDX-License-Identifier: Apache-2.0
"""Reads the records of one session or trace, masks them, and writes them as OTLP to a file of its own.

The one place where a share is masked. Every format is made from what is written here, so none shows what another one
masks.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import NamedTuple

from otel_sqlite_exporter.errors import FilterError
from otel_sqlite_exporter.query.exports.otlp_export import read_export
from otel_sqlite_exporter.query.metric_series.metric_sessions import resolve_session
from otel_sqlite_exporter.query.reading import TelemetryFile
from otel_sqlite_exporter.redact.known_values import KnownValues
from otel_sqlite_exporter.redact.mask_counts import MaskedValues
from otel_sqlite_exporter.redact.share_redactor import ShareRedactor
from otel_sqlite_exporter.settings import Settings
from otel_sqlite_exporter.sharing.session_names import list_naming_keys, make_name
from otel_sqlite_exporter.sharing.shared_rows import SharedRows

_MOST_RUNS = 8


class MaskedRecords(NamedTuple):
    """What was written: the number of spans, log records and data points, and what was masked. `left_out` counts
    running spans. `session_name` is the name that the session has got, as its id is masked; None: it has its own."""

    spans: int
    logs: int
    points: int
    left_out: int
    masked: Sequence[MaskedValues]
    session_name: str | None = None


def write_masked(
    file: TelemetryFile,
    settings: Settings,
    target: str,
    *,
    session_id: str | None,
    trace_id: str | None,
    check_size: Callable[[int], None] = lambda spans: None,
) -> MaskedRecords:
    """Write the records of a session or a trace to the new file `target`, as lines of OTLP JSON, redacted as `settings`
    say. Only the owner may read it.

    A session whose id is masked gets another name, by which it stays one. A value that is masked under a key is masked
    wherever it stands. Which values these are is known when all records
    were read, so they are read twice, and once more if the session went on meanwhile.

    Args:
        check_size: Is called with the number of records after each page, and may raise.

    Raises:
        FilterError: The session does not stop changing.
        NotFoundError: There is no such session or trace, or the prefix is not unique.
        FileRefusedError, sqlite3.Error, OSError: The file cannot be read, or `target` not be written.
    """
    session = None if session_id is None else resolve_session(file, session_id)
    keys = () if session is None else sorted(list_naming_keys(file, session, settings.session_attributes))
    known = KnownValues()
    for _ in range(_MOST_RUNS):
        redactor = ShareRedactor(settings, known)
        masked_keys = [key for key in keys if redactor.masks_name(key, str(session))]
        name = make_name(file, str(session)) if masked_keys else None
        before = len(known)
        rows = SharedRows(redactor, name)
        spans = logs = points = left_out = 0
        with open(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as output:
            for piece in read_export(file, session_id=session, trace_id=trace_id, redactor=rows):
                output.write(piece.content)
                spans, logs, left_out = spans + piece.spans, logs + piece.logs, left_out + piece.left_out
                points += piece.points
                check_size(spans + logs + points)
        if len(known) == before:
            return MaskedRecords(spans, logs, points, left_out, redactor.counts.list_all(), name)
    raise FilterError(
        "trace_id" if session_id is None else "session_id", "it changes too fast to mask it: share it when it has ended"
    )
