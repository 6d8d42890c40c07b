# SPDX-License-Identifier: Apache-2.0
"""What a dataset holds, for tests of `archive`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from otel_sqlite_exporter.archive.archiving.archive_file import ArchivedFile, archive_file
from otel_sqlite_exporter.archive.dataset_format.dataset_folder import open_dataset
from otel_sqlite_exporter.archive.dataset_format.manifests import read_manifests
from otel_sqlite_exporter.archive.dataset_format.part_files import read_part
from otel_sqlite_exporter.settings import resolve_settings
from tests.dataset_files import DAY_NS, DAYS, FIRST_NS

UNTIL = FIRST_NS // DAY_NS + DAYS + 2
"""The day before which all records of the rich file are, but for the captures."""


def archive(path: Path, dataset: Path, *, until: int = UNTIL, removes: bool = False) -> ArchivedFile:
    return archive_file(resolve_settings(path), str(dataset), until, removes=removes, rest=lambda held: None)


def read_dataset(folder: Path) -> dict[str, list[str]]:
    """The rows of each table in all parts that hold, in an order of their own."""
    dataset, found = open_dataset(folder), dict[str, list[str]]()
    for manifest in read_manifests(dataset):
        for part in manifest.parts:
            rows: list[dict[str, Any]] = read_part(dataset, part).to_pylist()
            found.setdefault(part.table, []).extend(json.dumps(row, sort_keys=True) for row in rows)
    return {table: sorted(rows) for table, rows in sorted(found.items())}


def list_column(folder: Path, table: str, column: str) -> list[Any]:
    """The values of a column in all parts that hold, sorted."""
    return sorted(json.loads(row)[column] for row in read_dataset(folder).get(table, ()))


def list_files(folder: Path) -> list[str]:
    """The files of a dataset that hold rows or manifests, and those that a killed run left."""
    files = [path for path in folder.rglob("*") if path.is_file() and not path.name.startswith(".lock")]
    return sorted(str(path.relative_to(folder)) for path in files if "part-empty" not in path.name)
