# SPDX-License-Identifier: Apache-2.0
"""Removes what runs that were killed left in a dataset. Nothing else may write it meanwhile."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from typing import NamedTuple

from otel_sqlite_exporter.archive.dataset_format.arrow_schemas import EMPTY_PART
from otel_sqlite_exporter.archive.dataset_format.dataset_folder import LOCATOR, MANIFESTS, MERGED, DatasetFolder
from otel_sqlite_exporter.archive.dataset_format.dataset_tables import TABLES
from otel_sqlite_exporter.archive.dataset_format.manifests import read_manifests, sweep_replaced

WORK = ".compacting"


class Leftovers(NamedTuple):
    """What stood in a dataset beside the parts that hold.

    Attributes:
        removed: Parts that a `compact`, `delete` or `prune` that was killed had written, and that are removed.
        unnamed: Parts of files that no manifest names. They stay, as they may be the only ones: an `archive` that was
            killed completes them, a copy of the folder that is under way brings the manifest, or it was lost.
    """

    removed: int
    unnamed: int


def remove_leftovers(dataset: DatasetFolder) -> Leftovers:
    """Remove half-written files, merged parts of no manifest, manifests that were replaced, and the work of a `compact`
    that was killed. Hold the lock of the dataset alone.

    Raises:
        DamagedFileError: A manifest cannot be read.
        OSError: A file cannot be removed.
    """
    sweep_replaced(dataset)
    kept = {part.path for manifest in read_manifests(dataset) for part in manifest.parts}
    removed = unnamed = 0
    for path in [*_list_files(dataset)]:
        folder, name = os.path.split(path)
        is_merged = name.startswith(f"part-{MERGED}-") and path not in kept
        if is_merged or (name.startswith(".") and name.endswith(".tmp")):
            os.unlink(dataset.join(path))
            removed += is_merged
            _remove_empty(dataset, folder)
        else:
            unnamed += name.startswith("part-") and path not in kept and not path.endswith(EMPTY_PART)
    return Leftovers(removed, unnamed)


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
