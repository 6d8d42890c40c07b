# SPDX-License-Identifier: Apache-2.0
"""Chooses units of a dataset that a rule of `delete` may concern: rather too many than too few, as the deletion itself
looks at each of their records."""

from __future__ import annotations

from typing import Any

from otel_sqlite_exporter.archive.compaction.part_relations import PartRelations
from otel_sqlite_exporter.maintain.deletion.deletion_rule import DeletionRule
from otel_sqlite_exporter.maintain.deletion.naming_texts import find_needle
from otel_sqlite_exporter.model.values import LARGEST
from otel_sqlite_exporter.sql.texts import read_engine_text

READ = (
    *("traces", "trace_sessions", "spans", "logs", "events", "llm_interactions", "tool_interactions"),
    *("marks", "metrics", "exemplars"),
)
"""The tables whose rows tell what a rule concerns."""


def choose_units(relations: PartRelations, rule: DeletionRule) -> list[str]:
    """Return the units whose records `rule` may choose, and those that share a session with them: so what of a
    session or trace is left can be told from them alone. The relations show the tables of `READ`.

    Raises:
        DamagedFileError: A part cannot be read.
    """
    run_removal(relations, "match_everything")
    named = {"match_sessions": rule.sessions, "match_traces": rule.traces, "match_services": rule.services}
    for query, names in named.items():
        if names:
            run_removal(relations, query, names=[*names])
            run_removal(relations, "keep_matched")
    if rule.users:
        run_removal(relations, "match_no_users")
        for user in rule.users:
            run_removal(relations, "match_user", name=user, needle=find_needle(user))
        run_removal(relations, "keep_matched")
    if rule.has_time:
        run_removal(relations, "match_times", **find_range(rule))
        run_removal(relations, "keep_matched")
    return [unit for (unit,) in run_removal(relations, "list_with_sessions")]


def find_range(rule: DeletionRule) -> dict[str, int]:
    """Return the range of time of a rule, as parameters of a query."""
    return {
        "since": -LARGEST if rule.since is None else rule.since,
        "until": LARGEST if rule.until is None else rule.until,
    }


def run_removal(relations: PartRelations, query: str, /, **values: Any) -> list[tuple[Any, ...]]:
    """Run sql/engines/duckdb/removal/QUERY.sql, and return its rows.

    Raises:
        DamagedFileError: A part cannot be read.
    """
    with relations.reading():
        found: list[tuple[Any, ...]] = relations.connection.execute(
            read_engine_text("duckdb", "removal", query), values or None
        ).fetchall()
    return found
