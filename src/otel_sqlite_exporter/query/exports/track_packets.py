# SPDX-License-Identifier: Apache-2.0
"""The packets of a Perfetto trace, in its own form of protobuf: TrackEvent. Pure.

Sources: Perfetto, `protos/perfetto/trace/trace_packet.proto`, `clock_snapshot.proto`, and below `track_event/`,
`track_descriptor.proto`, `process_descriptor.proto`, `track_event.proto` and `debug_annotation.proto`. Names are
written in each packet: what a viewer keeps does not depend on it, and a file that is cut short can be read up to there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

from otel_sqlite_exporter.otlp.protobuf_fields import (
    bytes_field,
    double_field,
    fixed64_field,
    number_field,
    text_field,
)

Argument = str | int | float | bool
_PACKET = 1
_CLOCK_SNAPSHOT, _TIMESTAMP, _SEQUENCE, _TRACK_EVENT, _SEQUENCE_FLAGS, _DESCRIPTOR = 6, 8, 10, 11, 13, 60
_STATE_CLEARED = 1
_CLOCK, _CLOCK_ID, _CLOCK_TIME = 1, 1, 2
_REALTIME, _BOOTTIME = 1, 6
"""Clocks. Times of packets are those of the second; a viewer shows the first beside it."""
_TRACK, _TRACK_NAME, _TRACK_PROCESS, _TRACK_PARENT = 1, 2, 3, 5
_PROCESS_ID, _PROCESS_NAME = 1, 6
_ANNOTATION, _TYPE, _OF_TRACK, _CATEGORY, _NAME, _FLOW = 4, 9, 11, 22, 23, 47
_BEGIN, _END, _INSTANT = 1, 2, 3
_BOOLEAN, _INTEGER, _DOUBLE, _TEXT, _ANNOTATION_NAME = 2, 4, 5, 6, 10
_ONE_SEQUENCE = number_field(_SEQUENCE, 1)
_LARGEST, _SMALLEST = 2**63 - 1, -(2**63)


def write_clocks(time_unix_nano: int) -> bytes:
    """Return the first packet: it says that times are those of the day."""
    time = number_field(_CLOCK_TIME, max(time_unix_nano, 0))
    clocks = (number_field(_CLOCK_ID, clock) + time for clock in (_REALTIME, _BOOTTIME))
    snapshot = b"".join(bytes_field(_CLOCK, clock) for clock in clocks)
    return _pack(number_field(_SEQUENCE_FLAGS, _STATE_CLEARED) + bytes_field(_CLOCK_SNAPSHOT, snapshot))


def write_process(track: int, number: int, name: str) -> bytes:
    """Return what a process is called. Lanes are tracks below its own."""
    process = number_field(_PROCESS_ID, number) + text_field(_PROCESS_NAME, name)
    return _describe(number_field(_TRACK, track) + bytes_field(_TRACK_PROCESS, process))


def write_lane(track: int, parent: int, name: str) -> bytes:
    """Return what a lane is called."""
    return _describe(number_field(_TRACK, track) + number_field(_TRACK_PARENT, parent) + text_field(_TRACK_NAME, name))


def write_begin(
    time: int, track: int, name: str, category: str, arguments: Mapping[str, Argument], flows: Sequence[int]
) -> bytes:
    """Return the begin of a slice. Events that have a flow in common are connected by an arrow."""
    head = number_field(_TYPE, _BEGIN) + number_field(_OF_TRACK, track) + text_field(_CATEGORY, category)
    flow_fields = b"".join(fixed64_field(_FLOW, flow) for flow in flows)
    return _time(time, head + text_field(_NAME, name) + flow_fields + _annotate(arguments))


def write_instant(time: int, track: int, name: str, arguments: Mapping[str, Argument]) -> bytes:
    """Return an event without a duration."""
    head = number_field(_TYPE, _INSTANT) + number_field(_OF_TRACK, track)
    return _time(time, head + text_field(_NAME, name) + _annotate(arguments))


def write_end(time: int, track: int) -> bytes:
    """Return the end of the slice that began last on a track and has not ended."""
    return _time(time, number_field(_TYPE, _END) + number_field(_OF_TRACK, track))


def _annotate(arguments: Mapping[str, Argument]) -> bytes:
    return b"".join(_annotations(arguments.items()))


def _annotations(arguments: Iterable[tuple[str, Argument]]) -> Iterable[bytes]:
    for name, value in arguments:
        yield bytes_field(_ANNOTATION, _name_annotation(name) + _write_value(value))


@lru_cache(512)
def _name_annotation(name: str) -> bytes:
    return text_field(_ANNOTATION_NAME, name)


def _write_value(value: Argument) -> bytes:
    if isinstance(value, bool):
        return number_field(_BOOLEAN, value)
    if isinstance(value, int):
        is_small = _SMALLEST <= value <= _LARGEST
        return number_field(_INTEGER, value) if is_small else text_field(_TEXT, str(value))
    return double_field(_DOUBLE, value) if isinstance(value, float) else text_field(_TEXT, value)


def _time(time: int, event: bytes) -> bytes:
    return _pack(number_field(_TIMESTAMP, max(time, 0)) + bytes_field(_TRACK_EVENT, event))


def _describe(descriptor: bytes) -> bytes:
    return _pack(bytes_field(_DESCRIPTOR, descriptor))


def _pack(packet: bytes) -> bytes:
    return bytes_field(_PACKET, _ONE_SEQUENCE + packet)
