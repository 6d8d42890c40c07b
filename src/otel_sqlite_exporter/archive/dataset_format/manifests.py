# SPDX-License-Identifier: Apache-2.0
"""Manifests: which parts of a dataset are whole, belong together, and hold.

A manifest is written after its parts, so what a killed run left is in no manifest. It names the manifests that it
replaces: from the moment it is there, these do not hold, and their parts are removed afterwards. So a reader sees the
old parts or the new ones, never both or a half.

Where records move from one day to another, the manifests of both must hold from one moment on. They are written as one
file first, a commit, then each for itself, and then the commit is removed. A reader reads both kinds of files.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from otel_sqlite_exporter.archive.dataset_format.dataset_folder import MANIFESTS, DatasetFolder
from otel_sqlite_exporter.archive.dataset_format.dataset_tables import TABLES
from otel_sqlite_exporter.archive.dataset_format.durable_files import remove_files, write_durably
from otel_sqlite_exporter.errors import DamagedFileError

_TRIES = 100
_MANIFEST, _COMMIT = ".json", ".commit"
HOLDS = "holds"
"""The fact of a manifest that names those of sources whose records it has."""
_SOURCE, _DATE = r"\w[\w-]*", r"\d{4}-\d\d-\d\d"
_NAME = re.compile(rf"{_SOURCE}-{_DATE}-\d+\.json", re.ASCII)
_PART = re.compile(rf"(\w+)/date=({_DATE})/part-{_SOURCE}\.parquet", re.ASCII)


def name_manifest(source: str, date: str, generation: int) -> str:
    """Return the name of the file of a manifest."""
    return f"{source}-{date}-{generation}{_MANIFEST}"


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
        return name_manifest(self.source, self.date, self.generation)

    @property
    def outdated(self) -> tuple[str, ...]:
        """The names of the manifests that do not hold beside it, also where they are copied back to the dataset."""
        return tuple(dict.fromkeys((*self.replaces, *self.facts.get(HOLDS, ()))))

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
        names = _list_names(dataset)
        try:
            found = {one.name: one for name in names for one in _read_file(dataset, name)}
        except FileNotFoundError:  # one was replaced meanwhile
            continue
        if names != _list_names(dataset):  # a list that is made meanwhile may lack what came and what went
            continue
        replaced = {name for manifest in found.values() for name in manifest.outdated}
        holding = (manifest for name, manifest in found.items() if name not in replaced)
        return tuple(sorted(holding, key=lambda one: (one.date, one.source, one.generation)))
    raise DamagedFileError(f"{dataset.path}: its manifests change all the time: try again when `compact` has ended")


def list_paths(dataset: DatasetFolder, manifests: Iterable[Manifest], table: str) -> list[str]:
    """Return the absolute paths of the parts of a table in some manifests."""
    return [dataset.join(part.path) for manifest in manifests for part in manifest.parts if part.table == table]


def measure_parts(manifests: Iterable[Manifest]) -> tuple[int, int]:
    """Return how many parts some manifests have, and how many bytes these are."""
    sizes = [part.bytes for manifest in manifests for part in manifest.parts]
    return len(sizes), sum(sizes)


def list_manifests(dataset: DatasetFolder) -> list[str]:
    """Return the names of all manifests, also of those that were replaced."""
    return sorted({name for name in _list_names(dataset) if name.endswith(_MANIFEST)} | set(_read_commits(dataset)))


def commit_manifest(dataset: DatasetFolder, manifest: Manifest) -> None:
    """Let the parts of `manifest` hold instead of those that it replaces, and remove these. All its parts are durable.

    Raises:
        OSError: It cannot be written.
    """
    commit_manifests(dataset, [manifest])


def commit_manifests(dataset: DatasetFolder, manifests: Sequence[Manifest]) -> None:
    """Do so for manifests of several days, which hold from the same moment on.

    Raises:
        OSError: They cannot be written.
    """
    whole = [replace(one, replaces=_find_all_replaced(dataset, one)) for one in manifests]
    if len(whole) > 1:
        write_durably(_find_commit(dataset, whole), json.dumps([asdict(one) for one in whole]).encode() + b"\n")
    _settle(dataset, whole)


def sweep_replaced(dataset: DatasetFolder) -> None:
    """Remove what runs that were killed left of manifests that were replaced. Hold the lock of the dataset alone."""
    for name in _list_names(dataset):
        if name.endswith(_COMMIT):
            _settle(dataset, _read_file(dataset, name))
    for manifest in read_manifests(dataset):
        _remove_replaced(dataset, manifest)


def _settle(dataset: DatasetFolder, manifests: Sequence[Manifest]) -> None:
    """Give each of some manifests that were committed a file of its own, and remove those that they replace."""
    for one in manifests:
        write_durably(dataset.join(MANIFESTS, one.name), json.dumps(asdict(one), indent=1).encode() + b"\n")
    remove_files([_find_commit(dataset, manifests)])
    for one in manifests:
        _remove_replaced(dataset, one)


def _find_commit(dataset: DatasetFolder, manifests: Sequence[Manifest]) -> str:
    """Return the path of the file that holds some manifests that are committed together."""
    return dataset.join(MANIFESTS, manifests[0].name.removesuffix(_MANIFEST) + _COMMIT)


def _find_all_replaced(dataset: DatasetFolder, manifest: Manifest) -> tuple[str, ...]:
    """Return what a manifest replaces, and what that had replaced and a killed run left: it must not hold again."""
    if not manifest.replaces:
        return ()
    commits, there = _read_commits(dataset), set(list_manifests(dataset))
    found: dict[str, None] = {}
    waiting = [*reversed(manifest.replaces)]
    while waiting:
        name = waiting.pop()
        found[name] = None
        if name in there:
            older = commits[name] if name in commits else _read_file(dataset, name)[0]
            waiting += [one for one in older.replaces if one in there and one not in found]
    return tuple(found)


def _remove_replaced(dataset: DatasetFolder, manifest: Manifest) -> None:
    kept = {part.path for part in manifest.parts}
    for name in manifest.outdated:
        try:
            (replaced,) = _read_file(dataset, name)
        except FileNotFoundError:
            continue
        remove_files(dataset.join(part.path) for part in replaced.parts if part.path not in kept)
        remove_files([dataset.join(MANIFESTS, name)])


def _list_names(dataset: DatasetFolder) -> list[str]:
    try:
        names = os.listdir(dataset.join(MANIFESTS))
    except FileNotFoundError:
        return []
    return sorted(name for name in names if name.endswith((_MANIFEST, _COMMIT)) and name[0] != ".")


def _read_commits(dataset: DatasetFolder) -> dict[str, Manifest]:
    """Return the manifests that were committed together and may have no files of their own yet."""
    commits = (name for name in _list_names(dataset) if name.endswith(_COMMIT))
    return {one.name: one for name in commits for one in _read_file(dataset, name)}


def _read_file(dataset: DatasetFolder, name: str) -> list[Manifest]:
    """Return the manifest, or those that were committed together, of a file."""
    with open(dataset.join(MANIFESTS, name), "rb") as file:
        text = file.read()
    try:
        content = json.loads(text)
        return [_parse(fields) for fields in (content if name.endswith(_COMMIT) else [content])]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DamagedFileError(
            f"{dataset.join(MANIFESTS, name)}: the manifest cannot be read ({error}): copy it from a backup, or, if "
            "the file that was archived still has all of its day, move it away and archive that again"
        ) from None


def _parse(fields: dict[str, Any]) -> Manifest:
    """Raises ValueError, KeyError or TypeError: no manifest, or it names what is not a part or a manifest of its own
    dataset: names are joined to its path, and what they name is removed."""
    parts = tuple(Part(**part) for part in fields["parts"])
    manifest = Manifest(**{**fields, "parts": parts, "replaces": tuple(fields["replaces"])})
    for name in (manifest.name, *manifest.outdated):
        if not _NAME.fullmatch(name):
            raise ValueError(f"{name!r} is no name of a manifest")
    for part in parts:
        place = _PART.fullmatch(part.path)
        if part.table not in TABLES or place is None or place.groups() != (part.table, manifest.date):
            raise ValueError(f"{part.path!r} is no part of {manifest.date}")
        if type(part.rows) is not int or type(part.bytes) is not int:
            raise ValueError(f"the size of {part.path!r} is no number")
    return manifest
