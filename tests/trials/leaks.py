# SPDX-License-Identifier: Apache-2.0
"""Random spans and log records hold a text that is to be masked, anywhere: it is in no byte of any file."""

from __future__ import annotations

import contextlib
import logging
import random
import sqlite3
import traceback
from collections import Counter
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import hypothesis
from hypothesis import strategies as st
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanContext

from otel_sqlite_exporter import SQLiteLogRecordExporter, SQLiteSpanExporter
from tests.integration.test_log_exporter import make_log
from tests.integration.test_privacy import CONTEXT, PATTERNS, assert_is_nowhere, attributes, secrets, spans, texts
from tests.trials.outcome import Outcome

EXAMPLES = 10
_logs = st.builds(make_log, timestamp=st.just(1), body=secrets, attributes=attributes, event_name=texts)


def try_leaks(folder: Path, chance: random.Random) -> Outcome:
    """Each file is a trial: spans and log records, in the file, its WAL, the quarantine and the spool."""
    logging.disable()
    outcome: Outcome = Counter()

    @hypothesis.seed(chance.getrandbits(32))
    @hypothesis.settings(max_examples=EXAMPLES, database=None, deadline=None, phases=[hypothesis.Phase.generate])
    @hypothesis.given(st.lists(spans, max_size=4), st.lists(_logs, max_size=3), st.booleans(), st.booleans())
    def look(of_spans: list[Any], of_logs: list[Any], is_locked: bool, is_open: bool) -> None:
        with TemporaryDirectory(dir=folder) as place:
            outcome.update(trials=1, acknowledged=_write(Path(place, "otel.db"), of_spans, of_logs, is_locked, is_open))

    try:
        look()
    except Exception:
        outcome["different"] += 1
        print(traceback.format_exc().replace("Traceback (", "("))
    return outcome


def _write(path: Path, of_spans: list[Any], of_logs: list[Any], is_locked: bool, is_open: bool) -> int:
    kept = ReadableSpan("kept", CONTEXT, start_time=1, end_time=2)
    rules: dict[str, Any] = {"redact_values": PATTERNS, "busy_timeout_ms": 20 if is_locked else 60_000}
    exporter, logs = SQLiteSpanExporter(path, **rules), SQLiteLogRecordExporter(path, **rules)
    assert exporter.export([kept]).name == "SUCCESS"
    with contextlib.ExitStack() as stack:
        if is_locked:
            lock = stack.enter_context(closing(sqlite3.connect(path, isolation_level=None)))
            lock.execute("BEGIN IMMEDIATE")
        export = exporter.export_open if is_open else exporter.export
        assert export([*of_spans, ReadableSpan("kept", SpanContext(8, 8, False))]).name == "SUCCESS"
        assert not of_logs or logs.export(of_logs).name == "SUCCESS"
        assert_is_nowhere(path)
    assert exporter.export([kept]).name == "SUCCESS"
    assert_is_nowhere(path)
    exporter.shutdown()
    logs.shutdown()
    assert_is_nowhere(path)
    return len(of_spans) + len(of_logs) + 1
