# SPDX-License-Identifier: Apache-2.0
"""Reads messages of OTLP's protobuf encoding as the JSON encoding has them. Pure.

Source: opentelemetry-proto, `trace.proto`, `logs.proto` and `metrics.proto`. The JSON form is that of OTLP, which
`otlp_decoder` reads too.
"""

from __future__ import annotations

import base64
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cache, partial
from itertools import islice
from typing import Any, NamedTuple

from otel_sqlite_exporter.errors import MissingPackageError
from otel_sqlite_exporter.native.core_state import load_compiled

_OLD_SCOPES = 1000  # the field of scopes in the versions that renamed it; before and since then it is 2
_OLD = "deprecated_"
_NAMES = ("trace.v1.TracesData", "logs.v1.LogsData", "metrics.v1.MetricsData")
_SIGNALS = ("traces", "logs", "metrics")
_TOPS = ("resourceSpans", "resourceLogs", "resourceMetrics")
_SCOPES = _RECORDS = 2  # their fields in a group, and in a scope
_MESSAGE_BYTES, _MOST_BYTES = 400, 2**62
_MOST_UNKNOWN_BYTES = 1 << 20  # to name a field that the package does not know takes 200 bytes for one of two
_IDS = {"traceId": 16, "spanId": 8, "parentSpanId": 8}
_PACKAGE = "opentelemetry.proto."


class TooManyMessagesError(ValueError):
    """A message holds more messages than may be read."""


def parse_protobuf(content: bytes, signal: str | None = None, *, most_messages: int = sys.maxsize) -> dict[str, Any]:
    """Return a TracesData, LogsData or MetricsData, or the request of the same form, as parsed JSON: that of `signal`
    (`traces`, `logs` or `metrics`); without it, which it is shows in its records. Bytes of a text that are not UTF-8
    become lone surrogates, as with Python's `surrogateescape`. With the compiled core, usual records are `SpanFields`
    and `LogFields`, and resources and scopes alike: `decode_message` reads both forms. At most `most_messages` that
    are not usual are read, at any depth: one of two bytes takes up to 7 us and 400 bytes. Items of lists count too, and
    what is usual may take the same memory.

    Raises:
        TooManyMessagesError: There are more.
        ValueError: `content` is no such message.
        MissingPackageError: opentelemetry-proto is not installed.
    """
    try:
        from google.protobuf.message import DecodeError

        messages = _load_messages()
    except ImportError as error:
        raise MissingPackageError(
            f"reading OTLP as protobuf needs opentelemetry-proto ({error}): `pip install 'otel-sqlite-exporter[otlp]'`"
        ) from None
    if not content:
        return {_TOPS[_SIGNALS.index(signal or "traces")]: []}
    found = _read_compiled(content, signal, most_messages)
    left = iter(range(most_messages))
    with suppress(DecodeError):
        if found is not None:
            return _read_odd(found, content, left)
    for number, is_one in _SIGNS if signal is None else ((_SIGNALS.index(signal), _is_one),):
        try:
            message = _parse(messages[number], content)
            if is_one(message):
                return _as_json(message, left)
        except DecodeError:
            continue
    raise ValueError(
        "it is no TracesData, LogsData or MetricsData" if signal is None else f"it is no message of {signal}"
    )


def _read_compiled(content: bytes, signal: str | None, most_messages: int) -> Any:
    """Return the `ReadMessage` that compiled code makes of a message; None where it does not, it takes more memory than
    `most_messages` do, or it is not sure that this is what `_SIGNS` would find."""
    compiled = load_compiled("protobuf_records")
    if compiled is None or signal == "metrics":
        return None
    most_bytes = min(most_messages * _MESSAGE_BYTES, _MOST_BYTES)
    if signal is not None:
        return compiled.read_message(content, signal == "logs", most_bytes)
    found = compiled.read_message(content, False, most_bytes)
    if found is None or found.are_told:
        return found
    found = compiled.read_message(content, True, most_bytes)
    return found if found is not None and found.are_told and not found.odd else None


