# SPDX-License-Identifier: Apache-2.0
"""`Annotations`: what people and evaluators say of sessions, traces and answers that are in a file."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping
from contextlib import closing
from typing import Any

from otel_sqlite_exporter.deliver.delivery import Delivery
from otel_sqlite_exporter.encode.sessions import find_naming, plan_naming
from otel_sqlite_exporter.errors import ArgumentError
from otel_sqlite_exporter.model.event_names import SCORE_EVENT
from otel_sqlite_exporter.model.mark_rows import LONGEST_LABEL, LONGEST_NOTE, NOTE, PIN, SCOPE, MarkRow
from otel_sqlite_exporter.model.rows import EncodedLog, Records
from otel_sqlite_exporter.model.signals import LogFields, ResourceFields, ScopeFields
from otel_sqlite_exporter.model.values import repair_text
from otel_sqlite_exporter.query.askable_views import SESSIONS, SPANS, TRACES
from otel_sqlite_exporter.query.reading import TelemetryFile, get_by_prefix, resolve_id
from otel_sqlite_exporter.receive.record_encoder import RecordEncoder
from otel_sqlite_exporter.settings import Settings, resolve_settings
from otel_sqlite_exporter.storage.database import open_file
from otel_sqlite_exporter.storage.transactions import transaction
from otel_sqlite_exporter.version import __version__
from otel_sqlite_exporter.write.row_tables.stored_marks import set_mark

EVALUATOR = "otel-sqlite-exporter"
"""The service of scores that name no other."""


class Annotations:
    """Pins, notes and scores of what is in a file. Each call opens the file and closes it, so an instance may be used
    on any thread and across forks.

    A pinned session or trace is not removed by `prune` or retention. Each method takes a `session_id` or a `trace_id`,
    whole or as a unique prefix, and returns the whole id.

    Args:
        path: The file. Default: the path in `OTEL_EXPORTER_SQLITE_PATH`, else `otel.db`.
        busy_timeout_ms: Milliseconds that a call waits for a lock. Environment: OTEL_EXPORTER_SQLITE_BUSY_TIMEOUT_MS.

    Raises:
        ConfigurationError: A keyword has an invalid value.

    Every method raises:
        NotFoundError: The file has no such session, trace or span, or the prefix is not unique.
        ArgumentError: Not one of `session_id` and `trace_id` is given, or a value cannot be used; the error names it.
        FileRefusedError, MigrationFailedError: The file is missing, damaged, of another program, or of another version.
        sqlite3.Error, OSError: The file cannot be written, or is locked for too long.
    """

    def __init__(self, path: str | os.PathLike[str] | None = None, *, busy_timeout_ms: int | None = None) -> None:
        self._settings: Settings = resolve_settings(path, busy_timeout_ms=busy_timeout_ms)
        self._file = TelemetryFile(self._settings.path, self._settings.busy_timeout_ms)

    @property
    def path(self) -> str:
        """The absolute path of the file."""
        return self._settings.path

    def pin(self, *, session_id: str | None = None, trace_id: str | None = None, label: str = "") -> str:
        """Pin a session or a trace, with a label of at most 200 characters; a pin that it has gets the new label."""
        return self._mark(PIN, session_id, trace_id, True, _check_text("label", label, LONGEST_LABEL))

    def unpin(self, *, session_id: str | None = None, trace_id: str | None = None) -> str:
        """Take the pin away, if there is one."""
        return self._mark(PIN, session_id, trace_id, False, "")

    def note(self, text: str, *, session_id: str | None = None, trace_id: str | None = None) -> str:
        """Write a note of at most 10,000 characters on a session or a trace, in place of the one that it has."""
        if isinstance(text, str) and not text.strip():
            raise ArgumentError("text", "it is empty: give the note, or remove it")
        return self._mark(NOTE, session_id, trace_id, True, _check_text("text", text, LONGEST_NOTE))

    def remove_note(self, *, session_id: str | None = None, trace_id: str | None = None) -> str:
        """Take the note away, if there is one."""
        return self._mark(NOTE, session_id, trace_id, False, "")

    def score(
        self,
        name: str,
        value: float | None = None,
        *,
        label: str | None = None,
        explanation: str | None = None,
        session_id: str | None = None,
        trace_id: str | None = None,
        span_id: str | None = None,
        response_id: str | None = None,
        evaluator: str = EVALUATOR,
    ) -> str:
        """Give a score to a session, a trace, or a span of a trace, such as that of a model call: a log record
        `gen_ai.evaluation.result` of the service `evaluator`, redacted as the settings say. Where the file is locked,
        it goes to the spool beside it.

        Args:
            name: What is judged, such as `Relevance`.
            value: A finite number. At least one of `value` and `label` is needed.
            label: A word, such as `pass`.
            explanation: Why.
            span_id: A span of `trace_id`, or a unique prefix of its id.
            response_id: The id of the answer, `gen_ai.response.id`.
            evaluator: The service that judges.
        """
        attributes = _describe_score(name, value, label, explanation, response_id)
        session, trace = self._find(session_id, trace_id)
        span = None
        if span_id is not None:
            if not trace:
                raise ArgumentError("span_id", "a span is one of a trace: give trace_id too")
            span = self._file.read(resolve_id, SPANS, "span_id", span_id, trace_id=trace)
        if session:
            attributes = {self._name_session(session): session, **attributes}
        self._deliver(attributes, trace, span, _check_text("evaluator", evaluator, LONGEST_LABEL))
        return session or trace

    def _find(self, session_id: str | None, trace_id: str | None) -> tuple[str, str]:
        """Return the whole ids of a session and of a trace, one of them empty."""
        if (session_id is None) == (trace_id is None):
            raise ArgumentError("session_id", "give either session_id or trace_id: one of the two says what it is of")
        if session_id is not None:
            return self._file.read(resolve_id, SESSIONS, "session_id", session_id), ""
        return "", self._file.read(resolve_id, TRACES, "trace_id", trace_id or "")

    def _mark(self, kind: int, session_id: str | None, trace_id: str | None, is_set: bool, text: str) -> str:
        session, trace = self._find(session_id, trace_id)
        mark = MarkRow(kind, session, trace, int(is_set), text, time.time_ns())
        with closing(open_file(self._settings, must_exist=True)) as connection, transaction(connection):
            set_mark(connection, mark)
        return session or trace

    def _name_session(self, session_id: str) -> str:
        """Return an attribute by which a record names a session, if possible the one by which its own records do."""
        names = self._settings.session_attributes
        own = self._file.read(get_by_prefix, SESSIONS, "session_id", session_id).source
        for name in (own, "session.id", *names):
            attributes = {name: session_id}
            found = find_naming(plan_naming(names, attributes), attributes, True, 0)
            if found is not None and found.name == session_id:
                return name
        raise ArgumentError("session_id", "no attribute of session_attributes can name it: give a score to a trace")

    def _deliver(self, attributes: dict[str, Any], trace_id: str, span_id: str | None, evaluator: str) -> None:
        now = time.time_ns()
        ids = (int(trace_id or "0", 16), int(span_id or "0", 16))
        origin = (ResourceFields({"service.name": evaluator}), ScopeFields(SCOPE, __version__))
        fields = LogFields(now, now, *ids, None, None, None, SCORE_EVENT, None, attributes, 0, *origin)
        encoded = RecordEncoder(self._settings).encode(fields, 0, now)
        assert isinstance(encoded, EncodedLog)  # all its values were checked, and its ids are of the file
        delivery = Delivery(self._settings, "logs", senders_repeat=True)
        try:
            error = delivery.try_to_deliver(Records(logs=[encoded]))
        finally:
            delivery.close()
        if error is not None:
            raise error


def _describe_score(
    name: Any, value: Any, label: str | None, explanation: str | None, response_id: str | None
) -> dict[str, Any]:
    """Return the attributes of a score, by OpenTelemetry's names."""
    if not isinstance(name, str) or not name.strip():
        raise ArgumentError("name", "a score needs a name, such as Relevance")
    if value is None and label is None:
        raise ArgumentError("value", "a score needs a value or a label")
    if value is not None and not (isinstance(value, (int, float)) and abs(value) <= sys.float_info.max):
        raise ArgumentError("value", f"{value!r} is not a finite number")
    texts: Mapping[str, tuple[str, str | None, int]] = {
        "gen_ai.evaluation.name": ("name", name, LONGEST_LABEL),
        "gen_ai.evaluation.score.label": ("label", label, LONGEST_LABEL),
        "gen_ai.evaluation.explanation": ("explanation", explanation, LONGEST_NOTE),
        "gen_ai.response.id": ("response_id", response_id, LONGEST_LABEL),
    }
    attributes = {key: _check_text(*given) for key, given in texts.items() if given[1] is not None}
    return attributes if value is None else {**attributes, "gen_ai.evaluation.score.value": float(value)}


def _check_text(argument: str, text: Any, longest: int) -> str:
    if not isinstance(text, str):
        raise ArgumentError(argument, f"{text!r} is not a text")
    if len(text) > longest:
        raise ArgumentError(argument, f"it has {len(text):,} characters: give at most {longest:,}")
    return repair_text(text)[0]
