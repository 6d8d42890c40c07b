# SPDX-License-Identifier: Apache-2.0
"""The page on a free port of this machine, and a client that reads its HTML."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import httpx

from otel_sqlite_exporter.server.serving import TelemetryServer
from tests.conftest import HANG_S
from tests.serving import serving_here


class PageClient(NamedTuple):
    """What a test asks, and the server that answers. `users` are closed before the server is."""

    http: httpx.Client
    server: TelemetryServer
    url: str
    users: ExitStack

    def ask(self, path: str, **arguments: Any) -> httpx.Response:
        """The answer to a GET with these arguments, which must be HTML that can run nothing but the page's scripts."""
        answer = self.http.get(path, params=arguments or None)
        if answer.headers["content-type"] == "text/html; charset=utf-8":
            assert "script-src 'self';" in answer.headers["content-security-policy"]
            assert answer.headers["cache-control"] == "no-store"
        return answer

    def open(self, path: str, **arguments: Any) -> str:
        """The HTML of a page, which must be there."""
        answer = self.ask(path, **arguments)
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        return answer.text


@contextmanager
def browsing(path: Path, **options: Any) -> Iterator[PageClient]:
    """A client of a server of this file, which receives nothing unless `options` say so."""
    with serving_here(path, **{"has_receiver": False} | options) as server:
        url = server.base_urls[0]
        with httpx.Client(base_url=url, timeout=HANG_S) as http, ExitStack() as users:
            yield PageClient(http, server, url, users)
