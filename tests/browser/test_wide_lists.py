# SPDX-License-Identifier: Apache-2.0
"""Lists whose columns all have something to show fit into the window of a laptop."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from otel_sqlite_exporter import Annotations, TelemetryDatabase
from tests.browser.conftest import Open
from tests.browser.page_files import write_rich_file
from tests.page_server import PageClient, browsing

CUT = "document.querySelector('#rows').scrollWidth - document.querySelector('#rows').clientWidth"


@pytest.fixture(scope="module")
def marked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PageClient]:
    """A server of a file with a session and a trace of which much is said."""
    path = write_rich_file(tmp_path_factory.mktemp("marked") / "otel.db")
    annotations, database = Annotations(path), TelemetryDatabase(path)
    session = {"session_id": database.find_sessions()[0].session_id}
    trace = {"trace_id": database.find_traces()[0].trace_id}
    for place in (session, trace):
        annotations.pin(label="refund goes wrong in the second turn", **place)
        annotations.note("The tool is asked twice, and nobody knows why.", **place)
        annotations.score("Helpfulness", 0.75, **place)
        annotations.score("Correctness of the answer", 0.5, **place)
    with browsing(path) as client:
        yield client


@pytest.mark.parametrize("name", ["sessions", "traces"])
def test_a_list_with_marks_is_not_cut(marked: PageClient, visit: Open, name: str) -> None:
    tab = visit(marked, 1200)
    tab.open(f"/{name}")
    assert "refund goes wrong" in tab.page.locator("#rows").inner_text()
    assert "Helpfulness 0.75" in tab.page.locator("#rows").inner_text()
    assert tab.page.evaluate(CUT) <= 0
