# SPDX-License-Identifier: Apache-2.0
"""The answers about the file as a whole: what it holds, its health, reports, a comparison, statements, an export."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict
from typing import Any, NamedTuple

import orjson

from otel_sqlite_exporter.deliver.spool import Spool, spool_path
from otel_sqlite_exporter.errors import FilterError, MigrationRequiredError, SpoolError
from otel_sqlite_exporter.maintain.doctor import diagnose_around, find_excess
from otel_sqlite_exporter.model.plural import count
from otel_sqlite_exporter.query.exports.exported_pieces import ExportedPiece
from otel_sqlite_exporter.query.exports.markdown_export import read_markdown
from otel_sqlite_exporter.query.exports.otlp_export import read_export
from otel_sqlite_exporter.query.exports.perfetto_export import read_perfetto
from otel_sqlite_exporter.query.limits.comparison import compare_sessions
from otel_sqlite_exporter.query.limits.retention_notes import read_last_removal
from otel_sqlite_exporter.query.overview import read_overview
from otel_sqlite_exporter.query.pages import decode_json
from otel_sqlite_exporter.query.reading import fetch
from otel_sqlite_exporter.query.sandbox.bounded_statement import run_bounded_statement
from otel_sqlite_exporter.query.sandbox.statement_limits import StatementLimits
from otel_sqlite_exporter.query.sql_builder import Select
from otel_sqlite_exporter.server.api.api_answers import DataAnswer, StreamedAnswer, name_file
from otel_sqlite_exporter.server.api.api_backend import ApiBackend, Arguments
from otel_sqlite_exporter.server.api.csv_rows import write_list
from otel_sqlite_exporter.sql.texts import read_query

_PAGE = 500
_LIMITS = StatementLimits()


class _ExportForm(NamedTuple):
    """A format of an export: the arguments that it takes, what reads it, and how a client is to name its file."""

    arguments: tuple[str, ...]
    read: Callable[..., Iterator[ExportedPiece]]
    media_type: str
    ending: str


_FORMS = {
    "otlp": _ExportForm(
        ("session_id", "trace_id", "since", "until", "signal"), read_export, "application/x-ndjson", "jsonl"
    ),
    "perfetto": _ExportForm(("session_id", "trace_id"), read_perfetto, "application/x-protobuf", "perfetto-trace"),
    "markdown": _ExportForm(("session_id", "trace_id"), read_markdown, "text/markdown; charset=utf-8", "md"),
}
EXPORT_FORMATS = (*_FORMS, "csv")
EXPORT_TYPES = (*(form.media_type for form in _FORMS.values()), "text/csv")


def describe_file(backend: ApiBackend, arguments: Arguments) -> DataAnswer:
    """Answer with what the file holds."""
    overview = read_overview(backend.settings.path, busy_timeout_ms=backend.settings.busy_timeout_ms)
    return DataAnswer(asdict(overview))


def describe_health(backend: ApiBackend, arguments: Arguments) -> DataAnswer:
    """Answer with the counters of what wrote the file, what waits, and what is wrong."""
    spool = Spool(spool_path(backend.settings.path), limit_bytes=backend.settings.spool_limit_bytes)
    try:
        batches, size = spool.count()
    except (SpoolError, OSError):
        batches, size = 0, 0  # it is among the problems
    totals = backend.file.read(fetch, Select(read_query("sum_exporter_health"), {}))[0]
    path = backend.settings.path
    excess = backend.file.read(lambda connection: [*find_excess(connection, path)])
    exporters = backend.file.read(fetch, Select(read_query("list_exporters"), {"limit": _PAGE}))
    return DataAnswer(
        {
            "receiver": _read_receiver(backend),
            "exporter_totals": totals,
            "exporters": exporters,
            "spool": {"batches": batches, "bytes": size},
            "quarantined": totals["quarantined"],
            "last_removal": backend.file.read(read_last_removal),
            "problems": [finding._asdict() for finding in (*diagnose_around(backend.settings), *excess)],
        }
    )


def _read_receiver(backend: ApiBackend) -> dict[str, Any]:
    """Return the sums and the sources of what was received; none of a file that is too old to note it."""
    try:
        totals, sources = (
            backend.file.read(fetch, Select(read_query(query), {"limit": _PAGE}))
            for query in ("sum_receiver_sources", "list_receiver_sources")
        )
    except MigrationRequiredError:
        return {"totals": [], "sources": []}
    for source in sources:
        source["rejected_reasons"] = decode_json(source["rejected_reasons"])
    return {"totals": totals, "sources": sources}


def run_named_report(backend: ApiBackend, arguments: Arguments) -> DataAnswer:
    """Answer with the rows of a report."""
    keywords = dict(arguments)
    result = backend.database.run_report(keywords.pop("name"), **keywords)
    return DataAnswer(result.to_dicts(), None, result.total, result.total != len(result), result.note)


def compare(backend: ApiBackend, arguments: Arguments) -> DataAnswer:
    """Answer with the comparison of two sessions."""
    comparison = compare_sessions(backend.database, arguments["a"], arguments["b"], arguments.get("allow", ()))
    return DataAnswer(comparison.to_dict())


def export_records(backend: ApiBackend, arguments: Arguments) -> StreamedAnswer:
    """Answer with all records that meet the filters, as lines of OTLP JSON or as CSV; or with a trace or a session for
    Perfetto or as Markdown."""
    filters = dict(arguments)
    form, of = filters.pop("format"), filters.pop("of", None)
    named = {name: filters[name][0] for name in ("session_id", "trace_id") if len(filters.get(name, ())) == 1}
    if form == "csv":
        if "signal" in filters:
            raise FilterError("signal", "only an export as otlp has it: give of=spans or of=logs")
        name = of or "spans"
        pieces = write_list(backend, name, filters)
        return StreamedAnswer("text/csv; charset=utf-8", pieces, f"{name_file(name, **named)}.csv")
    known = _FORMS[form]
    for other in sorted(filters.keys() - {*known.arguments} | ({"of"} if of is not None else set())):
        accepted = ", ".join(known.arguments)
        raise FilterError(other, f"an export as {form} has no such argument: give {accepted}, or format=csv")
    for one in ("session_id", "trace_id"):
        if one in filters:
            if len(filters[one]) > 1:
                raise FilterError(one, f"an export as {form} takes one: give it once")
            filters[one] = filters[one][0]
    read = (piece.content for piece in known.read(backend.file, **filters))
    return StreamedAnswer(known.media_type, read, f"{name_file('export', **named)}.{known.ending}")


def run_sql(backend: ApiBackend, arguments: Arguments) -> DataAnswer:
    """Answer with the rows of a statement."""
    limits = StatementLimits(timeout_s=arguments["timeout_s"], limit=arguments["limit"])
    try:
        result = run_bounded_statement(
            backend.settings.path,
            arguments["sql"],
            arguments["parameters"],
            limits,
            busy_timeout_ms=backend.settings.busy_timeout_ms,
        )
    except FilterError as error:
        raise FilterError("sql" if error.argument == "statement" else error.argument, error.message) from None
    data = {"columns": list(result.columns), "rows": [list(row) for row in result.rows]}
    note = None
    if result.cut_values:
        note = f"{count(result.cut_values, 'value is', 'values are')} cut: select a part of them, as by substr"
    return DataAnswer(data, None, result.total, result.truncated or note is not None, note)


def read_statement(body: bytes) -> dict[str, Any]:
    """Return the arguments in the body of a request.

    Raises:
        FilterError: It is not JSON, or an argument is unknown, missing, or has a value that cannot be used.
    """
    try:
        given = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise FilterError("body", 'it is not JSON: give {"sql": "SELECT ..."}') from None
    if not isinstance(given, dict):
        raise FilterError("body", 'it is not a JSON object: give {"sql": "SELECT ..."}')
    known: dict[str, Any] = {"sql": None, "parameters": [], "limit": _LIMITS.limit, "timeout_s": _LIMITS.timeout_s}
    for name in given:
        if name not in known:
            raise FilterError(name, f"a statement has no such argument: give {', '.join(known)}")
    arguments = {**known, **{name: value for name, value in given.items() if value is not None}}
    if not isinstance(arguments["sql"], str):
        raise FilterError("sql", "it is missing or not text: give one SELECT")
    for name, types in (("limit", int), ("timeout_s", (int, float))):
        if isinstance(arguments[name], bool) or not isinstance(arguments[name], types):
            raise FilterError(name, "it is not a number")
    return arguments
