# SPDX-License-Identifier: Apache-2.0
"""The mark of JSON whose content was left out before it was stored."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from otel_sqlite_exporter.model.values import encode_value

LEFT_OUT = '{"content_left_out":true'
"""Begins the JSON text of an attribute that held content. What stands behind it are numbers, models, names and ids."""
TOOL_CALLS = "tool_calls"
"""The member of this JSON with the tools that an answer calls: a list of maps with `id` and `name`."""

TOOL_RESULTS = "tool_results"
"""The member of this JSON with the ids of the calls whose results a prompt held: a list of texts."""
CALL_ID = "tool_call_id"
"""The member of this JSON with the id of the call whose result this was."""


def write_left(members: Mapping[str, Any]) -> str:
    """Return the JSON text that stands for content of which only `members` are left."""
    return f"{LEFT_OUT}{',' if members else ''}{encode_value(members).text[1:]}"


def find_left_member(values: Iterable[Any], member: str) -> Any:
    """Return a member of the first of `values` that is such a JSON text and has it, or None."""
    texts = (one for one in values if type(one) is str and one.startswith(LEFT_OUT) and member in one)
    left = next(texts, None)
    return None if left is None else orjson.loads(left).get(member)
