# SPDX-License-Identifier: Apache-2.0
"""The answer that hands on one session, masked as the request and the settings say."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from otel_sqlite_exporter.errors import ConfigurationError, FilterError, MissingPackageError
from otel_sqlite_exporter.query.metric_series.metric_sessions import resolve_session
from otel_sqlite_exporter.redact.redacted_signals import make_span_redactor
from otel_sqlite_exporter.server.api.api_answers import StreamedAnswer, name_file
from otel_sqlite_exporter.server.api.api_backend import ApiBackend, Arguments
from otel_sqlite_exporter.server.api.parameters import Parameter
from otel_sqlite_exporter.settings import Settings
from otel_sqlite_exporter.sharing.redaction_options import add_redaction
from otel_sqlite_exporter.sharing.shared_sessions import FORMS, share

MOST_RECORDS = 20_000
"""The most spans, log records and data points of a session that a server shares: to mask and to write them takes
seconds."""
SHARE_TYPES = tuple(form.media_type.partition(";")[0] for form in FORMS.values())

PARAMETERS = (
    Parameter("format", "A page, Markdown, or lines of OTLP JSON.", choices=tuple(FORMS), default="html"),
    Parameter("redact_keys", "Patterns of keys, separated by commas: their values are masked.", is_list=True),
    Parameter("redact_values", "An expression of RE2 whose matches are masked in any text.", is_list=True),
    Parameter("no_content", "Leave out prompts, answers, and the content of tools.", "boolean", default=False),
    Parameter("metadata_only", "Leave out all but numbers, models and names.", "boolean", default=False),
)


def share_session(backend: ApiBackend, arguments: Arguments) -> StreamedAnswer:
    """Answer with one session as a page, as Markdown, or as lines of OTLP JSON."""
    form = FORMS[arguments["format"]]
    session_id = resolve_session(backend.file, arguments["id"])
    settings = _read_settings(backend.settings, arguments)
    pieces = share(backend.file, settings, arguments["format"], session_id=session_id, check_size=_check_size)
    is_masked = make_span_redactor(settings) is not None
    name = name_file("shared", session_id=None if is_masked else session_id)  # an id may be what is masked
    return StreamedAnswer(
        form.media_type, (piece.content for piece in pieces if piece.content), f"{name}.{form.ending}"
    )


def split_globs(texts: Sequence[str]) -> Iterator[str]:
    """Yield the patterns of keys in what was typed into a form: separated by commas or spaces."""
    for text in texts:
        yield from text.replace(",", " ").split()


def _read_settings(settings: Settings, arguments: Arguments) -> Settings:
    try:
        return add_redaction(
            settings,
            redact_keys=[*split_globs(arguments.get("redact_keys", ()))],
            redact_values=[text for text in arguments.get("redact_values", ()) if text],
            no_content=arguments["no_content"],
            metadata_only=arguments["metadata_only"],
        )
    except (ConfigurationError, MissingPackageError) as error:
        raise FilterError("redact_values", str(error)) from None


def _check_size(records: int) -> None:
    if records > MOST_RECORDS:
        raise FilterError(
            "id", f"the session has more than {MOST_RECORDS:,} records: use the command `share`, which takes any number"
        )
