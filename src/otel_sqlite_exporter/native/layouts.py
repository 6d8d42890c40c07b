# SPDX-License-Identifier: Apache-2.0
"""Whether the private fields of the SDK's objects are what their public properties give.

The native encoder reads the fields, because a property runs Python code. No version of the SDK promises them. So an
object without data is made of each class, its fields are filled, and its properties are asked. That tells nothing of a
class that hides some values only, so the classes of users are not taken. Pure.
"""

from __future__ import annotations

from collections import deque
from threading import Lock
from typing import Any

from otel_sqlite_exporter.model.values import copy_attributes

_SPAN_FIELDS = (
    *("context", "name", "parent", "start_time", "end_time", "kind", "status", "resource", "instrumentation_scope"),
)
_CONTEXT_FIELDS = ("trace_id", "span_id", "is_remote", "trace_flags", "trace_state")
_GETTERS: tuple[Any, ...] = (object.__getattribute__, tuple.__getattribute__)
_DROPPED = 7
_SOURCES = frozenset(("opentelemetry", "otel_sqlite_exporter", "builtins", "abc", "collections", "typing"))


def shows_span_fields(kind: type, attributes: type, events: type, links: type) -> bool:
    """Whether spans of this class, with containers of these classes, have the fields that the encoder reads."""
    try:
        if not _are_no_users(kind, attributes, events, links):
            return False
        span, expected = _fill(kind, _SPAN_FIELDS)
        value, event, link = object(), object(), object()
        span._attributes, dropped_attributes = _make_attributes(attributes, value)
        span._events, dropped_events = _make_list(events, event)
        span._links, dropped_links = _make_list(links, link)
        shown = copy_attributes(span.attributes)
        return (
            _shows(span, expected)
            and shown == ({} if attributes is type(None) else {"key": value})
            and (tuple(span.events), tuple(span.links)) == ((event,), (link,))
            and (span.dropped_attributes, span.dropped_events, span.dropped_links)
            == (dropped_attributes, dropped_events, dropped_links)
        )
    except Exception:
        return False


def shows_event_fields(kind: type, attributes: type) -> bool:
    """Whether events of this class, with attributes of that class, have the fields that the encoder reads."""
    try:
        if not _are_no_users(kind, attributes):
            return False
        event, expected = _fill(kind, ("name", "timestamp"))
        value = object()
        event._attributes, dropped = _make_attributes(attributes, value)
        shown = copy_attributes(event.attributes)
        return (
            _shows(event, expected)
            and shown == ({} if attributes is type(None) else {"key": value})
            and event.dropped_attributes == dropped
        )
    except Exception:
        return False


def shows_status_fields(kind: type) -> bool:
    """Whether statuses of this class have the fields that the encoder reads."""
    try:
        return _are_no_users(kind) and _shows(*_fill(kind, ("status_code", "description")))
    except Exception:
        return False


def shows_context_fields(kind: type) -> bool:
    """Whether span contexts of this class are tuples whose first items are their properties."""
    try:
        items = tuple(object() for _ in (*_CONTEXT_FIELDS, "is_valid"))
        context: Any = tuple.__new__(kind, items)
        shown = [getattr(context, name) for name in _CONTEXT_FIELDS]
        getter: Any = kind.__getattribute__
        return _are_no_users(kind) and getter in _GETTERS and all(a is b for a, b in zip(shown, items, strict=False))
    except Exception:
        return False


def is_plain_integer(kind: type) -> bool:
    """Whether integers of this class are read and compared as those of `int`."""
    names = ("__int__", "__index__", "__le__", "__ge__", "__lt__", "__gt__", "__bool__")
    return issubclass(kind, int) and all(getattr(kind, name) is getattr(int, name) for name in names)


def _are_no_users(*kinds: type) -> bool:
    """Whether none of these classes, and none that they inherit from, is a user's."""
    return all(base.__module__.partition(".")[0] in _SOURCES for kind in kinds for base in kind.__mro__)


def _fill(kind: type, names: tuple[str, ...]) -> tuple[Any, dict[str, Any]]:
    getter: Any = kind.__getattribute__
    if getter is not object.__getattribute__ or hasattr(kind, "__getattr__"):
        raise TypeError("this class gives attributes that it does not have")
    made: Any = object.__new__(kind)
    fields = {name: object() for name in names}
    for name, value in fields.items():
        setattr(made, f"_{name}", value)
    return made, fields


def _shows(made: Any, fields: dict[str, Any]) -> bool:
    return all(getattr(made, name) is value and getattr(made, f"_{name}") is value for name, value in fields.items())


def _make_attributes(kind: type, value: Any) -> tuple[Any, int]:
    """Return attributes with one value, and how many are dropped."""
    if kind is type(None):
        return None, 0
    if kind is dict:
        return {"key": value}, 0
    made: Any = object.__new__(kind)
    made._dict, made.dropped, made._lock, made._immutable = {"key": value}, _DROPPED, Lock(), False
    return made, _DROPPED


def _make_list(kind: type, item: Any) -> tuple[Any, int]:
    """Return a list of events or links with one item, and how many are dropped."""
    if kind is tuple or kind is list:
        return kind((item,)), 0
    made: Any = object.__new__(kind)
    made._dq, made.dropped, made._lock = deque((item,)), _DROPPED, Lock()
    return made, _DROPPED
