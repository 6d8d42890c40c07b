# SPDX-License-Identifier: Apache-2.0
"""The page of one model call: what was asked and answered, what is new in it, and all that was recorded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from markupsafe import Markup

from otel_sqlite_exporter.model.values import decode_attributes
from otel_sqlite_exporter.query.calls.offered_tools import find_offered_tools
from otel_sqlite_exporter.query.calls.prompt_difference import PromptStep, compare_prompts
from otel_sqlite_exporter.query.pages import decode_json
from otel_sqlite_exporter.server.api.api_backend import ApiBackend, Arguments
from otel_sqlite_exporter.server.api.parameters import Parameter
from otel_sqlite_exporter.server.page.call import call_facts
from otel_sqlite_exporter.server.page.call.recorded_attributes import list_attributes
from otel_sqlite_exporter.server.page.call.sent_json import write_sent
from otel_sqlite_exporter.server.page.call.whole_call import WholeCall, read_call
from otel_sqlite_exporter.server.page.marking.given_scores import read_call_scores
from otel_sqlite_exporter.server.page.page_answers import PageContent, PageRoute
from otel_sqlite_exporter.server.page.shown_content.exact_html import write_copy
from otel_sqlite_exporter.server.page.shown_content.message_html import render_messages, render_value
from otel_sqlite_exporter.server.page.shown_content.page_allowance import PageAllowance

_EXACT_CHARACTERS = 4_000_000
_LONGEST_NAME = 100


class PromptPiece(NamedTuple):
    """Messages of a prompt that follow each other. `kind` is that of a PromptStep; `all`: none is before it;
    `again`: the last one, where none is new."""

    kind: str
    messages: int
    html: Markup


def _read_page(backend: ApiBackend, arguments: Arguments) -> PageContent:
    record = backend.file.read(read_call, arguments["id"])
    call, is_raw = record.call, arguments["raw"]
    link = f"/api/v1/calls/{call.id}"
    name = call.model or call.name
    name = name if len(name) <= _LONGEST_NAME else f"{name[:_LONGEST_NAME]}…"
    characters = {"characters": _EXACT_CHARACTERS} if is_raw else {}
    allowance = PageAllowance(exact_link=link, **characters)
    answer = render_messages(record.completion, raw=is_raw, allowance=allowance)
    steps = _show_prompt(record, allowance, is_raw)
    values = {
        "call": call,
        "name": name,
        "record": record,
        "scores": backend.file.read(read_call_scores, call),
        "api_link": link,
        "is_raw": is_raw,
        "is_live": "running" in (call.status, *(tool.status for tool in record.tools)),
        "groups": _list_groups(record),
        "cost": call_facts.describe_cost(call, backend.settings.path),
        "standing": call_facts.describe_standing(call, record.standing),
        "error": render_value(call.error_message, allowance=allowance) if call.error_message else None,
        "steps": steps,
        "answer": answer,
        **_show_recorded(record, allowance),
    }
    return PageContent(f"Call {call.id}: {name}", values)


def _list_groups(record: WholeCall) -> tuple[tuple[str, call_facts.Facts], ...]:
    call = record.call
    return (
        ("Model", call_facts.describe_models(call)),
        ("Time", call_facts.describe_times(call)),
        ("Tokens", call_facts.describe_tokens(call)),
    )


def _show_prompt(record: WholeCall, allowance: PageAllowance, is_raw: bool) -> list[PromptPiece]:
    """Return the prompt, in pieces that are as before or new. What is new is rendered first, while there is room."""
    if record.earlier is None or is_raw:
        steps: Sequence[PromptStep] = [PromptStep("all", tuple(record.prompt))] if record.prompt else []
    else:
        steps = _show_last(compare_prompts(record.earlier, record.prompt))
    shown: dict[int, PromptPiece] = {}
    for place in sorted(range(len(steps)), key=lambda place: steps[place].kind == "same"):
        kind, messages = steps[place]
        html = render_messages(messages, raw=is_raw, allowance=allowance)
        shown[place] = PromptPiece(kind, len(messages), html)
    return [shown[place] for place in range(len(steps))]


def _show_last(steps: Sequence[PromptStep]) -> Sequence[PromptStep]:
    """Return the steps with the last message for itself, where none is new."""
    if not steps or steps[-1].kind != "same" or any(step.kind == "added" for step in steps):
        return steps
    *before, last = steps[-1].messages
    same = [PromptStep("same", tuple(before))] if before else []
    return [*steps[:-1], *same, PromptStep("again", (last,))]


def _show_recorded(record: WholeCall, allowance: PageAllowance) -> dict[str, Any]:
    """Return the parameters, the tools and the attributes."""
    call, span = record.call, record.span
    types = span.attribute_types if span is not None and call.source == "span" else None
    attributes = decode_attributes(call.combined_attributes, types)
    parameters = decode_json(call.request_parameters)
    offered = find_offered_tools(attributes, parameters)
    plain = (
        {name: value for name, value in parameters.items() if name != "tools"} if isinstance(parameters, dict) else {}
    )
    sent = write_sent(call, offered)
    return {
        "sent": None if sent is None else Markup(write_copy(sent, allowance)),
        "parameters": list_attributes(plain, allowance),
        "offered": [(tool, render_value(tool.definition, allowance=allowance)) for tool in offered],
        "attributes": list_attributes(attributes, allowance),
        "attributes_json": Markup(write_copy(call.combined_attributes, allowance)),
    }


PAGES: tuple[PageRoute, ...] = (
    PageRoute(
        "/calls/{id}",
        "One model call: its prompt and answer, what is new in it, its cost, and why it counts or not.",
        "call.html",
        _read_page,
        (
            Parameter("id", "The `id` of the row.", "integer", where="path", minimum=0),
            Parameter("raw", "Exact texts, for copying.", "boolean", default=False),
        ),
        ("call",),
    ),
)
