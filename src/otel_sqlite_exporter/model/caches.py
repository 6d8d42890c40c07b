# SPDX-License-Identifier: Apache-2.0
"""Bounded memories of what many records share."""

from __future__ import annotations

from typing import Any

_CACHED = 512


def remember(cache: dict[Any, Any], key: Any, entry: Any) -> None:
    """Add an entry to a cache, which is emptied when it is full."""
    if len(cache) >= _CACHED:
        cache.clear()
    cache[key] = entry
