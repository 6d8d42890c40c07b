# SPDX-License-Identifier: Apache-2.0
"""Removes what runs that were killed left in a dataset. Nothing else may write it meanwhile."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator

from otel_sqlite_exporter.archive.dataset_format.arrow_schemas import EMPTY_PART
from otel_sqlite_exporter.archive.dataset_format.dataset_folder import LOCATOR, MANIFESTS, DatasetFolder
from otel_sqlite_exporter.archive.dataset_format.dataset_tables import TABLES
from otel_sqlite_exporter.archive.dataset_format.manifests import read_manifests, sweep_replaced

WORK = ".compacting"


def remove_leftovers(dataset: DatasetFolder) -> int:
    """Remove half-written files, parts of no manifest, manifests that were replaced, and the work of a `compact` that
    was killed; return how many files of parts these were. Hold the lock of the dataset alone.

    Raises:
        DamagedFileError: A manifest cannot be read.
        OSError: A file cannot be removed.
    """
    sweep_replaced(dataset)
    kept = {part.path for manifest in read_manifests(dataset) for part in manifest.parts}
    removed = 0
    for path in [*_list_files(dataset)]:
        folder, name = os.path.split(path)
        is_part = name.startswith("part-") and path not in kept and not path.endswith(EMPTY_PART)
        if is_part or (name.startswith(".") and name.endswith(".tmp")):
            os.unlink(dataset.join(path))
            removed += is_part
            _remove_empty(dataset, folder)
    return removed


def make_work(dataset: DatasetFolder) -> str:
    """Make the folder for what a run needs meanwhile, for this user alone, and return its path."""
    remove_work(dataset)
    folder = dataset.join(WORK)
    os.mkdir(folder, 0o700)
    return folder


def remove_work(dataset: DatasetFolder) -> None:
    """Remove that folder."""
    shutil.rmtree(dataset.join(WORK), ignore_errors=True)


def _list_files(dataset: DatasetFolder) -> Iterator[str]:
    for top in (*TABLES, MANIFESTS, LOCATOR):
        for folder, _, names in os.walk(dataset.join(top)):
            for name in names:
                yield os.path.relpath(os.path.join(folder, name), dataset.path)


def _remove_empty(dataset: DatasetFolder, folder: str) -> None:
    if folder.count(os.sep):
        try:
            os.rmdir(dataset.join(folder))
        except OSError:  # it has other files
            pass
