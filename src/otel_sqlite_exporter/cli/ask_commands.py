# SPDX-License-Identifier: Apache-2.0
"""Commands that ask a file: lists, a session, a trace, search, tail, sql, diff, report."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from otel_sqlite_exporter.cli.exit_codes import ATTENTION, resolve
from otel_sqlite_exporter.cli.options import JSON, LIMIT, OPTIONS, PATH, SINCE, UNTIL, filters

if TYPE_CHECKING:
    from otel_sqlite_exporter.query.reader import TelemetryDatabase

# The reports and their groups as `query.reports` has them, which is not imported for a help text; a test compares.
REPORT_NAMES = (
    *("sessions", "durations", "histogram", "tokens", "cost", "errors", "tools", "slowest", "links", "attributes"),
    *("growth", "queries"),
)


@click.command()
@filters(
    *("user_id", "service_name", "agent_name", "model", "provider", "min_duration_ms", "min_total_tokens"),
    "min_cost_usd",
)
@click.pass_context
def sessions(ctx: click.Context, /, path: str | None, **options: Any) -> None:
    """List sessions, the latest first."""
    _print_list(ctx, path, "sessions", options)


@click.command()
@filters(
    *("session_id", "user_id", "service_name", "agent_name", "model", "provider", "name", "status", "min_duration_ms"),
    *("min_total_tokens", "min_cost_usd"),
)
@click.pass_context
def traces(ctx: click.Context, /, path: str | None, **options: Any) -> None:
    """List traces, the newest first."""
    _print_list(ctx, path, "traces", options)


@click.command()
@filters(
    *("session_id", "trace_id", "user_id", "service_name", "agent_name", "model", "provider", "operation", "status"),
    *("min_duration_ms", "min_total_tokens", "min_cost_usd"),
)
@click.pass_context
def llm(ctx: click.Context, /, path: str | None, **options: Any) -> None:
    """List calls of models, the newest first."""
    _print_list(ctx, path, "llm_interactions", options)


@click.command()
@filters(*("session_id", "trace_id", "user_id", "service_name", "agent_name", "tool_name", "status", "min_duration_ms"))
@click.pass_context
def tools(ctx: click.Context, /, path: str | None, **options: Any) -> None:
    """List executions of tools, the newest first."""
    _print_list(ctx, path, "tool_interactions", options)


@click.command()
@filters("session_id", "trace_id", "service_name", "event_name", "severity_text", "min_severity_number")
@click.pass_context
def logs(ctx: click.Context, /, path: str | None, **options: Any) -> None:
    """List log records, the newest first."""
    _print_list(ctx, path, "logs", options)


@click.command()
@click.argument("text", metavar="TEXT")
@PATH
@SINCE
@UNTIL
@OPTIONS["session_id"]
@OPTIONS["trace_id"]
@OPTIONS["service_name"]
@OPTIONS["agent_name"]
@OPTIONS["model"]
@OPTIONS["tool_name"]
@LIMIT
@JSON
@click.pass_context
def search(ctx: click.Context, /, text: str, path: str | None, *, as_json: bool, **options: Any) -> None:
    """Search what models and tools were told and what they answered, the newest first.

    All words of TEXT must be there, and what stands in double quotes as a whole; inside words too, in whatever case.
    Where the file has an index (see `index`) and can be written, the index is first brought to date.
    """
    settings = resolve(ctx, path)
    database = _open(ctx, path)
    from otel_sqlite_exporter.cli import render_answers
    from otel_sqlite_exporter.maintain.search_index import update_index

    update_index(settings)
    criteria = {name: value for name, value in options.items() if value is not None and value != ()}
    result = database.search(text, **_resolve_ids(database, criteria))
    render_answers.render_hits(result, as_json=as_json)


@click.command()
@click.argument("session_id", metavar="ID")
@PATH
@LIMIT
@JSON
@click.pass_context
def session(ctx: click.Context, session_id: str, path: str | None, *, limit: int, as_json: bool) -> None:
    """Show a session step by step: its traces, calls and tool executions, the oldest first.

    Of ID, the beginning suffices.
    """
    database = _open(ctx, path)
    from otel_sqlite_exporter.cli import render_answers, tables
    from otel_sqlite_exporter.query.timeline import read_timeline

    timeline = read_timeline(database, session_id, limit=limit)
    if as_json:
        tables.print_json(timeline.to_dict())
    else:
        render_answers.render_timeline(timeline)


@click.command()
@click.argument("trace_id", metavar="ID")
@PATH
@JSON
@click.pass_context
def trace(ctx: click.Context, trace_id: str, path: str | None, *, as_json: bool) -> None:
    """Show a trace as a tree, with when each span ran, its tokens and its errors.

    Of ID, the beginning suffices.
    """
    database = _open(ctx, path)
    from otel_sqlite_exporter.cli import render_answers, tables

    tree = database.get_trace(trace_id)
    if as_json:
        tables.print_json(tree.to_dict())
    else:
        render_answers.render_trace(tree)


@click.command()
@PATH
@click.option("--follow", "-f", is_flag=True, help="Go on with what is written, until interrupted.")
@LIMIT
@OPTIONS["session_id"]
@OPTIONS["service_name"]
@click.option("--json", "as_json", is_flag=True, help="Print JSON, a line for each record.")
@click.pass_context
def tail(
    ctx: click.Context,
    path: str | None,
    *,
    follow: bool,
    limit: int,
    session_id: str | None,
    service_name: tuple[str, ...],
    as_json: bool,
) -> None:
    """Show the records that were written last: starts and finishes of spans, their events, and log records that are
    events."""
    database = _open(ctx, path)
    from otel_sqlite_exporter.cli.tail import tail_events

    criteria = _resolve_ids(database, {"session_id": session_id, "service_name": service_name or None})
    tail_events(database, limit, criteria, follow=follow, as_json=as_json)


@click.command()
@click.argument("statement", metavar="STATEMENT")
@PATH
@click.option("--limit", "-n", type=click.IntRange(1), default=1_000, show_default=True, help="How many rows at most.")
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV.")
@JSON
@click.pass_context
def sql(ctx: click.Context, statement: str, path: str | None, *, limit: int, as_csv: bool, as_json: bool) -> None:
    """Run a SELECT (or EXPLAIN) and print its rows.

    Nothing can be changed: other statements, ATTACH and a PRAGMA that sets something are refused.
    """
    settings = resolve(ctx, path)
    from otel_sqlite_exporter.cli import render_answers
    from otel_sqlite_exporter.query.reading import TelemetryFile
    from otel_sqlite_exporter.query.statement import run_statement

    file = TelemetryFile(settings.path, settings.busy_timeout_ms)
    result = file.read(run_statement, statement, limit=limit)
    render_answers.render_rows("rows", result, as_json=as_json, as_csv=as_csv)


@click.command()
@click.argument("session_a", metavar="SESSION_A")
@click.argument("session_b", metavar="SESSION_B")
@PATH
@click.option(
    "--allow",
    "allowances",
    metavar="MEASURE=INCREASE",
    multiple=True,
    help="How much more B may have, as tokens=10% or errors=0; if it has more, the exit code is 1.",
)
@JSON
@click.pass_context
def diff(
    ctx: click.Context, session_a: str, session_b: str, path: str | None, *, allowances: tuple[str, ...], as_json: bool
) -> None:
    """Compare two sessions: steps, tools, tokens, cost and latency.

    Measures are steps, traces, llm_calls, tool_executions, errors, input_tokens, output_tokens, tokens, cost_usd,
    duration_ms and llm_p50_ms. Of both ids, the beginning suffices.
    """
    database = _open(ctx, path)
    from otel_sqlite_exporter.cli import render_answers, tables
    from otel_sqlite_exporter.query.comparison import compare_sessions

    comparison = compare_sessions(database, session_a, session_b, allowances)
    if as_json:
        tables.print_json(comparison.to_dict())
    else:
        render_answers.render_comparison(comparison)
    ctx.exit(ATTENTION if comparison.exceeded else 0)


@click.command()
@click.argument("name", metavar="NAME", type=click.Choice(REPORT_NAMES))
@PATH
@SINCE
@UNTIL
@click.option("--group-by", "-g", metavar="GROUP", multiple=True, help="By what; tokens, cost and errors take two.")
@click.option("--limit", "-n", type=click.IntRange(1), help="How many rows at most.")
@click.option("--plan", is_flag=True, help="Say what the report shows and what it reads, and run nothing.")
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV.")
@JSON
@click.pass_context
def report(
    ctx: click.Context,
    name: str,
    path: str | None,
    *,
    since: str | None,
    until: str | None,
    group_by: tuple[str, ...],
    limit: int | None,
    plan: bool,
    as_csv: bool,
    as_json: bool,
) -> None:
    """Print a report: sessions, durations, histogram, tokens, cost, errors, tools, slowest, links, attributes, growth
    or queries."""
    database = _open(ctx, path)
    from otel_sqlite_exporter.cli import render_answers
    from otel_sqlite_exporter.query.reports import describe_report

    if plan:
        return click.echo(describe_report(name))
    result = database.run_report(name, since=since, until=until, group_by=group_by or None, limit=limit)
    shape = None
    if name == "durations" and render_answers.draws(as_json=as_json, as_csv=as_csv):
        shape = database.run_report("histogram", since=since, until=until, group_by=group_by or None)
    render_answers.render_report_result(result, shape, as_json=as_json, as_csv=as_csv)


COMMANDS = (sessions, session, traces, trace, llm, tools, logs, search, tail, sql, diff, report)


def _open(ctx: click.Context, path: str | None) -> TelemetryDatabase:
    settings = resolve(ctx, path)
    from otel_sqlite_exporter.query.reader import TelemetryDatabase

    return TelemetryDatabase(settings.path, busy_timeout_ms=settings.busy_timeout_ms)


def _print_list(ctx: click.Context, path: str | None, records: str, options: dict[str, Any]) -> None:
    database = _open(ctx, path)
    from otel_sqlite_exporter.cli import render_lists
    from otel_sqlite_exporter.query.filter_values import parse_attribute_text

    as_json, oldest_first = options.pop("as_json"), options.pop("oldest_first")
    attributes = [parse_attribute_text("attribute", text) for text in options.pop("attribute_texts")]
    criteria = {name: value for name, value in options.items() if value is not None and value != ()}
    criteria |= {"attributes": attributes} if attributes else {}
    criteria = _resolve_ids(database, criteria)
    page = getattr(database, f"find_{records}")(newest_first=not oldest_first, **criteria)
    render_lists.render_page(records, page, as_json=as_json)


def _resolve_ids(database: TelemetryDatabase, criteria: dict[str, Any]) -> dict[str, Any]:
    """Return the criteria with whole ids where beginnings were given."""
    whole = dict(criteria)
    if whole.get("session_id"):
        whole["session_id"] = database.get_session(whole["session_id"]).session_id
    if whole.get("trace_id"):
        whole["trace_id"] = database.get_trace(whole["trace_id"]).trace.trace_id
    return whole
