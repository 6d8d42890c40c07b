# SPDX-License-Identifier: Apache-2.0
"""Commands that query a file: a session, a trace, what was said, search, tail, diff."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from otel_sqlite_exporter.cli import options as opt

if TYPE_CHECKING:
    from otel_sqlite_exporter.query.reader import TelemetryDatabase
    from otel_sqlite_exporter.settings import Settings


@click.command()
@click.argument("text", metavar="TEXT")
@opt.SETTINGS
@opt.SINCE
@opt.UNTIL
@opt.SESSION
@opt.CONVERSATION
@opt.TRACE
@opt.USER
@opt.SERVICE
@opt.AGENT
@opt.MODEL
@opt.TOOL
@opt.FILTER
@opt.ALL
@opt.LIMIT
@opt.JSON
@click.pass_obj
def search(settings: Settings, /, text: str, *, as_json: bool, **options: Any) -> None:
    """Search prompts, completions and the content of tools.

    The newest hits come first. A hit contains every word of TEXT, and every phrase in double quotes, in any case and
    also inside longer words. If the file has an index (see `index`) and can be written, the index is updated first.
    """
    from otel_sqlite_exporter.cli.outputs.query_output import show_hits
    from otel_sqlite_exporter.maintain.search_index import update_index
    from otel_sqlite_exporter.query.reader import TelemetryDatabase

    update_index(settings)
    database = TelemetryDatabase(settings.path, busy_timeout_ms=settings.busy_timeout_ms)
    show_hits(database.search(text, **opt.read_criteria(database, options)), as_json=as_json)


@click.command()
@click.argument("session_id", metavar="ID")
@opt.DATABASE
@click.option("--messages", is_flag=True, help="Show what was said, each message once, and what tools returned.")
@opt.FULL
@opt.ALL
@opt.LIMIT
@opt.JSON
@click.pass_obj
def session(
    database: TelemetryDatabase,
    session_id: str,
    *,
    messages: bool,
    full: bool,
    everything: bool,
    limit: int,
    as_json: bool,
) -> None:
    """Show a session step by step.

    The steps are its traces, and the calls and tool executions that count, the oldest first. A unique prefix of ID is
    enough.
    """
    from otel_sqlite_exporter.cli.outputs.shown_marks import find_marks, read_marks

    if messages:
        from otel_sqlite_exporter.cli.outputs.conversation_output import show_conversation

        whole = database.get_conversation(f"session:{database.resolve_session_id(session_id)}", limit=limit)
        return show_conversation(whole, find_marks(database, whole), full=full, as_json=as_json)
    from otel_sqlite_exporter.cli.outputs.session_steps import show_timeline
    from otel_sqlite_exporter.query.timeline import read_timeline

    timeline = read_timeline(database, session_id, limit=limit, counted=None if everything else True)
    marks = read_marks(database, timeline.session)
    return show_timeline(timeline, marks, everything=everything, as_json=as_json)


@click.command()
@click.argument("id", metavar="ID")
@opt.DATABASE
@opt.FULL
@opt.LIMIT
@opt.JSON
@click.pass_obj
def show(database: TelemetryDatabase, id: str, *, full: bool, limit: int, as_json: bool) -> None:
    """Show what was said: of a call its exact prompt and answer; of a session, a trace or a span the conversation.

    ID is that of a session, a trace or a span, a unique prefix of it, or the id of the row of a call or a tool. If
    several things have it, give KIND:ID, where KIND is session, trace, span, llm (a call) or tool. user:ID shows what
    was said in all sessions of a user.

    A conversation has each message once, the oldest first, with the tools that ran and the errors.

    Texts are cut after 2,000 characters, but for a call or a tool in a pipe.
    """
    from otel_sqlite_exporter.cli.outputs.conversation_output import show_conversation
    from otel_sqlite_exporter.cli.outputs.shown_marks import find_marks

    conversation = database.get_conversation(id, limit=limit)
    show_conversation(conversation, find_marks(database, conversation), full=full, as_json=as_json)


@click.command()
@click.argument("trace_id", metavar="ID")
@opt.DATABASE
@click.option("--all", "everything", is_flag=True, help="Also show siblings that are like the ten before them.")
@opt.JSON
@click.pass_obj
def trace(database: TelemetryDatabase, trace_id: str, *, everything: bool, as_json: bool) -> None:
    """Show a trace as a tree.

    Each span is shown with its time, tokens and error. A unique prefix of ID is enough. Of siblings with one name, ten
    are shown, and more of those that failed.
    """
    from otel_sqlite_exporter.cli.outputs.shown_marks import read_marks
    from otel_sqlite_exporter.cli.outputs.trace_output import show_trace

    tree = database.get_trace(trace_id, content=as_json)
    show_trace(tree, read_marks(database, tree.trace).tell(), everything=everything, as_json=as_json)


@click.command()
@opt.DATABASE
@click.option("--follow", "-f", is_flag=True, help="Also show new records as they are written, until interrupted.")
@opt.LIMIT
@opt.SESSION
@opt.SERVICE
@click.option("--calls", is_flag=True, help="Show a line for each call of a model and each tool that has ended.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, one line for each record.")
@click.pass_obj
def tail(
    database: TelemetryDatabase, /, *, follow: bool, limit: int, calls: bool, as_json: bool, **options: Any
) -> None:
    """Show the latest records.

    They are starts and finishes of spans, span events, and log records that are events; or calls of models and tools,
    with their model, tokens, cost, duration, status and session.
    """
    criteria = opt.read_criteria(database, options)
    if calls:
        from otel_sqlite_exporter.cli.outputs.ended_calls import show_ended

        return show_ended(database, criteria, follow=follow, limit=limit, as_json=as_json)
    from otel_sqlite_exporter.cli.outputs.tailed_events import show_events

    return show_events(database, criteria, follow=follow, limit=limit, as_json=as_json)


@click.command()
@click.argument("session_a", metavar="SESSION_A")
@click.argument("session_b", metavar="SESSION_B")
@opt.DATABASE
@click.option(
    "--allow",
    metavar="MEASURE=INCREASE",
    multiple=True,
    help="Fail (exit code 1) if B is more than this above A, such as tokens=10% or failed_calls=0. May be repeated.",
)
@opt.JSON
@click.pass_obj
def diff(database: TelemetryDatabase, session_a: str, session_b: str, *, allow: tuple[str, ...], as_json: bool) -> int:
    """Compare two sessions.

    Measures: steps, traces, llm_calls, tool_executions, failed_requests, failed_calls, failed_tools, failed_spans,
    input_tokens, output_tokens, tokens, cost_usd, unpriced_calls, duration_ms and llm_p50_ms. A unique prefix of
    each session id is enough.
    """
    from otel_sqlite_exporter.cli.outputs.query_output import show_comparison
    from otel_sqlite_exporter.query.limits.comparison import compare_sessions

    comparison = compare_sessions(database, session_a, session_b, allow)
    show_comparison(comparison, as_json=as_json)
    return opt.ATTENTION if comparison.exceeded else 0


COMMANDS = (session, trace, show, search, tail, diff)
