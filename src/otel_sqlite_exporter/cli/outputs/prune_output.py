# SPDX-License-Identifier: Apache-2.0
"""The results of `prune` as text and as JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from otel_sqlite_exporter.cli.formatting import print_lines
from otel_sqlite_exporter.cli.table_model import Table, make_columns
from otel_sqlite_exporter.cli.tables import print_json, print_tables
from otel_sqlite_exporter.model.plural import count
from otel_sqlite_exporter.show.units import format_bytes
from otel_sqlite_exporter.storage.identity import name_command

if TYPE_CHECKING:
    from otel_sqlite_exporter.retention.due_units import Reason
    from otel_sqlite_exporter.retention.kept_units import KeptUnit
    from otel_sqlite_exporter.retention.prune import PruneResult
    from otel_sqlite_exporter.retention.prune_plan import PrunePlan
    from otel_sqlite_exporter.retention.retention_rules import RetentionRules


def show_plan(path: str, plan: PrunePlan, *, limit: int, as_json: bool) -> None:
    """Print what would go. A text names the oldest `limit` sessions, JSON names all."""
    sessions = [(one.session_id, _format_end(one.end_time_unix_nano), one.spans, one.logs) for one in plan.sessions]
    columns = ("session_id", "end_time", "spans", "logs")
    if as_json:
        named = [dict(zip(columns, one, strict=True)) for one in sessions]
        told = plan._asdict() | {"sessions": named, "kept": dict(plan.kept), "oldest_kept": _dump(plan.oldest_kept)}
        return print_json({"path": path} | told)
    if sessions:
        title = f"sessions that would go ({min(len(sessions), limit)} of {len(sessions)})"
        print_tables(Table(title, make_columns(*columns), sessions[:limit]))
        if len(sessions) > limit:
            print_lines(f"-n {len(sessions)} shows all")
    print_lines(
        f"would remove {count(len(sessions), 'session')} and {count(plan.traces, 'trace')} "
        f"({plan.traces_without_session} of them without a session) from {path}: {count(plan.spans, 'span')}, "
        f"{count(plan.logs, 'log record')} and {count(plan.points, 'data point')}",
        *_describe_hours(plan),
        f"that is about {format_bytes(plan.estimated_bytes)} of {format_bytes(plan.used_bytes)}",
        *_describe_kept(plan.kept, plan.oldest_kept),
    )
    return None


def _describe_hours(plan: PrunePlan) -> list[str]:
    if not plan.raw_points:
        return []
    return [f"would make about {count(plan.hours, 'data point')}, one an hour, of {plan.raw_points:,}"]


def dump_pruning(done: PruneResult) -> dict[str, Any]:
    """Return what went as JSON values."""
    told = {"removed": done.removed._asdict(), "kept": dict(done.kept), "oldest_kept": _dump(done.oldest_kept)}
    return done._asdict() | told


def show_pruning(path: str, done: PruneResult, excess: str, *, as_json: bool) -> None:
    """Print what went."""
    if as_json:
        return print_json({"path": path} | dump_pruning(done) | {"excess": excess or None})
    gone = done.removed
    if done.run_id is None:
        print_lines(f"nothing is due in {path}")
    else:
        print_lines(
            f"removed {count(gone.sessions, 'session')} and {count(gone.traces, 'trace')} from {path} in "
            f"{done.seconds:.2f} s: {count(gone.spans, 'span')}, {count(gone.logs, 'log record')}, "
            f"{count(gone.points, 'data point')}, {count(gone.calls, 'row')} of calls and "
            f"{count(gone.tools, 'row')} of tools"
        )
    sizes = f"{format_bytes(done.file_bytes_after)} (was {format_bytes(done.file_bytes_before)})"
    return print_lines(f"size of the file: {sizes}", *_describe_kept(done.kept, done.oldest_kept))


def describe_excess(path: str, done: PruneResult, rules: RetentionRules) -> str:
    """Return what could not be done, and why; empty: all was."""
    beyond = []
    if done.excess_bytes and rules.max_bytes is not None:
        beyond.append(f"it holds {format_bytes(done.excess_bytes)} more than {format_bytes(rules.max_bytes)}")
    if done.excess_sessions:
        beyond.append(f"it has {count(done.excess_sessions, 'session')} more than {rules.max_sessions}")
    if not beyond:
        return ""
    why = ", ".join(_describe_kept(done.kept, ())) or "what is left is the file itself, or of other services"
    remedy = "take pins away, end what runs, or allow more"
    if done.kept["pinned"]:
        asks = [f"`{name_command(f'{what} --pinned', path)}`" for what in ("sessions", "traces")]
        remedy = f"list what is pinned with {' and '.join(asks)}; {remedy}"
    return f"{path} cannot be brought within its limit: {' and '.join(beyond)}. {why}: {remedy}"


def _describe_kept(kept: Counter[Reason], oldest: Sequence[KeptUnit]) -> list[str]:
    """Return a sentence for each reason for which something stays; it names those that are given."""
    told = {
        "pinned": ("session or trace is pinned and stays", "sessions or traces are pinned and stay"),
        "running": ("session or trace runs and stays", "sessions or traces run and stay"),
        "failed": ("session or trace failed and stays", "sessions or traces failed and stay"),
        "unarchived": (
            "session or trace is not wholly archived and stays",
            "sessions or traces are not wholly archived and stay",
        ),
    }
    lines = []
    for reason, number in kept.items():
        names = [_name_kept(one) for one in oldest if one.reason == reason]
        more = [f"{number - len(names)} younger"] if names and number > len(names) else []
        named = f": {', '.join(names + more)}" if names else ""
        lines.append(f"{count(number, *told[reason])}{named}")
    return lines


def _name_kept(unit: KeptUnit) -> str:
    if unit.session_id is None:
        return f"trace {unit.trace_id}"
    of_trace = "" if unit.pinned_trace_id is None else f" (its trace {unit.pinned_trace_id} is pinned)"
    return f"session {unit.session_id}{of_trace}"


def _dump(units: Sequence[KeptUnit]) -> list[dict[str, Any]]:
    return [unit._asdict() for unit in units]


def _format_end(time_unix_nano: int) -> str:
    return datetime.fromtimestamp(time_unix_nano / 1e9, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
