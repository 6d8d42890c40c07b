# SPDX-License-Identifier: Apache-2.0
"""Scripts, styles and pictures of the page. Their path holds a digest of all of them, so a browser may keep them for
ever: what changed has another path."""

from __future__ import annotations

import hashlib
from functools import cache
from http import HTTPStatus
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import NamedTuple

from starlette.requests import Request
from starlette.responses import Response

from otel_sqlite_exporter.server.api.api_problems import Problem, ProblemError

_TYPES = {
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
    "txt": "text/plain; charset=utf-8",
}
_KEPT = "public, max-age=31536000, immutable"
PATH = "/static/{digest}/{name}"


class _StaticFile(NamedTuple):
    content: bytes
    media_type: str


@cache
def _load_files() -> dict[str, _StaticFile]:
    """Return all files by their path below `static`."""
    found: dict[str, _StaticFile] = {}
    _add_files(files("otel_sqlite_exporter.server.page").joinpath("static"), "", found)
    return found


def _add_files(folder: Traversable, path: str, found: dict[str, _StaticFile]) -> None:
    for entry in sorted(folder.iterdir(), key=lambda one: one.name):
        if entry.is_dir():
            _add_files(entry, f"{path}{entry.name}/", found)
        elif media_type := _TYPES.get(entry.name.rpartition(".")[2]):
            found[path + entry.name] = _StaticFile(entry.read_bytes(), media_type)


@cache
def find_digest() -> str:
    """Return a digest of all files."""
    digest = hashlib.sha256()
    for name, file in _load_files().items():
        digest.update(f"{name}\0{len(file.content)}\0".encode())
        digest.update(file.content)
    return digest.hexdigest()[:16]


def link_static(name: str) -> str:
    """Return the path under which a browser gets a file.

    Raises:
        KeyError: There is no such file.
    """
    if name not in _load_files():
        raise KeyError(name)
    return PATH.format(digest=find_digest(), name=name)


async def answer_static(request: Request, path: dict[str, str]) -> Response:
    """Answer with a file. An old digest is answered with the file of now, which a browser must not keep.

    Raises:
        ProblemError: There is no such file.
    """
    file = _load_files().get(path["name"])
    if file is None:
        detail = "there is no such file: load the page again"
        raise ProblemError(Problem("no-such-route", HTTPStatus.NOT_FOUND, detail))
    kept = _KEPT if path["digest"] == find_digest() else "no-store"
    return Response(file.content, headers={"Cache-Control": kept}, media_type=file.media_type)
