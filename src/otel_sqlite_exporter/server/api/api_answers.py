# SPDX-License-Identifier: Apache-2.0
"""What a route answers, and the envelope in which it is sent."""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import orjson

_PIECE_BYTES = 64 * 1024
_FASTEST = 1  # a higher level saves a tenth of the bytes, and takes four times as long
_GZIP = 16 + zlib.MAX_WBITS
_UNSAFE, _LONGEST_NAME = re.compile(r"[^A-Za-z0-9]+"), 60
_ZERO = re.compile(r"q\s*=\s*0(\.0*)?")


class DataAnswer(NamedTuple):
    """An answer in the envelope.

    Attributes:
        data: What was asked for, ready to be written as JSON.
        next_cursor: Gives the next page; None: this is the last.
        total: The number of rows on all pages; None: not counted.
        truncated: Something was left out: further pages, or what a bound cut off.
        note: A sentence on what was left out.
    """

    data: Any
    next_cursor: str | None = None
    total: int | None = None
    truncated: bool = False
    note: str | None = None


class StreamedAnswer(NamedTuple):
    """An answer without an envelope, sent piece by piece. The file is read anew for each piece."""

    media_type: str
    pieces: Iterator[bytes]
    filename: str | None = None


ApiAnswer = DataAnswer | StreamedAnswer


def encode_answer(answer: DataAnswer, took_ms: float) -> list[bytes]:
    """Return the envelope as JSON, in pieces of the members of `data` if it is an object."""
    rest = {
        "next_cursor": answer.next_cursor,
        "total": answer.total,
        "truncated": answer.truncated,
        "took_ms": round(took_ms, 3),
        **({} if answer.note is None else {"note": answer.note}),
    }
    if isinstance(answer.data, Mapping) and answer.data:
        members = [encode_json(name) + b":" + encode_json(value) for name, value in answer.data.items()]
        data = [b"{" + members[0], *(b"," + member for member in members[1:]), b"}"]
    else:
        data = [encode_json(answer.data)]
    return [b'{"data":' + data[0], *data[1:], b"," + encode_json(rest)[1:]]


def encode_json(value: Any) -> bytes:
    """Return JSON; infinities and NaN, which it lacks, become null. Integers are written as they are, also beyond the
    53 bits that JavaScript reads exactly."""
    try:
        return orjson.dumps(value)
    except orjson.JSONEncodeError:  # deeper than 254 levels
        text = json.dumps(value, separators=(",", ":"))
        return json.dumps(json.loads(text, parse_constant=lambda constant: None), separators=(",", ":")).encode()


def cut_pieces(parts: list[bytes]) -> Iterator[bytes]:
    """Yield the bytes of all parts in pieces of bounded size."""
    for part in parts:
        for start in range(0, len(part), _PIECE_BYTES):
            yield part[start : start + _PIECE_BYTES]


def accepts_gzip(accepted: str) -> bool:
    """Return whether a client takes gzip, by its `Accept-Encoding` (RFC 9110, 12.5.3)."""
    for one in accepted.lower().split(","):
        name, _, weight = one.partition(";")
        if name.strip() in ("gzip", "x-gzip", "*"):
            return not _ZERO.fullmatch(weight.strip())
    return False


def pack_parts(parts: list[bytes]) -> bytes:
    """Return the bytes of all parts, packed with gzip."""
    packer = zlib.compressobj(_FASTEST, wbits=_GZIP)
    return b"".join((*map(packer.compress, parts), packer.flush()))


def name_file(of: str, session_id: str | None = None, trace_id: str | None = None) -> str:
    """Return the name of a file that a client is to write, without its ending: what it is of, with the session or the
    trace. Only letters and digits of an id are kept, 60 at most."""
    for kind, id in (("trace", trace_id), ("session", session_id)):
        safe = _UNSAFE.sub("-", id)[:_LONGEST_NAME].strip("-") if id else ""
        if safe:
            return f"{of}-{kind}-{safe}"
    return of
