# SPDX-License-Identifier: Apache-2.0
"""Which session, and which user, a span names. Pure; which one its trace shows is decided where all bids meet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from otel_sqlite_exporter.attributes import repair_text
from otel_sqlite_exporter.ingest.rows import Naming

USER_ATTRIBUTES = (
    "user.id",
    "enduser.id",
    "langfuse.user.id",
    "traceloop.association.properties.user_id",
    "lmnr.association.properties.user_id",
    "mlflow.trace.user",
    "ai.telemetry.metadata.userId",
    "user_id",
)
"""Names of the attributes that name a user, the strongest first."""


def find_naming(
    sources: Sequence[str], attributes: Mapping[str, Any], is_child: bool, time_unix_nano: int, first_rank: int = 0
) -> Naming | None:
    """Return what the first of `sources` that `attributes` holds names, or None. A name is kept as text,
    a number as its digits; blank text, null, bytes, a list or a map name nothing."""
    for rank, source in enumerate(sources, first_rank):
        value = attributes.get(source)
        if value is None or isinstance(value, (bytes, list, tuple, dict)):
            continue
        # SQLite's JSON functions end a text at NUL, and a name is looked up through them.
        name = repair_text(value)[0].replace("\0", "\ufffd")
        if name.strip():
            return Naming(rank, int(is_child), time_unix_nano, name, source)
    return None
