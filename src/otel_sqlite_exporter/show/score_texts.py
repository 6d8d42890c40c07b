# SPDX-License-Identifier: Apache-2.0
"""Scores as text. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from otel_sqlite_exporter.show.units import format_number


def format_scores(
    scores: int | None, means: str | None, labels: Iterable[tuple[str | None, str, int]] = ()
) -> str | None:
    """Return the means of scores by name, and the labels of those without a value, as `Relevance 0.8, Tone pass`; their
    number if there is neither; None: there are no scores. `means` is JSON; a label has its name, and how often it was
    given."""
    if not scores:
        return None
    import orjson

    told = [f"{name or 'score'} {label}{f' ×{number}' if number > 1 else ''}" for name, label, number in labels]
    if means is None and told:
        return ", ".join(told)
    if means is None:
        return f"{scores} without a value" if scores > 1 else "1 without a value"
    return ", ".join([*(f"{name} {format_number(mean)}" for name, mean in orjson.loads(means).items()), *told])
