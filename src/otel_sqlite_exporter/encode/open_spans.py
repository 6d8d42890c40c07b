# SPDX-License-Identifier: Apache-2.0
"""Attributes that an open span had and the finished span lost: the SDK drops a span's oldest attributes at its limit.
Pure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from otel_sqlite_exporter.encode.sessions import USER_ATTRIBUTES, find_naming, plan_naming
from otel_sqlite_exporter.genai.event_content import MESSAGE_RECORDS, read_record
from otel_sqlite_exporter.genai.plans import InteractionPlan
from otel_sqlite_exporter.genai.recognition import Surroundings, find_interactions, plan_interactions
from otel_sqlite_exporter.genai.rules import load_rules
from otel_sqlite_exporter.model.rows import NO_INTERACTIONS, EncodedSpan, Interactions
from otel_sqlite_exporter.model.signals import EventFields
from otel_sqlite_exporter.model.values import decode_attributes

_ERROR = 2
OPEN = "open"
"""`end_time_source` of a span that was written before it ended."""
ESTIMATED = "estimated"
"""`end_time_source` of a span whose process ended first."""


def merge_start(
    finished: EncodedSpan, attributes: str, attribute_types: str | None, session_attributes: Sequence[str]
) -> EncodedSpan | None:
    """Return `finished` with the attributes that only its start has (JSON, as stored), and with session, user and call
    derived from all attributes; None if the start has none. A call that a user's own dialect recognised stays as it is,
    because that dialect is not known here."""
    row = finished.row
    merged = merge_attributes(row.attributes, row.attribute_types, attributes, attribute_types)
    if merged is None:
        return None
    text, types = merged
    values = decode_attributes(text, types)
    start, is_child = row.start_time_unix_nano, row.parent_is_remote == 0
    own = find_naming(plan_naming(session_attributes, values), values, is_child, start)
    named = find_naming(plan_naming(USER_ATTRIBUTES, values), values, is_child, start)
    user = None if named is None else named.name
    interactions = NO_INTERACTIONS
    if _is_of_own_rules(finished.interactions):
        interactions = _name_user(finished.interactions, user)
    elif (plan := _plan(values, finished)) is not None:
        events = [
            EventFields(
                event.name,
                event.time_unix_nano,
                decode_attributes(event.attributes, event.attribute_types),
                event.dropped_attributes,
            )
            for event in finished.events
        ]
        records = [read_record(event.name, event.attributes) for event in events if event.name in MESSAGE_RECORDS]
        surroundings = Surroundings(row.name, row.status_code == _ERROR, events, start, records)
        interactions = find_interactions(plan, values, user, surroundings)
    return finished._replace(
        row=row._replace(attributes=text, attribute_types=types),
        own_session=own,
        user=named,
        interactions=interactions,
        record_interactions=[(index, _name_user(one, user)) for index, one in finished.record_interactions],
    )


def _plan(attributes: Mapping[str, Any], span: EncodedSpan) -> InteractionPlan | None:
    types = {name: type(value) for name, value in attributes.items()}
    return plan_interactions(types, scope=load_rules().find_scope(span.scope))


def _name_user(interactions: Interactions, user: str | None) -> Interactions:
    llm, tool = interactions.llm, interactions.tool
    return interactions._replace(
        llm=llm and llm._replace(user_id=user),
        tool=tool and tool._replace(user_id=user),
    )


def _is_of_own_rules(interactions: Interactions) -> bool:
    row = interactions.llm or interactions.tool
    return row is not None and row.dialect not in load_rules().names


def merge_attributes(
    finished: str, finished_types: str | None, start: str, start_types: str | None
) -> tuple[str, str | None] | None:
    """Return the attributes of a finished span with those that only its start has behind them, and the type notes; None
    if the start adds nothing. If both have a value the finished one wins, unless it is null: null never replaces a
    value."""
    own = orjson.loads(finished)
    missing = {
        name: value
        for name, value in orjson.loads(start).items()
        if name not in own or (value is not None and own[name] is None)
    }
    if not missing:
        return None
    text = orjson.dumps(missing).decode()
    if not own.keys().isdisjoint(missing):
        text = orjson.dumps({**own, **missing}).decode()
    elif own:
        text = f"{finished[:-1]},{text[1:]}"
    types = {
        pointer: type_name
        for pointer, type_name in (orjson.loads(start_types) if start_types else {}).items()
        if pointer.split("/")[1].replace("~1", "/").replace("~0", "~") in missing
    }
    if finished_types:
        types |= orjson.loads(finished_types)
    return text, orjson.dumps(types).decode() if types else None