def _read_odd(found: Any, content: bytes, left: Iterator[int]) -> dict[str, Any]:
    """Return a message that compiled code read, with what it did not read."""
    number = _SIGNALS.index("logs" if found.are_logs else "traces")
    if found.odd:
        message = _parse(_load_messages()[number], content)
        for holder, key, place in found.odd:
            holder[key] = _as_json(_find_part(message, *place), left)
    return {_TOPS[number]: found.groups}


def _parse(kind: Any, content: bytes) -> Any:
    """Return a message without the fields that the package does not know, where these are large: they are not stored,
    only named.

    Raises:
        DecodeError: `content` is no message of this kind.
    """
    message = kind.FromString(content)
    size = message.ByteSize()
    message.DiscardUnknownFields()
    is_to_be_named = 0 < size - message.ByteSize() <= _MOST_UNKNOWN_BYTES
    return kind.FromString(content) if is_to_be_named else message


def _find_part(message: Any, group: int, scoped: int | None = None, record: int | None = None) -> Any:
    ((_, groups),) = message.ListFields()
    if scoped is None:
        return groups[group].resource
    inner = next(values for field, values in groups[group].ListFields() if field.number == _SCOPES)[scoped]
    if record is None:
        return inner.scope
    return next(values for field, values in inner.ListFields() if field.number == _RECORDS)[record]


@cache
def _load_messages() -> tuple[Any, ...]:
    """Return the classes of `_NAMES` in which texts are bytes: protobuf refuses a whole message for one text that is
    not UTF-8. The field of old scopes is known too."""
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
    from opentelemetry.proto.logs.v1 import logs_pb2
    from opentelemetry.proto.metrics.v1 import metrics_pb2
    from opentelemetry.proto.trace.v1 import trace_pb2

    pool = descriptor_pool.DescriptorPool()
    for module in (trace_pb2, logs_pb2, metrics_pb2):
        _add_file(pool, module.DESCRIPTOR, descriptor_pb2)
    found = (pool.FindMessageTypeByName(f"{_PACKAGE}{kind}") for kind in _NAMES)
    return tuple(map(message_factory.GetMessageClass, found))


def _add_file(pool: Any, file: Any, descriptor_pb2: Any) -> None:
    for needed in file.dependencies:
        _add_file(pool, needed, descriptor_pb2)
    made = descriptor_pb2.FileDescriptorProto()
    file.CopyToProto(made)
    made.ClearField("options")
    kinds = descriptor_pb2.FieldDescriptorProto
    waiting = list(made.message_type)
    while waiting:
        message = waiting.pop()
        waiting += message.nested_type
        for field in message.field:
            if field.type == kinds.TYPE_STRING:
                field.type = kinds.TYPE_BYTES
                field.options.deprecated = True  # marks it as a text
        if message.name in ("ResourceSpans", "ResourceLogs", "ResourceMetrics"):
            scopes = next(field for field in message.field if field.number == 2)
            old = message.field.add()
            old.CopyFrom(scopes)
            old.name, old.number = f"{_OLD}{scopes.name}", _OLD_SCOPES
            old.ClearField("json_name")
            message.ClearField("reserved_range")
    pool.AddSerializedFile(made.SerializeToString())


class _FieldForm(NamedTuple):
    """How a field of the package is read: its JSON name, whether it is a list or a message, and what makes JSON of its
    value (None: that is the value)."""

    name: str
    is_list: bool
    is_message: bool
    read: Callable[[Any], Any] | None


