# SPDX-License-Identifier: Apache-2.0
"""The views and their columns, in order, are the public contract of a file. Columns may be added at the end; anything
else breaks those who read files: it needs a new name, and a line in the changelog."""

from __future__ import annotations

import json
from pathlib import Path

from otel_sqlite_exporter.storage.migrations import migrate
from tests.conftest import read

CONTRACT = Path(__file__).with_name("view_columns.json")


def test_the_views_have_these_columns_in_this_order(path: Path) -> None:
    migrate(str(path), busy_timeout_ms=5_000)
    columns: dict[str, list[str]] = {}
    for view, column in read(
        path,
        """
        SELECT v.name, c.name FROM sqlite_schema AS v, pragma_table_info(v.name) AS c
        WHERE v.type = 'view' AND v.name NOT GLOB '[_]*' ORDER BY v.name, c.cid""",
    ):
        columns.setdefault(view, []).append(column)
    assert columns == json.loads(CONTRACT.read_text())
