# SPDX-License-Identifier: Apache-2.0
"""Encodes resources and scopes of spans and log records as rows. Pure, except for a cache."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any, NamedTuple

import orjson

from otel_sqlite_exporter.encode.sessions import find_naming, plan_naming
from otel_sqlite_exporter.model.caches import remember
from otel_sqlite_exporter.model.origin_rows import ResourceRow, ScopeRow
from otel_sqlite_exporter.model.rows import Naming
from otel_sqlite_exporter.model.values import (
    EMPTY_ATTRIBUTES,
    EncodedAttributes,
    copy_attributes,
    encode_attributes,
    repair_text,
)


class EncodedOrigin(NamedTuple):
    """The rows of one resource and one scope. `session` is the session that the resource names; it is weaker than any
    that a record names. While `kept_alive` holds resource and scope, their identities are valid as cache keys."""

    resource: ResourceRow
    scope: ScopeRow | None
    session: Naming | None
    kept_alive: tuple[Any, Any]


class OriginEncoder:
    """Encodes resources and scopes for one exporter. Thread-safe."""

    def __init__(self, session_attributes: Sequence[str]) -> None:
        self._session_attributes = tuple(session_attributes)
        # By identity: hash(resource) alone would cost 2.8 us a span.
        self._origins: dict[tuple[int, int], EncodedOrigin] = {}

    def encode(self, resource: Any, scope: Any) -> tuple[EncodedOrigin, int]:
        """Return the rows of this resource and scope, and the number of repaired values (0 if they come from the
        cache)."""
        cached = self._origins.get((id(resource), id(scope)))
        if cached is not None:
            return cached, 0
        resource_row, session, bad_resource = self._encode_resource(resource)
        scope_row, bad_scope = (None, 0) if scope is None else _encode_scope(scope)
        origin = EncodedOrigin(resource_row, scope_row, session, (resource, scope))
        remember(self._origins, (id(resource), id(scope)), origin)
        return origin, bad_resource + bad_scope

    def _encode_resource(self, resource: Any) -> tuple[ResourceRow, Naming | None, int]:
        attributes = copy_attributes(getattr(resource, "attributes", None))
        encoded = encode_sorted(attributes)
        schema_url, bad = repair_text(getattr(resource, "schema_url", ""))
        service_name = repair_text(attributes.get("service.name"))[0] or "unknown_service"
        row = ResourceRow(digest_row(encoded, schema_url), service_name, schema_url, encoded.types, encoded.text)
        return row, find_resource_session(attributes, self._session_attributes), bad + encoded.repaired


def find_resource_session(attributes: dict[str, Any], session_attributes: Sequence[str]) -> Naming | None:
    """Return the session that the attributes of a resource name, without a time."""
    weaker = plan_naming(session_attributes, attributes, first_rank=len(session_attributes))
    session = find_naming(weaker, attributes, is_child=True, time_unix_nano=0)
    return None if session is None else session._replace(source=f"resource:{session.source}")


def _encode_scope(scope: Any) -> tuple[ScopeRow, int]:
    name, bad_name = repair_text(scope.name)
    # An empty version is none: protobuf does not tell them apart, and JSON does.
    version, bad_version = (None, 0) if scope.version in (None, "") else repair_text(scope.version)
    schema_url, bad_url = repair_text(scope.schema_url or "")
    encoded = encode_sorted(copy_attributes(getattr(scope, "attributes", None)))
    digest = digest_row(encoded, name, version, schema_url)
    row = ScopeRow(digest, name, version, schema_url, encoded.types, encoded.text)
    return row, bad_name + bad_version + bad_url + encoded.repaired


def encode_sorted(attributes: dict[Any, Any]) -> EncodedAttributes:
    """Encode attributes in the order of their keys, so that equal ones have equal texts."""
    if not attributes:
        return EMPTY_ATTRIBUTES
    # Sorted by the keys as stored: attributes that were read from a file and are encoded again keep their order.
    return encode_attributes(dict(sorted(attributes.items(), key=lambda item: repair_text(item[0])[0])))


def digest_row(encoded: EncodedAttributes, *fields: str | None) -> str:
    """Return the digest of a row that has these attributes and texts."""
    content = orjson.dumps([encoded.text, encoded.types, *fields])
    return hashlib.blake2b(content, digest_size=16).hexdigest()
