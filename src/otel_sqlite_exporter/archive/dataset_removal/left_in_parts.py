# SPDX-License-Identifier: Apache-2.0
"""Says where texts are left in a dataset: in the values of parts, and in the bytes of all files of its folder."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from otel_sqlite_exporter.archive.archive_packages import list_pyarrow_errors, load_pyarrow
from otel_sqlite_exporter.archive.dataset_format.dataset_folder import LOCATOR, MANIFESTS, DatasetFolder
from otel_sqlite_exporter.archive.dataset_format.dataset_tables import TABLES
from otel_sqlite_exporter.maintain.deletion.left_texts import LeftText, Verification
from otel_sqlite_exporter.maintain.deletion.text_forms import TextForms

_ROWS = 1_024
_PIECE_BYTES = 1 << 20
_PARQUET = b"PAR1"
_KINDS = {MANIFESTS: "manifest", LOCATOR: "locator", **dict.fromkeys(TABLES, "part")}


def find_left_in_dataset(
    dataset: DatasetFolder, texts: Sequence[str], progress: Callable[[int, int], None] = lambda done, of: None
) -> Verification:
    """Look for `texts` in all files of a dataset, also in those of runs that were killed. Values of Parquet files are
    unpacked. `progress` is called with the bytes that are done, and of all.

    Raises:
        MissingPackageError: pyarrow is not installed.
        OSError: A file cannot be read.
    """
    forms = [TextForms(text) for text in texts]
    files = [(path, os.path.getsize(path)) for path in _list_files(dataset.path)]
    left: list[LeftText] = []
    unread: list[str] = []
    done, of = 0, sum(size for _, size in files)
    for path, size in files:
        try:
            found, is_read = _look_into(path, forms)
        except FileNotFoundError:  # replaced meanwhile
            found, is_read = Counter(), True
        kind = _find_kind(dataset, path)
        left += [
            LeftText(forms[number].text, path, kind, place, rows) for (number, place), rows in sorted(found.items())
        ]
        unread += [] if is_read else [path]
        done += size
        progress(done, of)
    return Verification(tuple(left), len(files) - len(unread), of, tuple(unread))


def _list_files(folder: str) -> list[str]:
    return sorted(os.path.join(top, name) for top, _, names in os.walk(folder) for name in names)


def _find_kind(dataset: DatasetFolder, path: str) -> str:
    return _KINDS.get(os.path.relpath(path, dataset.path).split(os.sep)[0], "file")


def _look_into(path: str, forms: Sequence[TextForms]) -> tuple[Counter[tuple[int, str]], bool]:
    """Return how often each text is at each place of a file, and whether all of the file could be read."""
    found: Counter[tuple[int, str]] = Counter()
    with open(path, "rb") as file:
        is_parquet = file.read(len(_PARQUET)) == _PARQUET
    is_read = not is_parquet or _look_into_values(path, forms, found)
    in_values = {number for number, _ in found}
    for number, count in _count_in_bytes(path, forms).items():
        if number not in in_values:  # statistics repeat values
            found[number, "content"] = count
    return found, is_read


def _look_into_values(path: str, forms: Sequence[TextForms], found: Counter[tuple[int, str]]) -> bool:
    """Count the rows of a Parquet file whose values hold the texts, and return whether all could be read."""
    arrow = load_pyarrow()
    try:
        file = arrow.parquet.ParquetFile(path)
        texts = [field.name for field in file.schema_arrow if arrow.types.is_string(field.type)]
        for batch in file.iter_batches(_ROWS, columns=texts):
            for name, column in zip(batch.schema.names, batch.columns, strict=True):
                for number, rows in _count_in_column(column, forms):
                    found[number, name] += rows
    except list_pyarrow_errors():
        return False
    return True


def _count_in_column(column: Any, forms: Sequence[TextForms]) -> Iterator[tuple[int, int]]:
    content = column.buffers()[2]
    if content is None:
        return
    data = content.to_pybytes()
    for number, text in enumerate(forms):
        if text.count(data, with_wide=False):
            values = (value.encode("utf-8", "surrogatepass") for value in column.to_pylist() if value is not None)
            if rows := sum(1 for value in values if text.count(value, with_wide=False)):
                yield number, rows


def _count_in_bytes(path: str, forms: Sequence[TextForms]) -> Counter[int]:
    """Count the texts in the bytes of a file."""
    overlap = max(text.longest for text in forms)
    found: Counter[int] = Counter()
    rest = b""
    with open(path, "rb") as file:
        while piece := file.read(_PIECE_BYTES):
            joined = rest + piece
            upto = len(joined) - overlap
            for number, text in enumerate(forms):
                found[number] += sum(1 for place in text.find(joined) if place < upto)
            rest = joined[max(0, upto) :]
    for number, text in enumerate(forms):
        found[number] += text.count(rest)
    return +found
