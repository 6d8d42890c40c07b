# SPDX-License-Identifier: Apache-2.0
"""Datasette, the real package, shows the views as they are."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from otel_sqlite_exporter.sql.texts import read_folder
from tests.conftest import clean_environment, exporting, make_spans, read
from tests.sample_traces import write_traces

pytest.importorskip("datasette")
VIEWS = [name for name, _ in read_folder("views") if not name.startswith("_")]


def get_all(path: Path, pages: Sequence[str]) -> list[Any]:
    """What Datasette answers requests for pages of the file with, as JSON."""
    code = """\
import asyncio, json, sys
from datasette.app import Datasette
path, *pages = sys.argv[1:]
async def get():
    client = Datasette([path]).client
    return [(await client.get(page)).json() for page in pages]
print(json.dumps(asyncio.run(get())))"""
    command = [sys.executable, "-W", "ignore", "-c", code, str(path), *pages]
    done = subprocess.run(command, capture_output=True, text=True, env=clean_environment(), check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    answers: list[Any] = json.loads(done.stdout)
    return answers


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_traces(tmp_path_factory.mktemp("datasette") / "otel.db", 3)


@pytest.mark.slow
def test_every_view_is_a_page_with_its_rows(asked: Path) -> None:
    contents, *answers = get_all(asked, ["/otel.json", *(f"/otel/{v}.json?_shape=objects&_size=max" for v in VIEWS)])
    assert set(VIEWS) <= {view["name"] for view in contents["views"]}
    counts = [read(asked, f"SELECT count(*) FROM {view}")[0][0] for view in VIEWS]
    assert [len(answer["rows"]) for answer in answers] == counts
    assert len([count for count in counts if count]) >= 12


def test_a_page_is_filtered_and_sorted_while_an_exporter_writes(path: Path) -> None:
    with exporting(path) as exporter:
        exporter.export(make_spans("one", "two", attributes={"session.id": "chat"}))
        (page,) = get_all(path, ["/otel/spans.json?session_id=chat&_sort_desc=start_time_unix_nano&_shape=objects"])
        assert [row["name"] for row in page["rows"]] == ["two", "one"]
        assert exporter.force_flush()
        exporter.export(make_spans("three"))
    assert read(path, "SELECT count(*) FROM spans") == [(3,)]
