# SPDX-License-Identifier: Apache-2.0
"""Bounded caches of values that many records share."""

from __future__ import annotations

from typing import Any

_CACHED = 512


def remember(cache: dict[Any, Any], key: Any, entry: Any) -> None:
    """Add an entry to a cache of at most 512 entries; a full cache is emptied first."""
    if len(cache) >= _CACHED:
        cache.clear()
    cache[key] = entry
