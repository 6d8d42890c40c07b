# SPDX-License-Identifier: Apache-2.0
"""`otel_sqlite_exporter.serve`: the page of a file beside a program that goes on."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

import otel_sqlite_exporter
from otel_sqlite_exporter.errors import DamagedFileError, MissingFileError, MissingPackageError
from otel_sqlite_exporter.server.embedded.served_page import ServedPage
from tests.conftest import HANG_S, clean_environment
from tests.html_reader import HtmlReader
from tests.sample_traces import write_traces
from tests.serving import ask

PROGRAM = """\
import os, sys, urllib.request
from otel_sqlite_exporter import serve
page = serve(sys.argv[1])
with urllib.request.urlopen(page.url) as answer:
    assert answer.status == 200
stream = urllib.request.urlopen(page.url + "api/v1/stream") if len(sys.argv) > 2 else None
"""


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_traces(tmp_path_factory.mktemp("served") / "otel.db", traces=2)


@pytest.fixture
def page(file: Path) -> Iterator[ServedPage]:
    with otel_sqlite_exporter.serve(file) as page:
        yield page


def read_port(page: ServedPage) -> int:
    return urlsplit(page.url).port or 0


def is_open(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def test_it_serves_the_page_and_the_api(page: ServedPage, file: Path) -> None:
    port = read_port(page)
    home = ask(port, "/")
    assert home.headers["content-type"] == "text/html; charset=utf-8"
    assert ask(port, "/api/v1/sessions").json["total"] == 2
    assert page.path == str(file)


def test_it_takes_no_telemetry_and_serves_nothing_else(page: ServedPage) -> None:
    statuses = [ask(read_port(page), path).status for path in ("/metrics", "/mcp")]
    assert statuses == [404, 404]
    assert ask(read_port(page), "/v1/traces", b"{}", {"Content-Type": "application/json"}).status == 404


def test_a_file_is_served_once(page: ServedPage, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert otel_sqlite_exporter.serve(str(file)) is page
    monkeypatch.chdir(file.parent)
    assert otel_sqlite_exporter.serve(file.name) is page
    link = file.parent / "link.db"
    link.symlink_to(file)
    assert otel_sqlite_exporter.serve(link) is page
    monkeypatch.setenv("OTEL_EXPORTER_SQLITE_PATH", str(file))
    assert otel_sqlite_exporter.serve() is page


def test_it_stops_and_can_start_again(file: Path) -> None:
    threads = threading.active_count()
    with otel_sqlite_exporter.serve(file) as page:
        assert (page.is_running, is_open(read_port(page))) == (True, True)
    assert (page.is_running, is_open(read_port(page))) == (False, False)
    assert threading.active_count() == threads
    page.stop()
    again = otel_sqlite_exporter.serve(file)
    assert again is not page
    again.stop()


def test_it_shows_its_link(page: ServedPage, file: Path) -> None:
    reader = HtmlReader(page._repr_html_())
    assert reader.text == f"The page of {file}: {page.url}"
    assert [attributes["href"] for tag, attributes in reader.tags if tag == "a"] == [page.url]
    assert repr(page) == f"<ServedPage of {file} at {page.url}>"
    page.stop()
    assert HtmlReader(page._repr_html_()).text == f"The page of {file} is stopped."
    assert repr(page) == f"<ServedPage of {file}, stopped>"


def test_signals_stay_with_the_program(file: Path) -> None:
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.getsignal(number) for number in numbers]
    with otel_sqlite_exporter.serve(file):
        assert [signal.getsignal(number) for number in numbers] == before


def test_a_file_must_be_there(path: Path) -> None:
    with pytest.raises(MissingFileError):
        otel_sqlite_exporter.serve(path)
    assert not path.exists()
    path.write_text("no database")
    with pytest.raises(DamagedFileError):
        otel_sqlite_exporter.serve(path)


def test_without_its_packages_it_names_the_command(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    with pytest.raises(MissingPackageError, match=r"pip install 'otel-sqlite-exporter\[serve\]'"):
        otel_sqlite_exporter.serve(file)


@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")
def test_a_fork_leaves_it_to_its_parent(page: ServedPage, file: Path) -> None:
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:  # pragma: no cover
        try:
            assert not page.is_running
            page.stop()
            with otel_sqlite_exporter.serve(file) as own:
                assert own.url != page.url
                assert ask(read_port(own), "/").status == 200
            os.write(writing, b"served")
            os.close(writing)
            signal.pause()  # it lives on while its parent stops
        finally:
            os._exit(1)
    os.close(writing)
    with os.fdopen(reading, "rb") as answers:
        assert answers.read() == b"served"
    try:
        assert ask(read_port(page), "/").status == 200
        page.stop()
        assert not is_open(read_port(page))
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


@pytest.mark.slow
@pytest.mark.parametrize("streams", [[], ["with a stream of events"]])
def test_the_program_ends_when_it_wants_to(file: Path, streams: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-c", PROGRAM, file, *streams],
        env=clean_environment(),
        capture_output=True,
        timeout=HANG_S,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
