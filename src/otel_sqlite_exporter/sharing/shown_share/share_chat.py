# SPDX-License-Identifier: Apache-2.0
"""What was said in a shared session, as a chat. Every text stands there as plain text. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from otel_sqlite_exporter.error_reasons import find_reason
from otel_sqlite_exporter.model.plural import count
from otel_sqlite_exporter.query.conversations.conversation import CallTurn, Message, ToolTurn, Turn
from otel_sqlite_exporter.query.conversations.part_texts import describe_part
from otel_sqlite_exporter.query.summaries import LLMInteractionSummary, ToolInteractionSummary
from otel_sqlite_exporter.show.html_text import Html, element, join_html
from otel_sqlite_exporter.show.recorded_images import read_data_url, read_image, write_data_url
from otel_sqlite_exporter.show.units import format_cost, format_count, format_ms, format_tokens

LONGEST_TEXT = 200_000
"""The most characters of one text that a page shows."""
_FOLDED = 600
_ROLES = {"developer": "system", "function": "tool", "model": "assistant"}
_KNOWN = ("system", "user", "assistant", "tool")
_Row = LLMInteractionSummary | ToolInteractionSummary


class ShareChat:
    """Writes turns as HTML, with at most `images` images."""

    def __init__(self, images: int = 100) -> None:
        self._images = images

    def show_turn(self, turn: Turn, anchor: str) -> Html:
        """Return a call or a tool with what was said; `anchor` is the id of its element."""
        body = self._show_call(turn) if isinstance(turn, CallTurn) else self._show_tool(turn)
        heading = element("h3", name_turn(turn), id=anchor)
        return element("section", heading, element("p", *_tell_facts(turn), class_="quiet"), *body)

    def _show_call(self, turn: CallTurn) -> Iterator[Html]:
        if turn.folded:
            yield element("p", f"{count(turn.folded, 'message')} of the prompt as shown above", class_="quiet")
        for message in (*turn.prompt, *turn.completion):
            yield self._show_message(message)
        yield from _show_failure(turn.call)

    def _show_tool(self, turn: ToolTurn) -> Iterator[Html]:
        for label, value in (("arguments", turn.tool.arguments), ("result", turn.tool.result)):
            if value is not None:
                said = _fold(value, show_value(value))
                yield element("div", element("div", label, class_="role"), said, class_="message message-tool")
        yield from _show_failure(turn.tool)

    def _show_message(self, message: Message) -> Html:
        role = str(message.get("role"))
        kind = _ROLES.get(role, role)
        parts = message.get("parts")
        said = join_html(*map(self._show_part, parts if isinstance(parts, list) else [parts]))
        if kind == "system" and len(said) > _FOLDED:
            said = element("details", element("summary", f"{format_count(len(said))} characters"), said)
        name = "other" if kind not in _KNOWN else kind
        return element("div", element("div", role, class_="role"), said, class_=f"message message-{name}")

    def _show_part(self, part: Any) -> Html:
        kind = part.get("type") if isinstance(part, Mapping) else None
        if kind == "text" and isinstance(part.get("content"), str):
            return element("p", cut_text(part["content"]), class_="said", dir="auto")
        image = self._show_image(part) if kind in ("blob", "uri") else None
        if image is not None:
            return image
        if kind in ("tool_call", "tool_call_response"):
            told = "calls" if kind == "tool_call" else "failed result of" if part.get("is_error") else "result of"
            value = part.get("arguments" if kind == "tool_call" else "response")
            head = element("p", f"{told} {part.get('name') or 'a tool'}", class_="role")
            return join_html(head, None if value is None else _fold(value, show_value(value)))
        text = describe_part(part)
        return _fold(text, element("pre", cut_text(text)))

    def _show_image(self, part: Mapping[str, Any]) -> Html | None:
        content = part.get("content") if part.get("type") == "blob" else None
        if isinstance(part.get("uri"), str) and (data := read_data_url(part["uri"])) is not None:
            content = data[1]
        image = read_image(content) if isinstance(content, str) and self._images > 0 else None
        if image is None:
            return None
        self._images -= 1
        shown = element("img", src=write_data_url(image), alt=str(part.get("filename") or "image"))
        return Html(shown.removesuffix("</img>"))


def name_turn(turn: Turn) -> str:
    """Return what a turn is called: `gpt-4o`, `search`."""
    if isinstance(turn, CallTurn):
        kind = "agent" if turn.call.is_aggregate else "model"
        return cut_text(f"{kind} {turn.call.model or turn.call.name}", 500)
    return cut_text(f"tool {turn.tool.tool_name or turn.tool.name}", 500)


def get_row(turn: Turn) -> _Row:
    """Return the row of a turn."""
    return turn.call if isinstance(turn, CallTurn) else turn.tool


def show_value(value: Any) -> Html:
    """Return arguments or a result: JSON is laid out."""
    if isinstance(value, str):
        try:
            value = orjson.loads(value)
        except ValueError:
            return element("pre", cut_text(value))
        if isinstance(value, str):
            return element("pre", cut_text(value))
    return element("pre", cut_text(orjson.dumps(value, option=orjson.OPT_INDENT_2).decode("utf-8", "replace")))


def cut_text(text: str, most: int = LONGEST_TEXT) -> str:
    """Return at most that many characters of a text, and how many are left out."""
    left_out = len(text) - most
    return text if left_out <= 0 else f"{text[:most]} … {format_count(left_out)} more characters"


def _fold(value: Any, shown: Html) -> Html:
    size = len(value) if isinstance(value, str) else len(shown)
    return shown if size <= _FOLDED else element("details", element("summary", f"{size:,} characters"), shown)


def _tell_facts(turn: Turn) -> Iterator[Html | str]:
    row = get_row(turn)
    start = row.request_timestamp if isinstance(row, LLMInteractionSummary) else row.start_time
    facts = [row.agent_name, start, format_ms(row.duration_ms)]
    if isinstance(row, LLMInteractionSummary):
        for number, way in ((row.input_tokens, "in"), (row.output_tokens, "out")):
            facts.append(None if number is None else f"{format_tokens(number)} tokens {way}")
        facts.append(None if row.cost_usd is None else f"${format_cost(row.cost_usd)}")
    yield " · ".join(fact for fact in facts if fact)
    if row.status not in (None, "ok"):
        yield element("span", f" · {row.status}", class_="failed")


def _show_failure(row: _Row) -> Iterator[Html]:
    if row.status == "error":
        reason = find_reason(row.error_message, row.error_type) or "no reason is recorded"
        yield element("div", element("div", "error", class_="role failed"), element("pre", cut_text(reason)))
