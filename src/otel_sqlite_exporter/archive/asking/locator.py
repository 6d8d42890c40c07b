# SPDX-License-Identifier: Apache-2.0
"""On which days a session or a trace is. So a question about one reads the parts of its days alone.

`_locator/` has one Parquet file of ids, sorted, in small row groups: a look-up reads one of these. Beside it stand the
manifests that it covers. Of manifests that came later, the ids in their own parts are read. What it tells beyond the
manifests that hold does no harm: their parts are not there to be read.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Collection, Iterable, Sequence
from typing import Any

from otel_sqlite_exporter.archive.archive_packages import describe_error, list_duckdb_errors, load_pyarrow
from otel_sqlite_exporter.archive.asking.dataset_engine import DatasetEngine
from otel_sqlite_exporter.archive.asking.engine_views import build_table_view, quote
from otel_sqlite_exporter.archive.dataset_format.dataset_folder import LOCATOR, DatasetFolder
from otel_sqlite_exporter.archive.dataset_format.dataset_tables import TABLES
from otel_sqlite_exporter.archive.dataset_format.durable_files import put_durably, write_durably
from otel_sqlite_exporter.archive.dataset_format.manifests import Manifest, list_paths, read_manifests
from otel_sqlite_exporter.errors import DamagedFileError
from otel_sqlite_exporter.sql.texts import read_engine_text

_ABOUT = "locator.json"
_GROUP_ROWS = 8_192
_ALL = 1 << 31
_TRIES = 5
_LAST = "\U0010ffff"
_QUERIES = {"session_id": ("find_session_places", "sessions"), "trace_id": ("find_trace_places", "traces")}


def write_locator(dataset: DatasetFolder) -> None:
    """Write the ids of all manifests that hold, unless the locator covers just them.

    Raises:
        MissingPackageError: DuckDB or pyarrow is not installed.
        DamagedFileError: A manifest or a part cannot be read.
        OSError: It cannot be written.
    """
    manifests = read_manifests(dataset)
    covered, written = _read_about(dataset)
    if written is not None and os.path.exists(written) and covered == {manifest.name for manifest in manifests}:
        return
    names = sorted(manifest.name for manifest in manifests)
    name = f"ids-{hashlib.blake2b(json.dumps(names).encode(), digest_size=8).hexdigest()}.parquet"
    put_durably(dataset.join(LOCATOR, name), lambda path: _write_places(dataset, manifests, path))
    about = {"file": name, "manifests": names}
    write_durably(dataset.join(LOCATOR, _ABOUT), json.dumps(about, indent=1).encode() + b"\n")
    for other in os.listdir(dataset.join(LOCATOR)):
        if other.startswith("ids-") and other != name:
            os.unlink(dataset.join(LOCATOR, other))


def find_days(
    dataset: DatasetFolder, session_ids: Collection[str] = (), trace_ids: Collection[str] = ()
) -> dict[str, tuple[str, ...]]:
    """Return the days, as `2026-01-31`, on which parts have sessions and traces, by id. An unknown id has none.

    Raises:
        MissingPackageError: DuckDB is not installed.
        DamagedFileError: A manifest, a part or the locator cannot be read.
    """
    days: dict[str, tuple[str, ...]] = {}
    for column, ids in (("session_id", session_ids), ("trace_id", trace_ids)):
        found = _find_places(dataset, column, [(id, id) for id in ids], _ALL) if ids else []
        for id in ids:
            known = {date for other, date in found if other == id}
            days[id] = tuple(sorted({*days.get(id, ()), *known}))
    return days


def find_ids(dataset: DatasetFolder, column: str, prefix: str, most: int) -> list[str]:
    """Return the ids of sessions (`column` is `session_id`) or traces (`trace_id`) that begin with `prefix`: in order,
    at least the first `most` of them.

    Raises:
        MissingPackageError: DuckDB is not installed.
        DamagedFileError: A manifest, a part or the locator cannot be read.
    """
    limit = most * (1 + len({manifest.date for manifest in read_manifests(dataset)}))
    found = _find_places(dataset, column, [(prefix, prefix + _LAST)], limit)
    return list(dict.fromkeys(id for id, _ in found))


def _find_places(
    dataset: DatasetFolder, column: str, ranges: Iterable[tuple[str, str]], most: int
) -> list[tuple[str, str]]:
    errors = list_duckdb_errors()
    query, table = _QUERIES[column]
    for tried in range(_TRIES):
        covered, places = _read_about(dataset)
        later = [manifest for manifest in read_manifests(dataset) if manifest.name not in covered]
        paths = list_paths(dataset, later, table)
        files = paths if places is None else [*paths, places]
        try:
            views = [_view_places(places), build_table_view(TABLES[table], paths)]
            with DatasetEngine(files, views, threads=1) as engine:
                text = read_engine_text("duckdb", "asking", query)
                asked = [{"first": first, "last": last, "most": most} for first, last in ranges]
                return [row for values in asked for row in engine.connection.execute(text, values).fetchall()]
        except errors as error:
            if tried + 1 == _TRIES or all(map(os.path.exists, files)):  # else `compact` replaced it meanwhile
                raise DamagedFileError(
                    f"{dataset.path}: its locator or a part cannot be read ({describe_error(error)}): remove the "
                    f"folder {LOCATOR}, without which it is only slower, or copy the part from a backup"
                ) from None
    raise AssertionError  # the last try returns or raises


def _view_places(path: str | None) -> str:
    source = (
        "SELECT '' AS kind, '' AS id, '' AS date WHERE 1 = 0" if path is None else f"FROM read_parquet({quote(path)})"
    )
    return f"CREATE VIEW _places AS {source}"


def _read_about(dataset: DatasetFolder) -> tuple[set[str], str | None]:
    """Return the names of the manifests that the locator covers, and the path of its file; none, if it has none."""
    try:
        with open(dataset.join(LOCATOR, _ABOUT), "rb") as file:
            about = json.loads(file.read())
        covered, name = set(about["manifests"]), os.path.basename(str(about["file"]))
        return covered, dataset.join(LOCATOR, name)
    except FileNotFoundError:
        return set(), None
    except (ValueError, KeyError, TypeError) as error:
        raise DamagedFileError(
            f"{dataset.join(LOCATOR, _ABOUT)}: it cannot be read ({error}): remove it; `compact` writes it again"
        ) from None


def _write_places(dataset: DatasetFolder, manifests: Sequence[Manifest], path: str) -> None:
    arrow = load_pyarrow()
    paths = {table: list_paths(dataset, manifests, table) for table in ("sessions", "traces")}
    statements = [build_table_view(TABLES[table], found) for table, found in paths.items()]
    with DatasetEngine([one for found in paths.values() for one in found], statements) as engine:
        found = engine.connection.sql(read_engine_text("duckdb", "asking", "list_places"))
        places: Any = found.to_arrow_reader(_GROUP_ROWS)
        options = {"compression": "zstd", "use_dictionary": ["kind", "date"], "write_page_index": True}
        with arrow.parquet.ParquetWriter(path, places.schema, **options) as writer:
            for batch in places:
                writer.write_batch(batch, _GROUP_ROWS)
