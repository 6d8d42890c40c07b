# SPDX-License-Identifier: Apache-2.0
"""Attributes as the file holds them. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from otel_sqlite_exporter.model.values import EncodedAttributes, decode_attributes, find_doubtful

_PLAIN_TYPES = frozenset((str, int, bool, float, type(None)))


def as_stored(
    attributes: dict[Any, Any], encoded: EncodedAttributes, doubtful: Sequence[Any] | None = None
) -> dict[Any, Any]:
    """Return attributes as reading them back gives them, so that what is derived from them is the same then. `doubtful`
    as in `encode_attributes`."""
    if encoded.types is None and not encoded.repaired:
        for key in find_doubtful(attributes) if doubtful is None else doubtful:
            if not _is_plain(attributes[key]):
                break
        else:
            return attributes
    return decode_attributes(encoded.text, encoded.types)


def _is_plain(value: Any) -> bool:
    kind = type(value)
    return kind in _PLAIN_TYPES or ((kind is tuple or kind is list) and _PLAIN_TYPES.issuperset(map(type, value)))
