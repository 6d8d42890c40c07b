# SPDX-License-Identifier: Apache-2.0
"""The folder of a dataset: what stands where.

```
otel-dataset.json                                          what the folder is
<table>/date=YYYY-MM-DD/part-<source>-<generation>.parquet the rows of a table, a day and a source
<table>/date=1970-01-01/part-empty-0.parquet               no rows: a pattern of an engine finds a file
_manifests/<source>-<day>-<generation>.json                which parts belong together, and what they replace
_locator/                                                  on which days a session or a trace is
```

A source is a file that was archived (a random name, kept in the file), or `merged`: parts that `compact` made.
"""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import dataclass
from glob import glob
from typing import Any

from otel_sqlite_exporter.archive.dataset_format.arrow_schemas import write_empty_parts
from otel_sqlite_exporter.archive.dataset_format.dataset_tables import FORMAT_VERSION, TABLES
from otel_sqlite_exporter.archive.dataset_format.durable_files import write_durably
from otel_sqlite_exporter.errors import FileRefusedError, ForeignFileError, MissingFileError, NewerFileError

ABOUT = "otel-dataset.json"
MANIFESTS = "_manifests"
LOCATOR = "_locator"
MERGED = "merged"


@dataclass(frozen=True, slots=True)
class DatasetFolder:
    """A dataset that was opened: its absolute path, and its random name."""

    path: str
    name: str

    def join(self, *names: str) -> str:
        """Return the path of something in it."""
        return os.path.join(self.path, *names)

    def name_part(self, table: str, date: str, source: str, generation: int, piece: int = 0) -> str:
        """Return the name of a part, relative to the folder. A large one is cut into pieces."""
        more = f"-{piece}" if piece else ""
        return f"{table}/date={date}/part-{source}-{generation}{more}.parquet"


def is_dataset(path: str | os.PathLike[str]) -> bool:
    """Return whether there is a dataset at `path`, or a folder that is to become one."""
    return os.path.isdir(path)


def has_dataset(path: str | os.PathLike[str]) -> bool:
    """Return whether a dataset was made at `path`."""
    return os.path.exists(os.path.join(path, ABOUT))


def open_dataset(path: str | os.PathLike[str]) -> DatasetFolder:
    """Open the dataset at `path`.

    Raises:
        MissingFileError: There is no folder.
        ForeignFileError: It is a file, or the folder is no dataset.
        FileRefusedError: Its path is a pattern of files that another dataset has, too.
        NewerFileError: A newer version of the format.
    """
    folder = os.path.abspath(path)
    if os.path.isfile(folder):
        raise ForeignFileError(f"{folder}: it is a file: give a dataset, as `archive {folder} --to FOLDER` makes one")
    if not os.path.isdir(folder):
        raise MissingFileError(folder, f"{folder}: no such folder: `archive FILE --to {folder}` makes a dataset")
    try:
        with open(os.path.join(folder, ABOUT), "rb") as file:
            about = json.loads(file.read())
        format_version, name = int(about["format_version"]), str(about["name"])
    except FileNotFoundError:
        raise ForeignFileError(
            f"{folder}: it is no dataset, as it has no {ABOUT}: give the folder that `archive` wrote"
        ) from None
    except (ValueError, KeyError, TypeError) as error:
        raise FileRefusedError(f"{folder}: {ABOUT} cannot be read ({error}): copy it from a backup") from None
    if format_version > FORMAT_VERSION:
        raise NewerFileError(
            f"{folder}: the dataset has format {format_version}, this package knows formats up to {FORMAT_VERSION}: "
            "upgrade with `pip install -U otel-sqlite-exporter`"
        )
    _check_pattern(folder)
    return DatasetFolder(folder, name)


def find_dataset(path: str | os.PathLike[str]) -> DatasetFolder | None:
    """Open the dataset at `path`; None: the folder is empty or missing, and can become one.

    Raises:
        FileRefusedError: The folder holds something else, or a newer dataset.
    """
    folder = os.path.abspath(path)
    if os.path.isfile(folder):
        raise ForeignFileError(f"{folder}: it is a file: name a folder for the dataset")
    if has_dataset(folder):
        return open_dataset(folder)
    if os.path.isdir(folder) and not all(entry.startswith(".") for entry in os.listdir(folder)):
        raise ForeignFileError(f"{folder}: it holds other files: name an empty or a new folder for the dataset")
    return None


def _check_pattern(folder: str) -> None:
    """Refuse a path such as `data[1]` beside a dataset `data1`: DuckDB takes a path as a pattern of files first, so it
    would read the parts of the other one."""
    others = {os.path.dirname(path) for path in glob(os.path.join(folder, ABOUT), include_hidden=True)} - {folder}
    if others:
        raise FileRefusedError(
            f"{folder}: the path is a pattern of files that {min(others)} has, too: rename one of them, as DuckDB "
            "would read the wrong one"
        )


def make_dataset(path: str | os.PathLike[str]) -> DatasetFolder:
    """Open the dataset at `path`, or make one in a folder that is empty or missing. Each table has a part without rows.

    Raises:
        FileRefusedError: The folder holds something else, or a newer dataset.
        OSError: It cannot be made.
    """
    dataset = find_dataset(path)
    if dataset is None:
        os.makedirs(path, exist_ok=True)
        write_durably(os.path.join(os.path.abspath(path), ABOUT), _describe(secrets.token_hex(8)), replace=False)
        dataset = open_dataset(path)
    write_empty_parts(dataset.path)
    return dataset


def _describe(name: str) -> bytes:
    tables: dict[str, Any] = {table.name: dict(table.columns) for table in TABLES.values()}
    return json.dumps({"format_version": FORMAT_VERSION, "name": name, "tables": tables}, indent=1).encode() + b"\n"
