# SPDX-License-Identifier: Apache-2.0
"""Tells what was masked in a share: kinds, keys and numbers, never values. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from otel_sqlite_exporter.model.plural import count
from otel_sqlite_exporter.redact.mask_counts import KINDS, MaskedValues
from otel_sqlite_exporter.sharing.masked_records import MaskedRecords

NOTHING_MASKED = "Nothing was masked or left out."


def tell_masked(masked: Sequence[MaskedValues]) -> Iterator[tuple[str, Sequence[MaskedValues]]]:
    """Yield what each kind of masking is called, with its keys."""
    for kind, told in KINDS.items():
        of_kind = [one for one in masked if one.kind == kind]
        if of_kind:
            yield f"{sum(one.number for one in of_kind):,} {told}", of_kind


def tell_records(records: MaskedRecords) -> str:
    """Return a sentence on how much is shared."""
    running = f"; left out: {count(records.left_out, 'running span')}" if records.left_out else ""
    points = f", {count(records.points, 'data point')}" if records.points else ""
    return f"{count(records.spans, 'span')}, {count(records.logs, 'log record')}{points}{running}"
