# SPDX-License-Identifier: Apache-2.0
"""The keys of the resources and scopes of one batch, each known by its digest."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from otel_sqlite_exporter.model.rows import EncodedLog, EncodedSpan


class Origins:
    """What the file has, and the values of those that it lacks, ready for `statements.Insert`."""

    def __init__(self, resource_ids: dict[str, int], scope_ids: dict[str, int], next_id: Callable[[str], int]) -> None:
        """`next_id` gives the next key of a table."""
        self.resources: list[Any] = []
        self.scopes: list[Any] = []
        self._resource_ids, self._scope_ids, self._next_id = resource_ids, scope_ids, next_id

    def know(self, resource: int, digest: str, scope: int | None, scope_digest: str | None) -> None:
        """Note which rows of `_resources` and `_scopes` hold what has these digests."""
        self._resource_ids[digest] = resource
        if scope is not None and scope_digest is not None:
            self._scope_ids[scope_digest] = scope

    def resource_id(self, record: EncodedSpan | EncodedLog) -> int:
        """Return the key of the resource of a record; a new one is given a key."""
        row = record.resource
        id = self._resource_ids.get(row.digest)
        if id is None:
            id = self._resource_ids[row.digest] = self._next_id("_resources")
            self.resources += (id, *row)
        return id

    def scope_id(self, record: EncodedSpan | EncodedLog) -> int | None:
        """Return the key of the scope of a record, if it has one; a new one is given a key."""
        row = record.scope
        if row is None:
            return None
        id = self._scope_ids.get(row.digest)
        if id is None:
            id = self._scope_ids[row.digest] = self._next_id("_scopes")
            self.scopes += (id, *row)
        return id
