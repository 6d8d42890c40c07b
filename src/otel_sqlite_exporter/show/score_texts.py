# SPDX-License-Identifier: Apache-2.0
"""Scores as text. Pure."""

from __future__ import annotations

import orjson

from otel_sqlite_exporter.show.units import format_number


def format_scores(scores: int | None, means: str | None) -> str | None:
    """Return the means of scores by name, as `Relevance 0.8 Tone 1`; their number if none has a value; None: there are
    none. `means` is JSON."""
    if not scores:
        return None
    if means is None:
        return f"{scores} without a value" if scores > 1 else "1 without a value"
    return ", ".join(f"{name} {format_number(mean)}" for name, mean in orjson.loads(means).items())
