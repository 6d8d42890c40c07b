# SPDX-License-Identifier: Apache-2.0
"""Chooses the encoder of spans: the compiled one where it is installed and not switched off, else the one in Python.
Both give the same rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from otel_sqlite_exporter.encode.spans import SpanEncoder
from otel_sqlite_exporter.genai.rules import Rules
from otel_sqlite_exporter.model.rows import EncodedSpan
from otel_sqlite_exporter.native.core_state import load_compiled


class EncodesSpans(Protocol):
    """An encoder of spans."""

    def encode_span(self, span: Any, arrival_time_unix_nano: int, *, is_open: bool = False) -> EncodedSpan:
        """Return `span` as rows: see `SpanEncoder.encode_span`."""


def make_span_encoder(session_attributes: Sequence[str], rules: Rules | None = None) -> EncodesSpans:
    """Return an encoder for one exporter: of the SDK's spans, and of `SpanFields`. The parameters are those of
    `SpanEncoder`."""
    encoder = SpanEncoder(session_attributes, rules)
    native = load_compiled("span_encoder")
    made: EncodesSpans = encoder if native is None else native.NativeSpanEncoder(encoder)
    return made
