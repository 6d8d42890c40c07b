# SPDX-License-Identifier: Apache-2.0
"""The SQL for engines that we do not run is what `make engines` writes."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import duckdb
import pytest

from otel_sqlite_exporter.sql.texts import read_engine_text, read_folder
from tools.generate_engine_views import ENGINES, find_files, render_files


def test_engine_files_are_generated() -> None:
    files = render_files()
    assert find_files() == set(files)
    stale = [path for path, text in files.items() if (ENGINES / path).read_text(encoding="utf-8") != text]
    assert stale == [], "run `make engines`"


@pytest.mark.parametrize("view", ["_agent_metrics", "_agent_types"])
def test_constants_are_those_of_the_file(view: str) -> None:
    """The two texts spell them in the form of their engine."""
    with closing(sqlite3.connect(":memory:")) as file, duckdb.connect() as engine:
        file.execute(dict(read_folder("views"))[view])
        engine.execute(read_engine_text("duckdb", "views", view))
        expected, found = (one.execute(f"SELECT * FROM {view}") for one in (file, engine))
        assert [column[0] for column in found.description] == [column[0] for column in expected.description]
        assert found.fetchall() == expected.fetchall()
