# SPDX-License-Identifier: Apache-2.0
"""Resolves the ids of sessions and traces that a user gives: whole, or as prefixes that only one has."""

from __future__ import annotations

from collections.abc import Sequence

from otel_sqlite_exporter.archive.asking.locator import find_ids
from otel_sqlite_exporter.archive.dataset_format.dataset_folder import DatasetFolder
from otel_sqlite_exporter.archive.dataset_format.manifests import Manifest
from otel_sqlite_exporter.archive.restoring.part_reader import PartReader
from otel_sqlite_exporter.errors import FilterError, NotFoundError
from otel_sqlite_exporter.query.filter_values import fold_id

_NAMED = 5


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
    days = sorted({manifest.date for manifest in manifests})
    if not days:
        return "it holds no day yet"
    return f"its only day is {days[0]}" if len(days) == 1 else f"its {len(days)} days are {days[0]} to {days[-1]}"


def _resolve(dataset: DatasetFolder, manifests: Sequence[Manifest], column: str, prefix: str) -> str:
    if not prefix:
        raise FilterError(column, f"{prefix!r} is not an id: give an id or the first characters of one")
    asked = fold_id(column, prefix)
    found = find_ids(dataset, column, asked, _NAMED + 1) or _find_of_points(dataset, manifests, column, asked)
    if len(found) == 1 or asked in found[:1]:
        return found[0]
    noun = column.removesuffix("_id")
    if not found:
        raise NotFoundError(f"{dataset.path}: there is no {noun} {prefix!r} in the dataset: {describe_days(manifests)}")
    named = ", ".join(found[:_NAMED]) + (", ..." if len(found) > _NAMED else "")
    raise NotFoundError(f"{dataset.path}: several {noun}s start with {prefix!r}: {named}; give more characters")


def _find_of_points(dataset: DatasetFolder, manifests: Sequence[Manifest], column: str, prefix: str) -> list[str]:
    """Return some ids that data points alone name."""
    if column != "session_id":
        return []
    with PartReader(dataset, manifests, ["metrics"]) as reader:
        return [row["id"] for page in reader.read("sessions_of_points", prefix=prefix, most=_NAMED + 1) for row in page]
