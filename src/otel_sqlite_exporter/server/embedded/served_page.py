# SPDX-License-Identifier: Apache-2.0
"""The page of a file beside a program that goes on, such as a notebook: on a thread, for this machine, read-only."""

from __future__ import annotations

import os
import threading
from types import TracebackType

from otel_sqlite_exporter.errors import SQLiteExporterError
from otel_sqlite_exporter.server.running.serve_packages import check_packages
from otel_sqlite_exporter.settings import Settings, resolve_settings
from otel_sqlite_exporter.show.html_text import element
from otel_sqlite_exporter.storage.identity import find_version

_START_S, _STOP_S = 30.0, 10.0
_LOOK_MS = 1_000


class ServedPage:
    """The page of a file, which runs until `stop`, or until the program ends. A notebook shows its link.

    A fork of the program does not serve it, and its children can serve the file on their own.

    Attributes:
        path: The file.
        url: Where the page is. Programs on this machine reach it, others do not.
    """

    def __init__(self, settings: Settings) -> None:
        from otel_sqlite_exporter.server.serve_options import ServeOptions
        from otel_sqlite_exporter.server.serving import TelemetryServer

        self.path = settings.path
        options = ServeOptions(port=0, has_receiver=False, has_metrics=False, has_tools=False)
        self._server = TelemetryServer(settings, options)
        self.url = f"{self._server.base_urls[0]}/"
        # A daemon, as are the threads that it starts: none of them keeps the program from ending. What is only read
        # needs no end.
        self._thread = threading.Thread(target=self._server.run, name="otel-sqlite-exporter page", daemon=True)
        self._thread.start()
        if not self._server.wait_until_started(_START_S) or self._server.is_stopping():
            self.stop()
            raise SQLiteExporterError(f"the page of {self.path} did not start: try again")

    @property
    def is_running(self) -> bool:
        """Whether the page can be opened."""
        return self._thread.is_alive() and not self._server.is_stopping()

    def stop(self) -> None:
        """Answer what was asked, and stop. Calling it again does nothing."""
        if self._thread.is_alive():
            self._server.stop()
            self._thread.join(_STOP_S)

    def __enter__(self) -> ServedPage:
        """Return itself; the page stops at the end of the block."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop."""
        self.stop()

    def __repr__(self) -> str:
        """Show the file and the address."""
        return f"<ServedPage of {self.path}{f' at {self.url}' if self.is_running else ', stopped'}>"

    def _repr_html_(self) -> str:
        if not self.is_running:
            return element("p", "The page of ", element("b", self.path), " is stopped.")
        link = element("a", self.url, href=self.url, target="_blank", rel="noreferrer")
        return element("p", "The page of ", element("b", self.path), ": ", link)

    def _leave_to_parent(self) -> None:
        self._server.leave_to_parent()


def serve(path: str | os.PathLike[str] | None = None) -> ServedPage:
    """Serve the page of a file beside this program, on a free port of this machine, and return it once it can be
    opened. For a file that is served already, return the page that runs. The file is only read.

    Without a path, it is the file that `OTEL_EXPORTER_SQLITE_PATH` names, else `otel.db`.

    Raises:
        MissingPackageError: The extra `serve` is not installed.
        FileRefusedError: The file is missing, damaged, or of another program.
        sqlite3.Error, OSError: The file cannot be read.
    """
    check_packages()
    settings = resolve_settings(path)
    settings = settings._replace(path=os.path.abspath(settings.path))
    find_version(settings.path, busy_timeout_ms=_LOOK_MS)
    key = os.path.realpath(settings.path)
    with _lock:
        page = _pages.get(key)
        if page is None or not page.is_running:
            page = _pages[key] = ServedPage(settings)
        return page


_lock = threading.Lock()
_pages: dict[str, ServedPage] = {}
"""The pages of this process, by the real path of the file."""


def _after_fork_in_child() -> None:
    global _lock
    _lock = threading.Lock()
    for page in _pages.values():
        page._leave_to_parent()
    _pages.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
