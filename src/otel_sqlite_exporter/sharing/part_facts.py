# SPDX-License-Identifier: Apache-2.0
"""What a share says of a session or a trace before what was said in it: on the page and in Markdown. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from otel_sqlite_exporter.sharing.masked_file import SharedPart
from otel_sqlite_exporter.sharing.shared_scores import tell_marks
from otel_sqlite_exporter.show.units import format_cost, format_count, format_ms


def tell_facts(part: SharedPart) -> Iterator[tuple[str, str]]:
    """Yield each fact that is known, by name. Of failures, those that there are."""
    facts = (
        ("status", part.status),
        ("start", part.start_time),
        ("duration", format_ms(part.duration_ms)),
        ("service", part.service_name),
        ("user", part.user_id),
        ("model calls", format_count(part.llm_calls)),
        ("spans", format_count(part.spans)),
        ("failed requests", format_count(part.failed_requests) if part.failed_requests else None),
        ("failed calls", format_count(part.failed_calls) if part.failed_calls else None),
        ("failed tools", format_count(part.failed_tools) if part.failed_tools else None),
        ("tokens", None if part.total_tokens is None else format_count(part.total_tokens)),
        ("cost", None if part.cost_usd is None else f"${format_cost(part.cost_usd, part.unpriced_calls)}"),
    )
    yield from ((name, value) for name, value in facts if value is not None)
    yield from tell_marks(part)
