# SPDX-License-Identifier: Apache-2.0
"""The settings that only the span processor has, declared as those of `settings` are."""

# Without `from __future__ import annotations`: see `settings`.

from typing import Annotated, NamedTuple

from otel_sqlite_exporter import parsing
from otel_sqlite_exporter.declarations import Setting
from otel_sqlite_exporter.settings import SettingKeywords

_parse_ms = parsing.number_of("milliseconds")
_parse_spans = parsing.number_of("spans", smallest=1)


class ProcessorKeywords(SettingKeywords, total=False):
    """The keywords of the span processor, next to `path`, and the types that they accept. None means unset."""

    open_delay_ms: int | None
    schedule_delay_ms: int | None
    idle_delay_ms: int | None
    queue_size: int | None
    batch_size: int | None
    queue_wait_ms: int | None


class ProcessorSettings(NamedTuple):
    """The settings that only the span processor has."""

    open_delay_ms: Annotated[
        int, Setting(250, _parse_ms, "Milliseconds after which a span that still runs is written.")
    ]
    schedule_delay_ms: Annotated[
        int,
        Setting(
            1_000,
            _parse_ms,
            "The longest time, in milliseconds, that an ended span waits for its batch while other spans end.",
        ),
    ]
    idle_delay_ms: Annotated[
        int,
        Setting(
            100,
            _parse_ms,
            "Milliseconds without the end of another span, after which the spans that wait are written.",
        ),
    ]
    queue_size: Annotated[int, Setting(16_384, _parse_spans, "The most ended spans that may wait.")]
    batch_size: Annotated[int, Setting(512, _parse_spans, "The most spans that are written at once.")]
    queue_wait_ms: Annotated[
        int,
        Setting(
            1_000,
            _parse_ms,
            "The longest time, in milliseconds, that the end of a span waits for room in a full queue. After that, the "
            "span is dropped and counted.",
        ),
    ]
