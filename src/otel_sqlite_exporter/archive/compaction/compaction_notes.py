# SPDX-License-Identifier: Apache-2.0
"""What `compact` notes in a dataset: which manifests it has compared with all others and left as they are."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable

from otel_sqlite_exporter.archive.compaction.rewritten_days import SETTLED
from otel_sqlite_exporter.archive.dataset_format.dataset_folder import DatasetFolder
from otel_sqlite_exporter.archive.dataset_format.durable_files import write_durably
from otel_sqlite_exporter.archive.dataset_format.manifests import Manifest

NOTES = "_compacted.json"


def find_settled(dataset: DatasetFolder, manifests: Iterable[Manifest]) -> set[str]:
    """Return the names of the manifests that were put together with, or compared with, each other."""
    noted = _read(dataset)
    return {one.name for one in manifests if one.facts.get(SETTLED) or one.name in noted}


def note_settled(dataset: DatasetFolder, manifests: Iterable[Manifest]) -> None:
    """Note that all these manifests are settled.

    Raises:
        OSError: It cannot be written.
    """
    names = sorted(one.name for one in manifests if not one.facts.get(SETTLED))
    if set(names) != {*_read(dataset)}:
        write_durably(dataset.join(NOTES), json.dumps({"manifests": names}, indent=1).encode() + b"\n")


def _read(dataset: DatasetFolder) -> Collection[str]:
    try:
        with open(dataset.join(NOTES), "rb") as file:
            return {str(name) for name in json.loads(file.read())["manifests"]}
    except (FileNotFoundError, ValueError, KeyError, TypeError):  # then all are compared again
        return ()
