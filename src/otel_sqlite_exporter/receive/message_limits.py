# SPDX-License-Identifier: Apache-2.0
"""Bounds what a body of a few bytes can cost when it is read: an empty span is two bytes as protobuf, and 500 bytes and
40 us later. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from otel_sqlite_exporter.receive.requests import BadRequestError

MOST_RECORDS = 250_000
MOST_OBJECTS = 2_000_000
_SCOPES_OF_OLD = 1_000
_GROUPS = ((1,), (2, _SCOPES_OF_OLD), (2,))
"""The fields of groups in a message, of scopes in a group, and of what a scope has: alike for all signals."""
_DATA = (5, 7, 9, 10, 11)
_LEVELS = {"traces": _GROUPS, "logs": _GROUPS, "metrics": (*_GROUPS, _DATA, (1,))}
"""A scope has records, or metrics, whose data have points."""


def make_size_error(most: int, what: str) -> BadRequestError:
    """Return the error for a request that has more of something than it may."""
    return BadRequestError(f"the body has more than {most} {what}: send smaller batches")


def check_json(body: bytes) -> None:
    """Look at the body of a request before it is parsed.

    Raises:
        BadRequestError: It has more objects and lists than `MOST_OBJECTS`.
    """
    if len(body) > MOST_OBJECTS and body.count(b"{") + body.count(b"[") > MOST_OBJECTS:
        raise make_size_error(MOST_OBJECTS, "objects")


def check_items(body: bytes, message: Any) -> None:
    """Look at the items of the lists in a message, once it is parsed from JSON: texts have commas too.

    Raises:
        BadRequestError: There are more than `MOST_OBJECTS`.
    """
    if body.count(b",") < MOST_OBJECTS:
        return
    items, waiting = 0, [message]
    while waiting:
        holder = waiting.pop()
        items += len(holder) if isinstance(holder, list) else 0
        if items > MOST_OBJECTS:
            raise make_size_error(MOST_OBJECTS, "objects")
        held = holder.values() if isinstance(holder, dict) else holder
        waiting += [one for one in held if isinstance(one, (dict, list))]


def check_protobuf(body: bytes, signal: str) -> None:
    """Look at the body of a request before it is parsed: 0.9 us a field. One that is cut short is for the parser.

    Raises:
        BadRequestError: It has more groups, scopes, metrics and records than `MOST_RECORDS`, or they have more fields
            besides than `MOST_OBJECTS`.
    """
    if len(body) > 2 * MOST_RECORDS:
        parts = 0
        for number, is_part in enumerate(_find_fields(body, 0, len(body), _LEVELS[signal]), 1):
            parts += is_part
            check_records(parts)
            if number > MOST_OBJECTS:
                raise make_size_error(MOST_OBJECTS, "objects")


def check_records(number: int) -> None:
    """Look at the number of records of a request.

    Raises:
        BadRequestError: There are more than `MOST_RECORDS`.
    """
    if number > MOST_RECORDS:
        raise make_size_error(MOST_RECORDS, "records")


def _find_fields(body: bytes, place: int, end: int, levels: Sequence[Sequence[int]]) -> Iterator[bool]:
    """Yield for each field between two places that is not one of a record: whether it is a group, scope, metric or
    record. `levels` are the fields of these."""
    wanted, *inner = levels
    while place < end:
        tag, place = _read_number(body, place)
        kind = tag & 7
        is_part = kind == 2 and tag >> 3 in wanted
        yield is_part and wanted is not _DATA
        if kind == 2:
            size, place = _read_number(body, place)
            if is_part and inner:
                yield from _find_fields(body, place, min(place + size, end), inner)
            place += size
        elif kind == 0:
            _, place = _read_number(body, place)
        else:
            place += 8 if kind == 1 else 4 if kind == 5 else end


def _read_number(body: bytes, place: int) -> tuple[int, int]:
    """Return the number that begins at a place, and where it ends."""
    number = shift = 0
    for byte in body[place : place + 10]:
        place += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number, place
        shift += 7
    return number, len(body)
