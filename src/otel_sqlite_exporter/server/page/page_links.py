# SPDX-License-Identifier: Apache-2.0
"""The links between pages. Ids in them are of strangers, so they are quoted whole, slashes too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlencode


def link_page(path: str, /, **arguments: Any) -> str:
    """Return the link to a page, with arguments: None is left out, and a list gives one argument for each value."""
    given = [(name.rstrip("_"), value) for name, value in arguments.items() if value is not None]
    pairs = [(name, one) for name, value in given for one in _spread(value)]
    return f"{path}?{urlencode(pairs, quote_via=quote)}" if pairs else path


def _spread(value: Any) -> Sequence[Any]:
    if isinstance(value, (list, tuple)):
        return value
    return [("true" if value else "false") if isinstance(value, bool) else value]


def link_session(session_id: str, **arguments: Any) -> str:
    """Return the link to a session. Browsers take dots alone for a way up, also quoted: then it is the list of one."""
    if not session_id.strip("."):
        return link_page("/sessions", session_id=session_id)
    return link_page(f"/sessions/{_quote(session_id)}", **arguments)


def link_share(session_id: str, *, in_api: bool = False) -> str:
    """Return the link to the page that asks how a session is shared, or to what answers with it. An id of dots alone
    has none: the link leads to the session."""
    if not session_id.strip("."):
        return link_session(session_id)
    return f"{'/api/v1' if in_api else ''}/sessions/{_quote(session_id)}/share"


def link_marks(name: str, id: str) -> str | None:
    """Return where the form that marks a session or a trace is sent; None: no path can name it. `name` is the list."""
    return f"/{name}/{_quote(id)}/marks" if id.strip(".") else None


def link_trace(trace_id: str, **arguments: Any) -> str:
    """Return the link to a trace; `span` opens one of its spans."""
    return link_page(f"/traces/{_quote(trace_id)}", **arguments)


def link_call(row: int, **arguments: Any) -> str:
    """Return the link to a model call, by the `id` of its row."""
    return link_page(f"/calls/{row}", **arguments)


def link_series(name: str, **arguments: Any) -> str:
    """Return the link to a metric over time. A name of dots alone, or none, has no path: it is looked for in the list
    of metrics."""
    if not name.strip("."):
        return link_page("/series", q=name or None)
    return link_page(f"/series/{_quote(name)}", **arguments)


def change_link(path: str, arguments: Mapping[str, Any], /, **changes: Any) -> str:
    """Return the link to a page with other arguments than those it was asked with."""
    return link_page(path, **{**arguments, **changes})


def _quote(id: str) -> str:
    """Return an id as one segment of a path."""
    return quote(id.encode("utf-8", "surrogatepass"), safe="")
