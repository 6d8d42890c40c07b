# SPDX-License-Identifier: Apache-2.0
"""The model that a call asked for, so that failed calls stand under the same name as others. Nothing recorded changes.

A call stands under the model that it asked for, whatever snapshot answered. Names that differ only in the prefix
`models/`, in Bedrock's ARN before the name, or in its region (`us.anthropic.`) are one. Calls that ask for two
snapshots by their dates, or for a snapshot and for its alias, stand apart. Many instrumentations record one model only:
the snapshot that answered, or what was asked if there was no answer. Such a snapshot stands under its alias if the file
shows that they are one:

* all calls that were answered by the snapshot, and say what they asked for, asked for that alias; or
* no call says that it asked for the snapshot, others name the alias, and no other snapshot of it stands alone.
"""

from __future__ import annotations

import contextlib
import re
import sqlite3
from collections import defaultdict
from collections.abc import Iterable

_PREFIX = re.compile(
    r"^(?:models/|arn:aws[a-z-]*:bedrock:[a-z0-9-]*:\d*:(?:foundation-model|inference-profile)/)?"
    r"(?:(?:us|us-gov|eu|apac|jp|au|ca|sa|global)\.(?=[a-z0-9]+\.))?"
)
_SNAPSHOT = re.compile(
    r"^(?P<alias>.*[^-@:])[-@:](?:20\d\d-\d\d-\d\d|20\d{6}|[01]\d-20\d\d|[01]\d-[0-3]\d|[01]\d[0-3]\d|2\d[01]\d|\d{3})$"
)
_NAMES = "SELECT DISTINCT request_model, response_model FROM complete_llm_interactions"
_KEPT_NAMES = "SELECT DISTINCT request_model, response_model FROM kept_usage"


class AskedModels:
    """The names of models in a file, as pairs of request and response model."""

    def __init__(self, names: Iterable[tuple[str | None, str | None]]) -> None:
        self._asked_for: defaultdict[str, set[str]] = defaultdict(set)
        self._alone: set[str] = set()
        self._named: set[str] = set()
        for pair in names:
            request, response = map(_strip, pair)
            self._named |= {name for name in (request, response) if name is not None}
            if request is not None and response is not None:
                self._asked_for[response].add(request)
                self._asked_for.setdefault(request, set())
            else:
                self._alone |= {name for name in (request, response) if name is not None}
        self._snapshots: defaultdict[str, set[str]] = defaultdict(set)
        for name in self._alone:
            if match := _SNAPSHOT.match(name):
                self._snapshots[match["alias"]].add(name)

    def find(self, request_model: str | None, response_model: str | None) -> str | None:
        """Return the name that a call stands under; None if it names no model."""
        request, response = _strip(request_model), _strip(response_model)
        if request is not None and response is not None:
            return request
        if request is None and response is None:
            return None
        name = request or response or ""
        asked_for = self._asked_for.get(name, set())
        if request is None and len(asked_for) == 1:
            return next(iter(asked_for))
        match = _SNAPSHOT.match(name)
        if match is None or name in self._asked_for:
            return name
        alias = match["alias"]
        return alias if alias in self._named and self._snapshots[alias] == {name} else name


def read_asked_models(connection: sqlite3.Connection) -> AskedModels:
    """Return the names of models in a file, also of calls that were removed. One pass over its calls."""
    names = connection.execute(_NAMES).fetchall()
    with contextlib.suppress(sqlite3.OperationalError):  # a file of an older version keeps none
        names += connection.execute(_KEPT_NAMES).fetchall()
    return AskedModels(names)


def _strip(name: str | None) -> str | None:
    return None if name is None else _PREFIX.sub("", name)
