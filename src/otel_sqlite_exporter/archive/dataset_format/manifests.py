# SPDX-License-Identifier: Apache-2.0
"""Manifests: which parts of a dataset are whole, belong together, and hold.

A manifest is written after its parts, so what a killed run left is in no manifest. It names the manifests that it
replaces: from the moment it is there, these do not hold, and their parts are removed afterwards. So a reader sees the
old parts or the new ones, never both or a half.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from otel_sqlite_exporter.archive.dataset_format.dataset_folder import MANIFESTS, DatasetFolder
from otel_sqlite_exporter.archive.dataset_format.durable_files import sync_folders, write_durably
from otel_sqlite_exporter.errors import DamagedFileError

_TRIES = 100


@dataclass(frozen=True, slots=True)
class Part:
    """A Parquet file of a dataset.

    Attributes:
        table: A name of `TABLES`.
        path: Relative to the folder of the dataset.
        rows, bytes: What it holds, and its size.
        digest: BLAKE2b (16 bytes, hexadecimal) of the file.
    """

    table: str
    path: str
    rows: int
    bytes: int
    digest: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """The parts of one day that one run wrote.

    Attributes:
        source: The name of the file that was archived, or `merged`.
        date: The day (UTC), as `2026-01-31`.
        generation: Counts from 0 for each source and day.
        parts: In no order; a table without rows has none.
        replaces: The names of the manifests whose parts these hold, or leave out on purpose.
        package_version: Of the package that wrote the rows.
        facts: What else the writer notes for later runs.
    """

    source: str
    date: str
    generation: int
    parts: tuple[Part, ...]
    replaces: tuple[str, ...] = ()
    package_version: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The name of its file."""
        return f"{self.source}-{self.date}-{self.generation}.json"

    def count(self, table: str) -> int:
        """Return how many rows of a table its parts hold."""
        return sum(part.rows for part in self.parts if part.table == table)


def read_manifests(dataset: DatasetFolder) -> tuple[Manifest, ...]:
    """Return the manifests that hold, by date, source and generation.

    Raises:
        DamagedFileError: One cannot be read.
        OSError: The folder cannot be read.
    """
    for _ in range(_TRIES):
        try:
            found = [_read(dataset, name) for name in list_manifests(dataset)]
        except FileNotFoundError:  # one was replaced meanwhile
            continue
        replaced = {name for manifest in found for name in manifest.replaces}
        holding = (manifest for manifest in found if manifest.name not in replaced)
        return tuple(sorted(holding, key=lambda one: (one.date, one.source, one.generation)))
    raise DamagedFileError(f"{dataset.path}: its manifests change all the time: try again when `compact` has ended")


def list_manifests(dataset: DatasetFolder) -> list[str]:
    """Return the names of all manifests, also of those that were replaced."""
    try:
        return sorted(name for name in os.listdir(dataset.join(MANIFESTS)) if name.endswith(".json") and name[0] != ".")
    except FileNotFoundError:
        return []


def commit_manifest(dataset: DatasetFolder, manifest: Manifest) -> None:
    """Let the parts of `manifest` hold instead of those that it replaces, and remove these. All its parts are durable.

    Raises:
        OSError: It cannot be written.
    """
    write_durably(dataset.join(MANIFESTS, manifest.name), json.dumps(asdict(manifest), indent=1).encode() + b"\n")
    _remove_replaced(dataset, manifest)


def sweep_replaced(dataset: DatasetFolder) -> None:
    """Remove what runs that were killed left of manifests that were replaced."""
    for manifest in read_manifests(dataset):
        _remove_replaced(dataset, manifest)


def _remove_replaced(dataset: DatasetFolder, manifest: Manifest) -> None:
    kept = {part.path for part in manifest.parts}
    for name in manifest.replaces:
        try:
            replaced = _read(dataset, name)
        except FileNotFoundError:
            continue
        _remove(dataset, (part.path for part in replaced.parts if part.path not in kept))
        _remove(dataset, [os.path.join(MANIFESTS, name)])


def _remove(dataset: DatasetFolder, paths: Iterable[str]) -> None:
    folders = set()
    for path in paths:
        try:
            os.unlink(dataset.join(path))
        except FileNotFoundError:
            continue
        folders.add(os.path.dirname(dataset.join(path)))
    sync_folders(folders)


def _read(dataset: DatasetFolder, name: str) -> Manifest:
    with open(dataset.join(MANIFESTS, name), "rb") as file:
        text = file.read()
    try:
        fields = json.loads(text)
        parts = tuple(Part(**part) for part in fields.pop("parts"))
        return Manifest(**{**fields, "parts": parts, "replaces": tuple(fields["replaces"])})
    except (ValueError, KeyError, TypeError) as error:
        raise DamagedFileError(
            f"{dataset.join(MANIFESTS, name)}: the manifest cannot be read ({error}): copy it from a backup, or move "
            "it away and archive its day again"
        ) from None
