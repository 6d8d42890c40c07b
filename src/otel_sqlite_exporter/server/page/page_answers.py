# SPDX-License-Identifier: Apache-2.0
"""How a page is declared, and what it answers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from otel_sqlite_exporter.server.api.api_backend import ApiBackend, Arguments
from otel_sqlite_exporter.server.api.parameters import Parameter


class CsvTable(NamedTuple):
    """The table of a page, whole: names of columns, and rows of values, which are read as they are sent."""

    name: str
    columns: Sequence[str]
    rows: Iterable[Sequence[Any]]


class PageContent(NamedTuple):
    """What a page shows.

    Attributes:
        title: For the title of the window and the heading.
        values: What the template of the page gets, by name. All texts are escaped there.
        status: That of HTTP; not 200 if the page explains what is wrong.
    """

    title: str
    values: Mapping[str, Any]
    status: int = 200


class PageRoute(NamedTuple):
    """One page.

    Attributes:
        path: `{name}` is a parameter.
        about: What it shows, in a sentence.
        template: The name of its template.
        read: Reads what it shows, on a thread that may read the file.
        parameters: Those of the path first.
        parts: The blocks of the template that `part=NAME` answers alone: what a page exchanges of itself.
        read_table: Reads its table, for `format=csv`; None: it has none.
        is_statement: It runs a statement of the user, which has threads of its own.
        part_readers: Read what a part shows, where that is much less than the page does.
    """

    path: str
    about: str
    template: str
    read: Callable[[ApiBackend, Arguments], PageContent]
    parameters: tuple[Parameter, ...] = ()
    parts: tuple[str, ...] = ()
    read_table: Callable[[ApiBackend, Arguments], CsvTable] | None = None
    is_statement: bool = False
    part_readers: Mapping[str, Callable[[ApiBackend, Arguments], PageContent]] = MappingProxyType({})
