# SPDX-License-Identifier: Apache-2.0
"""A query by key never scans a storage table, with and without planner statistics, nor does what writes a batch."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from otel_sqlite_exporter.sql.texts import read_folder, read_query, split_statements
from otel_sqlite_exporter.storage.migrations import migrate
from otel_sqlite_exporter.write.statements import run_script
from tests.file_checks import table_scans
from tests.statistics import write_statistics

_TRACE_KEYED = (
    *("spans", "events", "links", "logs", "traces", "complete_llm_interactions", "complete_tool_interactions"),
    "agent_tree",
)
_SESSION_KEYED = (*_TRACE_KEYED, "sessions")
_QUERIES = [
    *(f"SELECT * FROM {view} WHERE trace_id = 'x'" for view in (*_TRACE_KEYED, "session_conflicts")),
    *(f"SELECT * FROM {view} WHERE session_id = 'x'" for view in _SESSION_KEYED),
    *(
        f"SELECT * FROM {view} WHERE trace_id = 'x' AND span_id = 'y'"
        for view in ("spans", "events", "links", "complete_llm_interactions", "complete_tool_interactions")
    ),
    "SELECT * FROM logs WHERE trace_id = 'x' AND span_id = 'y'",
    "SELECT * FROM logs WHERE start_time_unix_nano BETWEEN 1 AND 2",
    "SELECT * FROM events WHERE id = 7",
    "SELECT f.* FROM events AS s JOIN events AS f ON f.id = s.related_event_id WHERE s.id = 7",
    "SELECT * FROM events WHERE related_event_id = 7",
    "SELECT * FROM links WHERE linked_trace_id = 'x' AND linked_span_id = 'y'",
    "SELECT * FROM spans WHERE start_time_unix_nano BETWEEN 1 AND 2",
    "SELECT * FROM traces WHERE start_time_unix_nano BETWEEN 1 AND 2",
    "SELECT * FROM sessions WHERE end_time_unix_nano BETWEEN 1 AND 2",
    "SELECT * FROM errors WHERE start_time_unix_nano BETWEEN 1 AND 2",
    *(
        f"SELECT * FROM metric_points WHERE {key}{times}"
        for key in ("name = 'x'", "series_id = 7", "session_id = 'x'", "user_id = 'x'")
        for times in ("", " AND time_unix_nano BETWEEN 1 AND 2")
    ),
    "SELECT * FROM metrics WHERE name = 'x'",
    "SELECT * FROM exemplars WHERE name = 'x'",
    "SELECT * FROM exemplars WHERE trace_id = 'x'",
    "SELECT * FROM exemplars WHERE trace_id = 'x' AND span_id = 'y'",
    *(f"SELECT * FROM agent_usage WHERE {key} = 'x'" for key in ("session_id", "user_id")),
]
_TEXTS = dict(read_folder("views"))
# The newest of a kind are read from the end of an index, which EXPLAIN calls a scan of that index.
_NEWEST = [
    (
        "SELECT * FROM security_alerts ORDER BY start_time_unix_nano DESC LIMIT 50",
        "SCAN e USING INDEX _events_security",
    ),
    (
        "SELECT * FROM framework_events ORDER BY start_time_unix_nano DESC LIMIT 50",
        "SCAN e USING INDEX _events_framework",
    ),
    ("SELECT * FROM spans ORDER BY start_time_unix_nano DESC LIMIT 50", "SCAN s USING INDEX _spans_start_time"),
    (
        "SELECT * FROM spans ORDER BY start_time_unix_nano DESC, id DESC LIMIT :limit",
        "SCAN s USING INDEX _spans_start_time",
    ),
    ("SELECT * FROM traces ORDER BY start_time_unix_nano DESC LIMIT 50", "SCAN t USING INDEX _traces_start_time"),
    (
        "SELECT * FROM complete_llm_interactions ORDER BY start_time_unix_nano DESC LIMIT 50",
        "SCAN i USING INDEX _llm_interactions_start_time",
    ),
    (
        "SELECT * FROM complete_tool_interactions ORDER BY start_time_unix_nano DESC LIMIT 50",
        "SCAN i USING INDEX _tool_interactions_start_time",
    ),
    ("SELECT * FROM sessions ORDER BY end_time_unix_nano DESC LIMIT 50", None),
]
# Asked by commands, or once when the file is opened.
_OF_THE_WHOLE_FILE = {
    *("count_faults", "count_interrupted", "count_views", "find_open_runs", "fill_open_work"),
    *("get_span_times", "find_span_ids", "find_writers_since", "fold_runs", "find_unread_records", "find_unreadable"),
    *("repair_sessions", "sum_exporter_health", "count_cost_statuses", "count_unpriced", "count_without_cost"),
    *("measure_legacy", "count_legacy_logs", "add_legacy_agents", "find_stopped_migrations"),
    *("count_derived", "count_documents", "list_attribute_indexes", "count_orphans"),
    *("find_exploding_instruments", "sum_late_points", "list_record_days"),
    *("count_linked_records", "count_pair_durations", "sum_calls_by_model", "sum_received_records"),  # of a scrape
    *("count_series_by_service", "sum_points"),
    # Of each series, or of the few marks, once for each day that is archived.
    *("archive_series", "archive_exemplars", "archive_marks", "count_archived_points", "list_point_days"),
    "list_histograms",  # of the instruments, for a report
    "read_point_changes",  # of a source of `merge`
    "list_exported_series",  # of an export without a session
    "list_metric_names",  # for the error that a metric is missing
    "list_exemplars",  # of the API, where no trace, name or session is given
    "count_written_points",  # of a stream, as `read_file_state` is
    "list_agents",  # of the API
    "sum_series",  # of a masked file, which is shared whole
    *("count_main_rows", "list_session_conflicts"),  # of the page
    # Of `delete`, once for each run.
    *("describe_chosen", "find_naming_records", "list_chosen_names", "match_all", "match_users", "match_user_sessions"),
    *("choose_series", "find_naming_series", "find_naming_exemplars", "list_sessions_of_users"),
    "read_agents_again",  # of agents that lost their last call
    "find_agents_ends",  # the first and the last thousand calls
    *("find_stray_texts", "find_idle", "list_referred", "find_idle_bounds", "forget_idle_bounds"),  # of a sweep
    # Of tables with few rows.
    *(
        "choose_records",
        "find_marked_points",
        "find_pending_deletions",
        "forget_kept_usage",
        "forget_marks",
        "note_late",
        "note_rewritten",
        "forget_sources",
        "forget_unused_marks",
    ),
    "list_chosen_pins",
    *("list_exporters", "list_receiver_sources", "list_services"),
    *("read_file_state", "sum_receiver_sources"),
    *("read_source_agents", "read_source_facts", "read_source_runs", "read_source_senders", "sum_kept_usage"),
    *("read_point_changes", "read_source_refusals"),  # of a source, once in a merge
    "list_kept_days",  # of `doctor`
    "count_calls_of_days",  # of a source, where calls came back that were in sums
    # Of `prune`, once in a run; of few kept sums, pins and runs.
    *("count_records", "count_sessions", "count_service_sessions", "find_session_bound", "find_service_bound"),
    *("count_due_hours", "estimate_points"),
    # Of `archive`, once in a run or a day: of few days, removals, marks and open spans, and of all series.
    *("forget_archives", "get_last_rewrite", "count_removals", "list_mark_days", "find_running_traces"),
    *("find_log_range", "find_days_after_points", "has_day", "has_archives"),
    *("archive_marks", "archive_series", "archive_exemplars", "count_archived_points", "list_point_days"),
    *("list_record_days", "restore_finishes"),  # of a file that `compact` makes of some traces
    *("sum_kept_calls", "find_held_back", "get_last_deletion"),
}


@pytest.fixture(params=["fresh", "large", "of calls"])
def file(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[sqlite3.Connection]:
    path = tmp_path / "otel.db"
    migrate(str(path), busy_timeout_ms=1000)
    with closing(sqlite3.connect(path)) as connection:
        for script in (
            "create_legacy_stages",
            "create_legacy_references",
            "create_search",
            "watch_usage",
        ):  # what some queries are of
            run_script(connection, script)
    if request.param != "fresh":
        write_statistics(path, only_calls=request.param == "of calls")
    with closing(sqlite3.connect(path)) as connection:
        for script in ("create_open_work", "create_chosen", "watch_usage", "create_day_conversations"):
            run_script(connection, script)
        yield connection


def _plan(file: sqlite3.Connection, query: str) -> list[str]:
    return [row[3] for row in file.execute(f"EXPLAIN QUERY PLAN {query}", {"limit": 50})]


def _filters_of_tables(plan: list[str]) -> list[str]:
    """The steps that go through a whole table to make a Bloom filter of it, for as little as one look-up."""
    return [step for step in plan if step.startswith("BLOOM FILTER")]


@pytest.mark.parametrize("query", _QUERIES)
def test_a_query_by_key_searches_by_index(file: sqlite3.Connection, query: str) -> None:
    plan = _plan(file, query)
    assert any(step.startswith("SEARCH") for step in plan)
    assert table_scans(plan) == []
    assert _filters_of_tables(plan) == []


@pytest.mark.parametrize(("query", "scan"), _NEWEST)
def test_the_newest_are_read_from_the_end_of_an_index(file: sqlite3.Connection, query: str, scan: str | None) -> None:
    plan = _plan(file, query)
    assert table_scans(plan) == ([scan] if scan else [])
    assert _filters_of_tables(plan) == []
    assert "USE TEMP B-TREE FOR ORDER BY" not in [step for step in plan if not step.startswith(" ")][:1]


def test_only_queries_of_the_whole_file_go_through_a_storage_table(file: sqlite3.Connection) -> None:
    """Else a batch would cost more as the file grows. By the opcodes, as EXPLAIN QUERY PLAN does not tell a table's
    alias from the name of what the query itself has gathered."""
    roots = dict(file.execute("SELECT rootpage, name FROM sqlite_master WHERE rootpage > 0"))
    # A file has a few reporters, as it has a few packages that report calls.
    roots = {
        root: name for root, name in roots.items() if "_reporters" not in name and not name.startswith("sqlite_stat")
    }
    scanning = {name for name, text in read_folder("queries") for _ in _walked(file, text, roots)}
    assert scanning - _OF_THE_WHOLE_FILE == set()
    assert "count_views" in scanning


def _walked(file: sqlite3.Connection, text: str, roots: dict[int, str]) -> Iterator[str]:
    """The tables and indexes that the statements of `text`, and the triggers that they fire, read from the front."""
    for statement in split_statements(text):
        opened: dict[int, set[str]] = {}
        rewound: set[int] = set()
        parameters = dict.fromkeys(re.findall(r":(\w+)", statement))
        for address, opcode, cursor, root, database, *_ in [
            *file.execute(f"EXPLAIN {statement}", parameters),
            (0, "", 0, 0, 0),
        ]:
            if address == 0:  # another program begins: that of a trigger
                yield from (name for one in rewound for name in opened.get(one, ()))
                opened, rewound = {}, set()
            if opcode in ("OpenRead", "OpenWrite") and database == 0 and root in roots:
                opened.setdefault(cursor, set()).add(roots[root])
            elif opcode == "Rewind":
                rewound.add(cursor)


@pytest.mark.parametrize("query", ["find_events_of_spans", "find_links_of_spans"])
def test_what_hangs_on_spans_is_found_by_index(file: sqlite3.Connection, query: str) -> None:
    plan = [row[3] for row in file.execute(f"EXPLAIN QUERY PLAN {read_query(query)}", {"spans": "[]"})]
    assert [step for step in plan if step.startswith("SCAN")] == ["SCAN k VIRTUAL TABLE INDEX 1:"]


def _count_texts(view: str) -> int:
    """How many texts of views SQLite copies to prepare a query of `view`: one for each place that names it."""
    named = re.findall(r"(?:FROM|JOIN) (\w+)", re.sub(r"--.*", "", _TEXTS[view]))
    return 1 + sum(_count_texts(name) for name in named if name in _TEXTS)


def test_few_texts_of_views_are_copied_to_prepare_one() -> None:
    """When each column looked up the messages of a call, it was 150, and SQLite took five times as long."""
    assert _count_texts("complete_llm_interactions") <= 32
    assert _count_texts("complete_tool_interactions") <= 20
