# SPDX-License-Identifier: Apache-2.0
"""Writes one session or trace in a format to hand on: masked first, and then everything from what is masked."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from typing import NamedTuple

from otel_sqlite_exporter.errors import FilterError, NotFoundError
from otel_sqlite_exporter.query.conversations.conversation_reader import find_target
from otel_sqlite_exporter.query.exports.markdown_export import escape_line, read_markdown, write_fence
from otel_sqlite_exporter.query.metric_series.metric_sessions import list_metric_sessions, resolve_session
from otel_sqlite_exporter.query.reader import TelemetryDatabase
from otel_sqlite_exporter.query.reading import TelemetryFile
from otel_sqlite_exporter.query.summaries import SessionSummary
from otel_sqlite_exporter.settings import Settings
from otel_sqlite_exporter.sharing.mask_report import NOTHING_MASKED, tell_masked, tell_records
from otel_sqlite_exporter.sharing.masked_file import SharedPart, list_parts, make_masked_file
from otel_sqlite_exporter.sharing.masked_records import MaskedRecords, write_masked
from otel_sqlite_exporter.sharing.part_facts import tell_facts
from otel_sqlite_exporter.sharing.session_names import name_masked_file
from otel_sqlite_exporter.sharing.shared_metrics import HEADINGS, read_shared_metrics
from otel_sqlite_exporter.sharing.shared_scores import read_scores, tell_score
from otel_sqlite_exporter.sharing.shown_share.share_document import write_page

_PIECE_BYTES = 1 << 20


class ShareForm(NamedTuple):
    """A format: its media type, and how its file's name ends."""

    media_type: str
    ending: str


FORMS = {
    "html": ShareForm("text/html; charset=utf-8", "html"),
    "markdown": ShareForm("text/markdown; charset=utf-8", "md"),
    "otlp": ShareForm("application/x-ndjson", "jsonl"),
}


class SharedPiece(NamedTuple):
    """A piece of what is handed on. The first has the number of records, and what was masked."""

    content: bytes
    records: MaskedRecords | None = None


def share(
    file: TelemetryFile,
    settings: Settings,
    form: str,
    *,
    session_id: str | None = None,
    trace_id: str | None = None,
    check_size: Callable[[int], None] = lambda records: None,
) -> Iterator[SharedPiece]:
    """Yield a session or a trace, given by its id or a unique prefix, redacted as `settings` say, in the format `form`:
    `html`, `markdown` or `otlp`. Nothing is yielded before all is masked.

    Args:
        check_size: Is called with the number of records that were read so far, and may raise.

    Raises:
        FilterError: Not one of the two ids is given; the form is unknown; or the session does not stop changing.
        NotFoundError: There is no such session or trace, or the prefix is not unique.
        FileRefusedError, sqlite3.Error, OSError: The file cannot be read, or a temporary one not be written.
    """
    if (session_id is None) == (trace_id is None):
        raise FilterError("session_id", "a share is of one session or one trace: give the id of one")
    if form not in FORMS:
        raise FilterError("format", f"{form!r} is no format of a share: give {', '.join(FORMS)}")
    with tempfile.TemporaryDirectory(prefix="otel-share-") as folder:
        lines = os.path.join(folder, "masked.jsonl")
        records = write_masked(file, settings, lines, session_id=session_id, trace_id=trace_id, check_size=check_size)
        if form == "otlp":
            yield SharedPiece(b"", records)
            yield from _read_pieces(lines)
            return
        path = os.path.join(folder, "masked.db")
        database = make_masked_file(lines, path, settings, records.session_name)
        masked = TelemetryFile(path, settings.busy_timeout_ms)
        by_trace = trace_id is not None
        pages = write_page(masked, database, records, by_trace=by_trace)
        if form == "markdown":
            pages = _write_markdown(masked, database, records, by_trace=by_trace)
        yield SharedPiece(b"", records)
        yield from map(SharedPiece, pages)


def find_shared(file: TelemetryFile, id: str) -> tuple[str | None, str | None]:
    """Return the id of a session, or else of a trace, for an id or a unique prefix of it, or for `session:ID` or
    `trace:ID`.

    Raises:
        FilterError: It names something else.
        NotFoundError: It names nothing, or several things.
    """
    named = id.removeprefix("session:")
    try:
        target = file.read(find_target, id)
    except NotFoundError:
        if not list_metric_sessions(file, named):
            raise
        return resolve_session(file, named), None
    if target.id != named and named in list_metric_sessions(file, named):
        return named, None
    if target.kind not in ("session", "trace"):
        raise FilterError("id", f"it names a {target.kind}: give the id of a session or a trace")
    return (target.id, None) if target.kind == "session" else (None, target.id)


def _read_pieces(path: str) -> Iterator[SharedPiece]:
    with open(path, "rb") as lines:
        while piece := lines.read(_PIECE_BYTES):
            yield SharedPiece(piece)


def _write_markdown(
    file: TelemetryFile, database: TelemetryDatabase, records: MaskedRecords, *, by_trace: bool
) -> Iterator[bytes]:
    is_named = False
    for part in list_parts(database, by_trace=by_trace):
        is_named = True
        given = {"session_id": part.session_id} if isinstance(part, SessionSummary) else {"trace_id": part.trace_id}
        facts = [f"* {name}: {escape_line(text)}" for name, text in tell_facts(part) if name != "note"]
        yield from (piece.content for piece in read_markdown(file, **given, facts=facts))
        yield "\n".join(_tell_scores(database, part)).encode("utf-8", "replace")
    title = [] if is_named else [f"# {escape_line(name_masked_file(file))}\n"]
    yield "\n".join([*title, *_tell_metrics(file), *_tell_masked(records)]).encode("utf-8", "replace")


def _tell_scores(database: TelemetryDatabase, part: SharedPart) -> Iterator[str]:
    note = [f"note: {part.note}"] if part.note else []
    lines = [*note, *map(tell_score, read_scores(database, part))]
    if lines:
        yield "## Note and scores\n"
        yield from map(write_fence, lines)


def _tell_metrics(file: TelemetryFile) -> Iterator[str]:
    metrics = read_shared_metrics(file)
    if metrics:
        yield "## Metrics\n"
    for metric in metrics:
        yield f"### {escape_line(metric.name or '(no name)')}\n"
        yield f"{escape_line(metric.facts)}\n"
        if metric.description:
            yield write_fence(metric.description)
        yield f"| {' | '.join(HEADINGS)} |"
        yield f"|{' --- |' * len(HEADINGS)}"
        for cells in metric.rows:
            yield f"| {' | '.join(map(escape_line, cells))} |"
        yield "" if metric.note is None else f"\n{metric.note}\n"


def _tell_masked(records: MaskedRecords) -> Iterator[str]:
    yield "## What was masked\n"
    found = [*tell_masked(records.masked)]
    for told, keys in found:
        yield f"* {told}: {', '.join(f'{escape_line(one.key)} ({one.number:,})' for one in keys)}"
    yield "" if found else f"{NOTHING_MASKED}\n"
    yield f"{tell_records(records)}.\n"
