# SPDX-License-Identifier: Apache-2.0
"""All that a call sent to a model, as one JSON text: the model, the system instructions, the messages, the tools and
the parameters, each as it was recorded."""

from __future__ import annotations

from collections.abc import Sequence

import orjson

from otel_sqlite_exporter.query.calls.offered_tools import OfferedTool
from otel_sqlite_exporter.query.summaries import LLMInteractionSummary
from otel_sqlite_exporter.server.page.shown_content.json_layout import write_json


def write_sent(call: LLMInteractionSummary, offered: Sequence[OfferedTool]) -> str | None:
    """Return the JSON text; None: none of it was recorded."""
    tools = [tool.name if tool.definition is None else tool.definition for tool in offered]
    recorded = {
        "system_instructions": _keep(call.system_instructions),
        "messages": _keep(call.prompt),
        "tools": write_json(tools) if tools else None,
        "parameters": _keep(call.request_parameters),
    }
    known = {name: text for name, text in recorded.items() if text is not None}
    if not known:
        return None
    model = {} if call.request_model is None else {"model": write_json(call.request_model)}
    return "{" + ",".join(f"{write_json(name)}:{text}" for name, text in {**model, **known}.items()) + "}"


def _keep(text: str | None) -> str | None:
    """Return JSON as it was recorded, and any other text as JSON."""
    if text is None:
        return None
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError:
        return write_json(text)
    return text
