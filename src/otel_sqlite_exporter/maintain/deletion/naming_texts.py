# SPDX-License-Identifier: Apache-2.0
"""Which attributes name a user, and how texts are looked for in SQL."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from otel_sqlite_exporter.encode.sessions import USER_ATTRIBUTES, find_naming, plan_naming
from otel_sqlite_exporter.model.values import decode_attributes

_NEVER_ESCAPED = re.compile(r"[\w .:@+-]+", re.ASCII)


def names_user(attributes: Mapping[str, Any], users: Sequence[str]) -> bool:
    """Return whether any of the attributes that may name a user names one of these."""
    every = dict(attributes)
    for source in plan_naming(USER_ATTRIBUTES, every):
        named = find_naming((source,), every, False, 0)
        if named is not None and named.name in users:
            return True
    return False


def list_resources(connection: sqlite3.Connection, users: Sequence[str]) -> list[int]:
    """Return the ids of the resources that name one of these users."""
    rows = connection.execute("SELECT id, attributes, attribute_types FROM _resources")
    return [id for id, text, types in rows if names_user(decode_attributes(text, types), users)]


def find_needle(name: str) -> str:
    """Return a part of a name that is in JSON as it is, also in JSON in JSON; every text holds an empty one."""
    return max(_NEVER_ESCAPED.findall(name), key=len, default="")


def dump(values: Collection[Any]) -> str:
    """Return values as JSON, for a parameter of a query."""
    return json.dumps([*values])
