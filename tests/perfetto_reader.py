# SPDX-License-Identifier: Apache-2.0
"""Reads a Perfetto trace as a trace processor does: packets by Google's protobuf library, events by their times, and
slices by a stack for each track. The field numbers are those of Perfetto's own .proto files."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.unknown_fields import UnknownFieldSet

_TYPES = {
    "uint64": descriptor_pb2.FieldDescriptorProto.TYPE_UINT64,
    "fixed64": descriptor_pb2.FieldDescriptorProto.TYPE_FIXED64,
    "int64": descriptor_pb2.FieldDescriptorProto.TYPE_INT64,
    "int32": descriptor_pb2.FieldDescriptorProto.TYPE_INT32,
    "uint32": descriptor_pb2.FieldDescriptorProto.TYPE_UINT32,
    "bool": descriptor_pb2.FieldDescriptorProto.TYPE_BOOL,
    "double": descriptor_pb2.FieldDescriptorProto.TYPE_DOUBLE,
    "string": descriptor_pb2.FieldDescriptorProto.TYPE_STRING,
}
_MESSAGES = {
    "Trace": ["packet 1 TracePacket*"],
    "TracePacket": [
        *("clock_snapshot 6 ClockSnapshot", "timestamp 8 uint64", "trusted_packet_sequence_id 10 uint32"),
        *("track_event 11 TrackEvent", "sequence_flags 13 uint32", "track_descriptor 60 TrackDescriptor"),
    ],
    "ClockSnapshot": ["clocks 1 Clock*"],
    "Clock": ["clock_id 1 uint32", "timestamp 2 uint64"],
    "TrackDescriptor": ["uuid 1 uint64", "name 2 string", "process 3 ProcessDescriptor", "parent_uuid 5 uint64"],
    "ProcessDescriptor": ["pid 1 int32", "process_name 6 string"],
    "TrackEvent": [
        *("debug_annotations 4 DebugAnnotation*", "type 9 int32", "track_uuid 11 uint64", "categories 22 string*"),
        *("name 23 string", "flow_ids 47 fixed64*"),
    ],
    "DebugAnnotation": [
        *("bool_value 2 bool", "int_value 4 int64", "double_value 5 double", "string_value 6 string", "name 10 string"),
    ],
}


@dataclass
class Slice:
    """A span as it is drawn. `end` is None if it has none; `above` is the slice that it stands below."""

    name: str
    process: str
    lane: str
    start: int
    end: int | None
    category: str
    arguments: dict[str, Any]
    flows: list[int]
    above: Slice | None
    instants: list[tuple[int, str, dict[str, Any]]] = field(default_factory=list)


def read_slices(content: bytes) -> list[Slice]:
    """Return the slices of a trace, in the order of their starts; each end must have a begin."""
    packets = _parse(content)
    tracks = {
        packet.track_descriptor.uuid: packet.track_descriptor for packet in packets if packet.track_descriptor.uuid
    }
    events = [packet for packet in packets if packet.HasField("track_event")]
    assert all(packet.trusted_packet_sequence_id == 1 for packet in packets)
    assert [clock.clock_id for clock in packets[0].clock_snapshot.clocks] == [1, 6]
    slices: list[Slice] = []
    stacks: dict[int, list[Slice]] = {}
    for packet in sorted(events, key=lambda packet: packet.timestamp):
        event = packet.track_event
        stack = stacks.setdefault(event.track_uuid, [])
        if event.type == 2:
            stack.pop().end = packet.timestamp
            continue
        arguments = {one.name: _read_value(one) for one in event.debug_annotations}
        if event.type == 3:
            if stack:
                stack[-1].instants.append((packet.timestamp, event.name, arguments))
            continue
        lane = tracks[event.track_uuid]
        process = tracks[lane.parent_uuid].process
        assert process.pid > 0
        stack.append(
            Slice(
                *(event.name, process.process_name, lane.name, packet.timestamp, None, event.categories[0], arguments),
                *(list(event.flow_ids), stack[-1] if stack else None),
            )
        )
        slices.append(stack[-1])
    return slices


def _parse(content: bytes) -> list[Any]:
    trace = _make_class()()
    trace.ParseFromString(content)
    _refuse_unknown(trace)
    return list(trace.packet)


def _refuse_unknown(message: Any) -> None:
    assert len(UnknownFieldSet(message)) == 0
    for known, value in message.ListFields():
        if known.message_type is not None:
            for one in value if isinstance(value, (list, tuple)) or hasattr(value, "append") else [value]:
                _refuse_unknown(one)


def _read_value(annotation: Any) -> Any:
    return next(value for known, value in annotation.ListFields() if known.name.endswith("_value"))


def _make_class() -> Any:
    file = descriptor_pb2.FileDescriptorProto(name="perfetto_reader.proto", package="perfetto_reader", syntax="proto2")
    for name, fields in _MESSAGES.items():
        message = file.message_type.add(name=name)
        for text in fields:
            known, number, type_ = text.split()
            label = 3 if type_.endswith("*") else 1
            one = message.field.add(name=known, number=int(number), label=label)
            if type_.rstrip("*") in _TYPES:
                one.type = _TYPES[type_.rstrip("*")]
            else:
                one.type = descriptor_pb2.FieldDescriptorProto.TYPE_MESSAGE
                one.type_name = f".perfetto_reader.{type_.rstrip('*')}"
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("perfetto_reader.Trace"))
