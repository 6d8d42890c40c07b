# SPDX-License-Identifier: Apache-2.0
"""The daily sums of calls that were removed, in reports: which reports add them, and what is said of those that cannot.

A day of UTC is in the range of a report if it begins there.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from otel_sqlite_exporter.model.plural import count
from otel_sqlite_exporter.sql.texts import read_query

GROUPS = frozenset(
    ("model", "request_model", "provider", "operation", "user", "agent", "service", "day", "week"),
)
FILTERS = frozenset(("user_id", "model", "service_name", "agent_name"))
"""What the sums can be asked by."""
_ADDING = ("tokens", "cost")


class KeptDays(NamedTuple):
    """The kept sums in the range of a report. `is_added`: the report adds them; `note`: what is said of them, if
    anything is."""

    is_added: bool
    note: str | None


NONE = KeptDays(False, None)


def find_kept_days(
    connection: sqlite3.Connection,
    name: str,
    groups: Sequence[str],
    filters: Mapping[str, Any],
    parameters: Mapping[str, Any],
) -> KeptDays:
    """Return what a report is to do with the kept sums of its range, which are those of the whole file."""
    if name not in (*_ADDING, "errors"):
        return NONE
    try:
        calls, failed, unnamed = connection.execute(read_query("sum_kept_calls"), parameters).fetchone()
    except sqlite3.OperationalError:  # a file of an older version keeps none
        return NONE
    if name == "errors":
        if not failed:
            return NONE
        text = count(failed, "failed call of this time was", "failed calls of this time were")
        return KeptDays(False, f"{text} removed and not counted here: the view kept_usage has the daily sums")
    if not calls:
        return NONE
    asked = [*(group for group in groups if group not in GROUPS), *(one for one in filters if one not in FILTERS)]
    text = count(calls, "call of this time was", "calls of this time were")
    if asked:
        told = " and ".join(one.removesuffix("_id").removesuffix("_name") for one in asked)
        return KeptDays(False, f"{text} removed and not counted here: the daily sums that are kept do not tell {told}")
    told = f"{text} removed: kept_calls are from daily sums, which are kept by days of UTC"
    if "user" in groups and unnamed:
        told += (
            f"; {unnamed} of them without a user, as users are kept only with `prune --keep-users` or the setting "
            "retention_users"
        )
    return KeptDays(True, told)
