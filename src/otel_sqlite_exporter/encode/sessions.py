# SPDX-License-Identifier: Apache-2.0
"""Finds the session and the user that a span names. Pure. The writer chooses the strongest of a trace."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from otel_sqlite_exporter.model.cut_values import Cut
from otel_sqlite_exporter.model.rows import Naming, make_row
from otel_sqlite_exporter.model.values import repair_text
from otel_sqlite_exporter.settings import REDACTED

USER_ATTRIBUTES = (
    "user.id",
    "enduser.id",
    "langfuse.user.id",
    "traceloop.association.properties.user_id",
    "langsmith.metadata.user_id",
    "lmnr.association.properties.user_id",
    "mlflow.trace.user",
    "ai.telemetry.metadata.userId",
    "litellm.end_user.id",
    "metadata.user_api_key_end_user_id",
    "gen_ai.user.id",
    "gen_ai.user",
    "gen_ai.request.user",
    "llm.user",
    "user.account_id",
    "user_id",
)
"""Names of the attributes that name a user, the strongest first."""

SessionSource = tuple[int, str]
"""A rank (0 is the strongest) and the name of an attribute."""


def plan_naming(names: Sequence[str], present: Collection[Any], first_rank: int = 0) -> tuple[SessionSource, ...]:
    """Return those of `names` that are `present`, with their ranks."""
    return tuple((rank, name) for rank, name in enumerate(names, first_rank) if name in present)


def find_naming(
    sources: Iterable[SessionSource], attributes: Mapping[str, Any], is_child: bool, time_unix_nano: int
) -> Naming | None:
    """Return the name in the first of `sources` with a usable value, or None. A number becomes its digits. Blank text,
    null, bytes, lists and maps are not usable. Nor are masked and cut values, because different names may look the same
    after masking."""
    for rank, source in sources:
        value = attributes[source]
        if value is None or isinstance(value, (bytes, list, tuple, dict, Cut)):
            continue
        name = value if type(value) is str and value.isascii() else repair_text(value)[0]
        if "\0" in name:
            # SQLite's JSON functions end a text at NUL, and names are looked up through them.
            name = name.replace("\0", "\ufffd")
        if name and not name.isspace() and REDACTED not in name:
            return make_row(Naming, (rank, 1 if is_child else 0, time_unix_nano, name, source))
    return None