def _as_json(message: Any, left: Iterator[int]) -> dict[str, Any]:
    """Return the fields that are set, by their JSON names. A field that the package does not know has its number.
    `left` has an item for each message that may be read, and for each item of a list.

    Raises:
        TooManyMessagesError: There are more.
    """
    from google.protobuf.unknown_fields import UnknownFieldSet

    _spend(left, 1)
    unknown: Any = UnknownFieldSet(message)
    found: dict[str, Any] = {f"field {field.field_number}": True for field in unknown} if len(unknown) else {}
    for field, value in message.ListFields():
        form = _forms.get(field) or _learn_form(field, value)
        if form.is_message:
            found[form.name] = [_as_json(item, left) for item in value] if form.is_list else _as_json(value, left)
        elif form.is_list:
            _spend(left, len(value))
            found[form.name] = list(value) if form.read is None else [*map(form.read, value)]
        else:
            found[form.name] = value if form.read is None else form.read(value)
    return found


_forms: dict[Any, _FieldForm] = {}


def _learn_form(field: Any, value: Any) -> _FieldForm:
    """Return how a field is read, which has this value."""
    is_message = field.message_type is not None
    is_list = not isinstance(value, (bytes, str, int, float)) and not hasattr(value, "ListFields")
    read: Callable[[Any], Any] | None = None
    if not is_message and field.type == field.TYPE_BYTES:
        size = _IDS.get(field.json_name)
        read = _read_text if field.GetOptions().deprecated else _read_bytes if size is None else partial(_read_id, size)
    form = _forms[field] = _FieldForm(field.json_name, is_list, is_message, read)
    return form


def _spend(left: Iterator[int], number: int) -> None:
    if number and next(islice(left, number - 1, None), None) is None:
        raise TooManyMessagesError("it holds too many messages")


def _read_text(value: bytes) -> str:
    return value.decode("utf-8", "surrogateescape")


def _read_bytes(value: bytes) -> str:
    return base64.b64encode(value).decode()


def _read_id(size_bytes: int, value: bytes) -> str:
    return value.hex() if len(value) == size_bytes else _read_bytes(value)


def _is_one(_: Any) -> bool:
    return True


# The three messages have the same fields down to their records, and protobuf passes over a field of another type than
# expected: the name of a metric can be read as a trace id, and its numbers as the body of a log record. So they are
# distinguished by what only the records of one of them have, the surest first.
def _holds_timed_spans(message: Any) -> bool:
    spans = _list_spans(message)
    if not spans:
        groups = message.resource_spans
        return not any(map(_has_unknown_fields, (*groups, *_list_scopes(groups, "scope_spans"))))
    return any(span.start_time_unix_nano or span.end_time_unix_nano for span in spans)


def _holds_measured_metrics(message: Any) -> bool:
    return any(metric.name and metric.WhichOneof("data") for metric in _list_metrics(message))


def _holds_identified_spans(message: Any) -> bool:
    return any(len(span.trace_id) == 16 and len(span.span_id) == 8 for span in _list_spans(message))


def _holds_logs(message: Any) -> bool:
    logs = [log for scoped in _list_scopes(message.resource_logs, "scope_logs") for log in scoped.log_records]
    return any(
        log.time_unix_nano or log.observed_time_unix_nano or log.HasField("body") or log.attributes for log in logs
    )


def _holds_metrics(message: Any) -> bool:
    return any(metric.name or metric.WhichOneof("data") for metric in _list_metrics(message))


_SIGNS = (
    (0, _holds_timed_spans),
    (2, _holds_measured_metrics),
    (0, _holds_identified_spans),
    (1, _holds_logs),
    (2, _holds_metrics),
)
"""Places in `_NAMES`, and what shows that a message is of that kind."""


def _list_spans(message: Any) -> list[Any]:
    return [span for scoped in _list_scopes(message.resource_spans, "scope_spans") for span in scoped.spans]


def _list_metrics(message: Any) -> list[Any]:
    return [metric for scoped in _list_scopes(message.resource_metrics, "scope_metrics") for metric in scoped.metrics]


def _list_scopes(groups: Any, field: str) -> list[Any]:
    return [scoped for group in groups for name in (field, _OLD + field) for scoped in getattr(group, name)]


def _has_unknown_fields(message: Any) -> bool:
    from google.protobuf.unknown_fields import UnknownFieldSet

    unknown: Any = UnknownFieldSet(message)
    return len(unknown) > 0
