# SPDX-License-Identifier: Apache-2.0
"""The levels that messages of all signals have: groups of a resource, of a scope, and what is in these. A part that
cannot be read costs itself. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal, NamedTuple

from otel_sqlite_exporter.model.signals import ResourceFields, ScopeFields
from otel_sqlite_exporter.otlp import message_kinds as kinds
from otel_sqlite_exporter.otlp.alterations import Alterations
from otel_sqlite_exporter.otlp.message_fields import MessageFields


class UnreadableRecord(NamedTuple):
    """A part of a message that cannot be read, and the reason, which quotes nothing of it. `kind` is what is wrong."""

    content: Any
    reason: str
    kind: Literal["record", "holder", "ids"] = "record"


class SignalParts(NamedTuple):
    """How a signal names its levels: the field of its groups, their kind, the field of their scopes, the kind of these,
    and the field of what they hold."""

    top: str
    group: kinds.MessageKind
    middle: str
    scoped: kinds.MessageKind
    bottom: str


def list_scopes(
    message: MessageFields, signal: SignalParts
) -> Iterator[tuple[list[Any], ResourceFields | None, ScopeFields | None]]:
    """Yield what each scope of a message holds, with the resource and the scope. An `UnreadableRecord` stands for what
    cannot be read."""
    for group in list_items(message, signal.top):
        fields = open_part(group, signal.group, message.alterations)
        if isinstance(fields, UnreadableRecord):
            yield [fields._replace(kind="holder")], None, None
            continue
        resource = _decode_resource(fields)
        for scoped in list_items(fields, signal.middle):
            inner = open_part(scoped, signal.scoped, message.alterations)
            if isinstance(inner, UnreadableRecord):
                yield [inner._replace(kind="holder")], resource, None
                continue
            yield list_items(inner, signal.bottom), resource, _decode_scope(inner)


def list_items(holder: MessageFields, field: str) -> list[Any]:
    """Return the items of a list, or what cannot be a list as the one item."""
    items = holder.read_raw(field)
    if items is None or isinstance(items, list):
        return items or []
    return [UnreadableRecord(items, f"it cannot be read: {field} is a list", "holder")]


def open_part(values: Any, kind: kinds.MessageKind, alterations: Alterations) -> MessageFields | UnreadableRecord:
    """Return the fields of a message, or why it has none."""
    if isinstance(values, UnreadableRecord):
        return values
    try:
        return MessageFields(values, kind, alterations)
    except ValueError as error:
        return UnreadableRecord(values, f"it cannot be read: {error}")


def _decode_resource(group: MessageFields) -> ResourceFields:
    held = group.read_raw("resource")
    if type(held) is ResourceFields:
        return held
    resource = group.read_message("resource", kinds.RESOURCE)
    attributes = resource.read_attributes() if resource else {}
    return ResourceFields(attributes, group.read_text("schemaUrl") or "")


def _decode_scope(scoped: MessageFields) -> ScopeFields | None:
    held = scoped.read_raw("scope")
    if type(held) is ScopeFields:
        return held
    scope = scoped.read_message("scope", kinds.SCOPE)
    if scope is None:
        return None
    name, version = scope.read_text("name") or "", scope.read_text("version")
    return ScopeFields(name, version, scoped.read_text("schemaUrl") or "", scope.read_attributes())
