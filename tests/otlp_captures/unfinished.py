# SPDX-License-Identifier: Apache-2.0
"""Captures of which a file does not say all that they hold yet."""

from __future__ import annotations

UNFINISHED: frozenset[str] = frozenset(
    (
        "langgraph-oi",
        "oaiagents-logfire",
    )
)
