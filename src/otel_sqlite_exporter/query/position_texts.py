# SPDX-License-Identifier: Apache-2.0
"""Positions in lists as short texts, which clients give back as cursors: what comes may be anything. Pure."""

from __future__ import annotations

import base64
from typing import Any

import orjson

from otel_sqlite_exporter.model.values import LARGEST


def encode_position(parts: list[Any]) -> str:
    """Return a position as URL-safe text."""
    return base64.urlsafe_b64encode(orjson.dumps(parts)).decode().rstrip("=")


def decode_position(text: str | None) -> list[Any]:
    """Return the parts of a position: texts, booleans, and integers that SQLite can hold; none if the text is not one
    of `encode_position`."""
    try:
        parts = orjson.loads(base64.urlsafe_b64decode(str(text) + "=" * (-len(str(text)) % 4)))
    except ValueError:
        return []
    is_position = isinstance(parts, list) and all(
        isinstance(part, str) or (isinstance(part, int) and abs(part) <= LARGEST) for part in parts
    )
    return parts if is_position else []
