# SPDX-License-Identifier: Apache-2.0
"""Finds the session and the user that a span names. Pure. The writer chooses the strongest of a trace."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from otel_sqlite_exporter.genai.column_readers import find_value
from otel_sqlite_exporter.model.attribute_sources import AttributeSource, parse_source
from otel_sqlite_exporter.model.odd_values.cut_values import Cut
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
    "metadata#user_id",
    "metadata#userId",
    "metadata#langfuse_user_id",
    "metadata#trace_user_id",
    "metadata#user_api_key_end_user_id",
    "metadata.user_id",
    "langfuse.trace.metadata#user_id",
    "langfuse.trace.metadata.user_id",
    "langfuse.observation.metadata#user_id",
    "langfuse.observation.metadata.user_id",
    "langsmith.metadata#user_id",
    "traceloop.association.properties#user_id",
    "gen_ai.user.id",
    "gen_ai.user",
    "gen_ai.request.user",
    "llm.user",
    "user.account_id",
    "user_id",
)
"""Names of the attributes that name a user, the strongest first."""

RankedSource = tuple[int, AttributeSource]
"""A rank (0 is the strongest) and an attribute, or a key in its JSON."""

EMPTY_NAMES = frozenset(("null", "None", "undefined"))
SYSTEM_THREAD = "thread.id"
"""Codex names its session so. As a number it is the thread of the operating system, of OpenTelemetry's conventions."""


def plan_naming(names: Sequence[str], present: Collection[Any], first_rank: int = 0) -> tuple[RankedSource, ...]:
    """Return those of `names` whose attributes are `present`, with their ranks."""
    sources, attributes = _parse(tuple(names))
    if attributes.isdisjoint(present):
        return ()
    return tuple(
        (rank, source)
        for rank, source in enumerate(sources, first_rank)
        if source.name in present and all(name in present for name in source.beside)
    )


@lru_cache(16)
def _parse(names: tuple[str, ...]) -> tuple[tuple[AttributeSource, ...], frozenset[str]]:
    sources = tuple(map(parse_source, names))
    return sources, frozenset(source.name for source in sources)


def find_naming(
    sources: Iterable[RankedSource], attributes: Mapping[str, Any], is_child: bool, time_unix_nano: int
) -> Naming | None:
    """Return the name in the first of `sources` with a usable value, or None. A number becomes its digits. Blank text,
    null, bytes, lists and maps are not usable. Nor are masked and cut values, because different names may look the same
    after masking."""
    for rank, (text, attribute, path, _) in sources:
        value = attributes[attribute]
        if path:
            if type(value) is str and path[0] not in value and "\\" not in value:
                continue  # not worth parsing
            value = find_value(value, path)
        if value is None or isinstance(value, (bytes, list, tuple, dict, Cut)):
            continue
        if attribute == SYSTEM_THREAD and (not isinstance(value, str) or value.isdecimal()):
            continue
        name = value if type(value) is str and value.isascii() else repair_text(value)[0]
        if "\0" in name:
            # SQLite's JSON functions end a text at NUL, and names are looked up through them.
            name = name.replace("\0", "\ufffd")
        if name and not name.isspace() and REDACTED not in name and name not in EMPTY_NAMES:
            return make_row(Naming, (rank, 1 if is_child else 0, time_unix_nano, name, text))
    return None
