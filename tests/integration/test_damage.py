# SPDX-License-Identifier: Apache-2.0
"""Whatever bytes of a file are altered: an export does not raise, and SUCCESS means that the batch is in the file or in
the spool."""

from __future__ import annotations

import contextlib
import json
import logging
import random
import resource
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from opentelemetry.sdk.trace.export import SpanExportResult

from otel_sqlite_exporter import SQLiteSpanExporter
from otel_sqlite_exporter.deliver.spool import Spool, spool_path
from otel_sqlite_exporter.deliver.spool_format import load_batch
from tests.conftest import exporting, in_new_process, make_spans, read
from tests.integration.test_processor import run_and_be_killed, start

SUCCESS, FAILURE = SpanExportResult.SUCCESS, SpanExportResult.FAILURE
CALL = {"session.id": "chat", "gen_ai.operation.name": "chat", "gen_ai.request.model": "small"}
FILES = 30


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file at rest, with calls and with spans of a process that is gone."""
    path = tmp_path_factory.mktemp("sound") / "otel.db"
    start(run_and_be_killed, path, "kill").communicate()
    with exporting(path) as exporter:
        exporter.export(make_spans(*map(str, range(40)), attributes=CALL))
    return path


def spooled_names(path: Path) -> set[str]:
    spool = Spool(spool_path(str(path)), limit_bytes=0)
    batches = spool.hold(lambda held: [load_batch(frame.content)[0] for frame in held], timeout_s=0)
    return {span.row.name for batch in batches or () for span in batch.spans}


def written_names(path: Path, latest: int = 6) -> set[str]:
    names: set[str] = set()
    with closing(sqlite3.connect(path)) as connection, contextlib.suppress(sqlite3.Error, UnicodeDecodeError):
        connection.text_factory = bytes
        for (name,) in connection.execute("SELECT name FROM _spans ORDER BY id DESC LIMIT ?", (latest,)):
            if isinstance(name, bytes):  # what stands in for the name of an earlier span may be anything
                names.add(name.decode(errors="replace"))
    return names


@pytest.mark.slow
@pytest.mark.row("Damaged file")
def test_no_altered_byte_loses_a_batch(
    sound: Path, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    logging.disable()
    try:
        in_spool = 0
        for seed in range(FILES):
            chance = random.Random(seed)
            path = tmp_path / f"{seed}.db"
            content = bytearray(sound.read_bytes())
            # Most of the file is text of tables. What SQLite steers by is at the beginning of pages.
            for _ in range(chance.choice([1, 8, 64])):
                place = chance.randrange(len(content))
                content[place - place % 16384 * chance.randrange(2) % len(content)] = chance.randrange(256)
            path.write_bytes(content)
            names = [f"{seed}/{number}" for number in range(3)]
            with exporting(path, busy_timeout_ms=500) as exporter:
                results = [exporter.export(make_spans(name, attributes=CALL)) for name in names]
            assert results == [SUCCESS] * 3, seed
            missing = set(names) - spooled_names(path) - written_names(path)
            assert not missing, seed
            in_spool += bool(spooled_names(path))
        record_property("damaged files", f"{FILES}, {in_spool} of them with a spool")
    finally:
        logging.disable(logging.NOTSET)


@pytest.mark.parametrize("of", ["schema", "text"])
@pytest.mark.row("Damaged file")
def test_what_is_not_utf_8_in_the_schema_is_damage(sound: Path, path: Path, of: str) -> None:
    content = sound.read_bytes()
    name = content.index(b"viewtracestraces") + 6 if of == "schema" else content.index(b"CREATE VIEW traces") + 7
    path.write_bytes(content[:name] + b"\xe3" + content[name + 1 :])
    with exporting(path) as exporter:
        assert exporter.export(make_spans("kept")) is SUCCESS
    assert spooled_names(path) | written_names(path) >= {"kept"}


@pytest.mark.row("Damaged file")
def test_json_of_the_file_that_is_none_keeps_the_batch_in_the_spool(sound: Path, path: Path) -> None:
    shutil.copyfile(sound, path)
    span = make_spans("twice", attributes=CALL)
    with exporting(path) as exporter:
        assert exporter.export(span) is SUCCESS
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE _spans SET attributes = '{' WHERE name = 'twice'")
    with exporting(path) as exporter:
        assert exporter.export(span) is SUCCESS
        assert exporter.export(make_spans("other")) is SUCCESS
    assert read(path, "SELECT * FROM _quarantine") == []
    assert spooled_names(path) | written_names(path) >= {"twice", "other"}


def export_without_memory(path: str) -> None:
    logging.disable()
    exporter = SQLiteSpanExporter(path)
    results = [exporter.export(make_spans("first"))]
    texts = ["x" * 30_000_000] * 4 + ["\U0001f600" * 7_000_000]
    spans = [span for text in texts for span in make_spans("large", attributes={"text": text})]
    with open("/proc/self/statm") as file:
        used = int(file.read().split()[0]) * resource.getpagesize()
    for room in (20_000_000, 50_000_000, 100_000_000, 200_000_000):
        resource.setrlimit(resource.RLIMIT_AS, (used + room, resource.RLIM_INFINITY))
        results.append(exporter.export(spans))
    resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    results.append(exporter.export(make_spans("last")))
    exporter.shutdown()
    print(json.dumps([result.name for result in results]))


@pytest.mark.row("Memory limit")
def test_a_process_without_memory_goes_on(path: Path) -> None:
    first, *results, last = in_new_process(export_without_memory, path)
    assert (first, last) == ("SUCCESS", "SUCCESS")
    assert "FAILURE" in results
    assert read(path, "SELECT reason FROM _quarantine") == []
