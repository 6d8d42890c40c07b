# SPDX-License-Identifier: Apache-2.0
"""The page of a shared session, written piece by piece. It holds all that it shows: a browser that opens it loads
nothing and runs no script, which its policy says too."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from functools import cache
from importlib.resources import files

from otel_sqlite_exporter.model.plural import count
from otel_sqlite_exporter.query.conversations.turn_window import iterate_windows
from otel_sqlite_exporter.query.reader import TelemetryDatabase
from otel_sqlite_exporter.query.reading import TelemetryFile
from otel_sqlite_exporter.query.summaries import SessionSummary
from otel_sqlite_exporter.sharing.mask_report import NOTHING_MASKED, tell_masked, tell_records
from otel_sqlite_exporter.sharing.masked_file import SharedPart, list_parts, name_part
from otel_sqlite_exporter.sharing.masked_records import MaskedRecords
from otel_sqlite_exporter.sharing.part_facts import tell_facts
from otel_sqlite_exporter.sharing.session_names import name_masked_file
from otel_sqlite_exporter.sharing.shared_metrics import read_shared_metrics
from otel_sqlite_exporter.sharing.shared_scores import read_scores, tell_score
from otel_sqlite_exporter.sharing.shown_share.share_chat import ShareChat, cut_text
from otel_sqlite_exporter.sharing.shown_share.share_metrics import show_metric
from otel_sqlite_exporter.sharing.shown_share.share_steps import (
    ShareStep,
    make_step,
    show_failures,
    show_steps,
    show_usage,
)
from otel_sqlite_exporter.show.html_text import Html, element, join_html
from otel_sqlite_exporter.version import __version__

_TURNS = 50
_LARGEST = 64_000_000
"""The most characters of a page. Of a larger session the last turns are left out, and the page says so."""
_MOST_SHOWN_KEYS = 50


def write_page(
    file: TelemetryFile, database: TelemetryDatabase, records: MaskedRecords, *, by_trace: bool
) -> Iterator[bytes]:
    """Yield the page of what a masked file holds."""
    metrics = read_shared_metrics(file)
    writer = _PageWriter(file, database, has_metrics=bool(metrics))
    parts = list_parts(database, by_trace=by_trace)
    first = next(parts, None)
    title = cut_text(name_masked_file(file), 200) if first is None else _name(first)
    yield _write(_begin(title))
    yield _write(element("h1", title))
    yield _write(_show_masked(records))
    if first is None:
        yield _write(element("p", "It has no spans to show."))
    else:
        yield from writer.write_part(first, 1)
    for number, part in enumerate(parts, 2):
        yield _write(element("h2", _name(part)))
        yield from writer.write_part(part, number)
    if metrics:
        yield _write(element("h2", "Metrics", id="metrics"))
    yield from map(_write, map(show_metric, metrics))
    yield _write(_end(records))


class _PageWriter:
    """Writes the parts of one page, and knows how much room is left."""

    def __init__(self, file: TelemetryFile, database: TelemetryDatabase, *, has_metrics: bool) -> None:
        self._file, self._database = file, database
        self._has_metrics = has_metrics
        self._chat = ShareChat()
        self._left = _LARGEST

    def write_part(self, part: SharedPart, number: int) -> Iterator[bytes]:
        """Yield a session or a trace: facts, what was said, the steps, and what failed."""
        yield _write(_show_facts(part))
        scores = read_scores(self._database, part)
        names = {"said": "What was said", "steps": "Steps", "models": "Models", "failed": "What failed"}
        names |= {"scores": "Scores"} if scores else {}
        links = [element("li", element("a", told, href=f"#{name}-{number}")) for name, told in names.items()]
        if self._has_metrics:
            links.append(element("li", element("a", "Metrics", href="#metrics")))
        yield _write(element("nav", element("ul", *links), aria_label=f"Parts of {_name(part)}"))
        yield _write(element("h2", names["said"], id=f"said-{number}"))
        steps: list[ShareStep] = []
        yield from self._write_turns(part, number, steps)
        shown = show_steps(steps, len(steps), part.start_time_unix_nano, part.end_time_unix_nano)
        failures = show_failures(steps) or element("p", "No call and no tool failed.")
        given = element("ul", *(element("li", cut_text(tell_score(score))) for score in scores))
        sections = (("steps", shown), ("models", show_usage(steps)), ("failed", failures), ("scores", given))
        for name, content in sections[: len(names) - 1]:
            yield _write(join_html(element("h2", names[name], id=f"{name}-{number}"), content))

    def _write_turns(self, part: SharedPart, number: int, steps: list[ShareStep]) -> Iterator[bytes]:
        total = 0
        for window in iterate_windows(self._file, name_part(part), _TURNS):
            total = window.total
            for turn in window.turns:
                anchor = f"turn-{number}-{len(steps) + 1}"
                shown = self._chat.show_turn(turn, anchor)
                self._left -= len(shown)
                if self._left < 0:
                    of = count(total, "call or tool", "calls and tools")
                    note = f"The page ends here: it shows {len(steps):,} of {of}. A share as otlp holds all of them."
                    yield _write(element("p", note, class_="failed"))
                    return
                steps.append(make_step(turn, anchor))
                yield _write(shown)
        if not total:
            yield _write(element("p", "No call of a model and no tool is recorded."))


def _name(part: SharedPart) -> str:
    if isinstance(part, SessionSummary):
        return f"Session {cut_text(part.session_id, 200)}"
    return f"Trace {part.trace_id}"


def _show_facts(part: SharedPart) -> Html:
    pairs = ((element("dt", name), element("dd", cut_text(value))) for name, value in tell_facts(part))
    return element("dl", *(one for pair in pairs for one in pair))


def _show_masked(records: MaskedRecords) -> Html:
    items = []
    for told, keys in tell_masked(records.masked):
        named = ", ".join(f"{one.key} ({one.number:,})" for one in keys[:_MOST_SHOWN_KEYS])
        more = "" if len(keys) <= _MOST_SHOWN_KEYS else f", and {len(keys) - _MOST_SHOWN_KEYS:,} more keys"
        items.append(element("li", f"{told}: {named}{more}"))
    body = element("ul", *items) if items else element("p", NOTHING_MASKED)
    return element("section", element("h2", "What was masked", id="masked"), body, class_="masked")


def _end(records: MaskedRecords) -> Html:
    told = (
        f"{tell_records(records)}. A share as otlp also holds log records, attributes and each data point. "
        f"Written by otel-sqlite-exporter {__version__}."
    )
    return join_html(element("footer", element("p", told, class_="quiet")), Html("</main></body></html>\n"))


@cache
def _read_style() -> str:
    return files(__package__).joinpath("share.css").read_text(encoding="utf-8")


def _begin(title: str) -> Html:
    style = _read_style()
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; form-action 'none'"
    return Html(
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="referrer" content="no-referrer"><meta name="robots" content="noindex">'
        f"{element('title', title)}<style>{style}</style></head><body><main>\n"
    )


def _write(html: Html) -> bytes:
    return f"{html}\n".encode("utf-8", "replace")
