# SPDX-License-Identifier: Apache-2.0
"""Resolves the ids of sessions and traces that a user gives: whole, or as prefixes that only one has."""

from __future__ import annotations

from collections.abc import Sequence

from otel_sqlite_exporter.archive.asking.locator import find_ids
from otel_sqlite_exporter.archive.dataset_format.dataset_folder import DatasetFolder
from otel_sqlite_exporter.archive.dataset_format.manifests import Manifest
from otel_sqlite_exporter.archive.restoring.part_reader import PartReader
from otel_sqlite_exporter.errors import NotFoundError
from otel_sqlite_exporter.query.id_prefixes import NAMED_CANDIDATES, check_prefix, check_unique


def resolve_ids(
    dataset: DatasetFolder, manifests: Sequence[Manifest], column: str, prefixes: Sequence[str]
) -> tuple[str, ...]:
    """Return the ids that these are, or that alone begin so. `column` is `session_id` or `trace_id`.

    Raises:
        FilterError: One is empty.
        NotFoundError: There is no such session or trace in the dataset, or there are several.
        DamagedFileError: A part cannot be read.
    """
    return tuple(_resolve(dataset, manifests, column, prefix) for prefix in prefixes)


def describe_days(manifests: Sequence[Manifest]) -> str:
    """Return the days of a dataset, for an error."""
    days = sorted({manifest.date for manifest in manifests if manifest.parts})
    if not days:
        return "it holds no day"
    return f"its only day is {days[0]}" if len(days) == 1 else f"its {len(days)} days are {days[0]} to {days[-1]}"


def _resolve(dataset: DatasetFolder, manifests: Sequence[Manifest], column: str, prefix: str) -> str:
    asked, most = check_prefix(column, prefix), NAMED_CANDIDATES + 1
    found = find_ids(dataset, column, asked, most) or _find_of_points(dataset, manifests, column, asked, most)
    if not found:
        noun = column.removesuffix("_id")
        raise NotFoundError(f"{dataset.path}: there is no {noun} {prefix!r} in the dataset: {describe_days(manifests)}")
    check_unique(column, column, asked, found)
    return found[0]


def _find_of_points(
    dataset: DatasetFolder, manifests: Sequence[Manifest], column: str, prefix: str, most: int
) -> list[str]:
    """Return some ids that data points alone name."""
    if column != "session_id":
        return []
    with PartReader(dataset, manifests, ["metrics"]) as reader:
        return [row["id"] for page in reader.read("sessions_of_points", prefix=prefix, most=most) for row in page]
