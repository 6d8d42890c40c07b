# SPDX-License-Identifier: Apache-2.0
"""Encodes records of another file by the rules in force: as exported ones are, but with the notes of repaired, cut and
estimated values that their rows have."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from otel_sqlite_exporter.encode.logs import LogEncoder
from otel_sqlite_exporter.encode.open_spans import ESTIMATED, OPEN
from otel_sqlite_exporter.encode.sessions import USER_ATTRIBUTES
from otel_sqlite_exporter.encode.span_encoders import make_span_encoder
from otel_sqlite_exporter.genai.rules import extend_rules
from otel_sqlite_exporter.imports.merging.source_rows import PartNamings, SourceLog, SourceSpan, SpanPage
from otel_sqlite_exporter.model.caches import remember
from otel_sqlite_exporter.model.origin_rows import ResourceRow, ScopeRow
from otel_sqlite_exporter.model.rows import (
    NO_INTERACTIONS,
    EncodedLog,
    EncodedSpan,
    EventRow,
    LinkRow,
    Naming,
    SpanRow,
    make_row,
)
from otel_sqlite_exporter.model.signals import ResourceFields, ScopeFields
from otel_sqlite_exporter.model.values import LARGEST, decode_attributes
from otel_sqlite_exporter.redact.redacted_signals import make_span_redactor
from otel_sqlite_exporter.settings import Settings
from otel_sqlite_exporter.write.stored.stored_records import decode_log_row, decode_span_rows

_Origin = tuple[ResourceFields, ScopeFields | None]
_BEFORE_ALL = -1
_WEAKEST = Naming(LARGEST, 1, LARGEST, "", "")


class CopiedSpan:
    """A span of a source, encoded. `start` is the version of it that ran, if it was written before it ended. A span
    whose process ended first is a running one that `cut_short` ends at this time."""

    __slots__ = ("cut_short", "part", "source_id", "span", "start")

    def __init__(self, source: SourceSpan, span: EncodedSpan, start: EncodedSpan | None, cut_short: int | None) -> None:
        self.source_id, self.part = source.id, source.part
        self.span, self.start, self.cut_short = span, start, cut_short


class RecordCopier:
    """Encodes for the file of `settings`, redacted as these say."""

    def __init__(self, settings: Settings) -> None:
        self._session_attributes = settings.session_attributes
        self._redactor = make_span_redactor(settings)
        self.is_redacting = self._redactor is not None
        rules = extend_rules(settings.dialects)
        self._encode_span = make_span_encoder(settings.session_attributes, rules).encode_span
        self._encode_log = LogEncoder(settings.session_attributes, rules).encode_log
        # One object for each, as encoding caches them by identity.
        self._origins: dict[tuple[str, str | None], _Origin] = {}

    def copy_span(self, span: SourceSpan) -> CopiedSpan:
        """Return a span encoded.

        Raises:
            ValueError, TypeError: A value of a damaged source cannot be read.
        """
        row, start, cut_short = span.row, None, None
        is_open = row.end_time_source == OPEN
        if row.end_time_source == ESTIMATED:
            is_open, cut_short = True, row.end_time_unix_nano
        encoded = self._copy(span, row, span.events, span.links, is_open=is_open)
        if span.start is not None and not is_open:
            text, types = span.start
            started = row._replace(attributes=text, attribute_types=types)
            start = self._copy(span, started, (), (), is_open=True)
        return CopiedSpan(span, encoded, start, cut_short)

    def _copy(
        self, span: SourceSpan, row: SpanRow, events: Sequence[EventRow], links: Sequence[LinkRow], *, is_open: bool
    ) -> EncodedSpan:
        origin = self._find_origin(span.resource, span.scope)
        fields = decode_span_rows(span.trace_id, row, events, links, *origin)
        if self._redactor is not None:
            fields = self._redactor.redact_span(fields)
        encoded = self._encode_span(fields, row.start_time_unix_nano, is_open=is_open)
        end = (row.start_time_unix_nano, OPEN) if is_open else (row.end_time_unix_nano, row.end_time_source)
        if self._redactor is not None:
            kept = encoded.row._replace(start_time_source=row.start_time_source, end_time_source=end[1])
            return encoded._replace(row=kept, repaired=0)
        return encoded._replace(
            row=row._replace(end_time_unix_nano=end[0], end_time_source=end[1]),
            resource=span.resource,
            scope=span.scope,
            # What rules derive of an event is new, and the rest is as stored.
            events=[
                make_row(EventRow, (*new[:2], *stored[2:4], *new[4:7], *stored[7:]))
                for new, stored in zip(encoded.events, events, strict=True)
            ],
            links=links,
            repaired=0,
        )

    def copy_log(self, log: SourceLog) -> EncodedLog:
        """Return a log record encoded.

        Raises:
            ValueError, TypeError: A value of a damaged source cannot be read.
        """
        stored = log.row
        origin = self._find_origin(log.resource, log.scope)
        fields = decode_log_row(log.trace_id, log.span_id, stored, *origin)
        if self._redactor is not None:
            fields = self._redactor.redact_log(fields)
        encoded = self._encode_log(fields, stored.observed_time_unix_nano)
        if self._redactor is not None:
            row = encoded.row._replace(
                time_unix_nano=stored.time_unix_nano,
                observed_time_unix_nano=stored.observed_time_unix_nano,
                time_source=stored.time_source,
            )
            return encoded._replace(row=row, repaired=0)
        new = encoded.row
        row = stored._replace(
            names_session=new.names_session, event_name=new.event_name, recorded_name=new.recorded_name
        )
        return encoded._replace(row=row, resource=log.resource, scope=log.scope, repaired=0)

    def find_lost_namings(self, page: SpanPage, copies: Sequence[CopiedSpan]) -> list[EncodedSpan]:
        """Return spans that stand for versions which the source did not keep, but whose sessions and users it knows.
        They end before `copies`, which are written with them, so no file keeps them either. Where names may have to be
        masked, there are none."""
        if self.is_redacting:
            return []
        by_part: defaultdict[int, list[EncodedSpan]] = defaultdict(list)
        for copy in copies:
            if copy.cut_short is None and not copy.span.is_open:
                by_part[copy.part] += [copy.span] if copy.start is None else [copy.span, copy.start]
        return [
            lost
            for part, spans in by_part.items()
            if (namings := page.namings.get(part)) is not None
            for lost in self._stand_in(namings, spans)
        ]

    def _stand_in(self, namings: PartNamings, spans: Sequence[EncodedSpan]) -> Iterator[EncodedSpan]:
        own, session, user, entry_rank = namings
        names = self._session_attributes
        if session is not None and _has_rank(session, names):
            if min((span.session for span in spans if span.session is not None), default=_WEAKEST) > session:
                yield _make_lost(spans[0], session=session)
            ranks = [span.session.rank for span in spans if span.session is not None and not span.session.is_child]
            if entry_rank is not None and entry_rank < min(ranks, default=LARGEST):
                # Weaker than all that spans name by this rank, so it is only a rank.
                yield _make_lost(spans[0], session=Naming(entry_rank, 0, LARGEST, session.name, session.source))
        users = [span.user for span in spans if span.user is not None]
        if user is not None and _has_rank(user, USER_ATTRIBUTES) and min(users, default=_WEAKEST) > user:
            yield _make_lost(spans[0], user=user)
        named = [(span.own_session.rank, span.own_session.source) for span in spans if span.own_session is not None]
        if own is not None and _has_rank(own, names) and min(named, default=(LARGEST, "")) > (own.rank, own.source):
            weakest = own._replace(time_unix_nano=LARGEST)
            yield _make_lost(spans[0], session=weakest)._replace(own_session=weakest)

    def _find_origin(self, resource: ResourceRow, scope: ScopeRow | None) -> _Origin:
        key = (resource.digest, None if scope is None else scope.digest)
        if key not in self._origins:
            decoded = decode_attributes(resource.attributes, resource.attribute_types)
            fields = ResourceFields(decoded, resource.schema_url)
            scope_fields = None
            if scope is not None:
                attributes = decode_attributes(scope.attributes, scope.attribute_types)
                scope_fields = ScopeFields(scope.name, scope.version, scope.schema_url, attributes)
            remember(self._origins, key, (fields, scope_fields))
        return self._origins[key]


def _make_lost(span: EncodedSpan, *, session: Naming | None = None, user: Naming | None = None) -> EncodedSpan:
    return span._replace(
        row=span.row._replace(end_time_unix_nano=_BEFORE_ALL, attribute_types=None, attributes="{}"),
        own_session=None,
        session=session,
        user=user,
        events=(),
        links=(),
        interactions=NO_INTERACTIONS,
        record_interactions=(),
        record_messages=(),
    )


def _has_rank(naming: Naming, names: Sequence[str]) -> bool:
    """Return whether the rules in force rank what named something as it was ranked then."""
    is_resource = naming.source.startswith("resource:")
    name = naming.source.removeprefix("resource:")
    return name in names and naming.rank == names.index(name) + (len(names) if is_resource else 0)
