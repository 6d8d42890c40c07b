# SPDX-License-Identifier: Apache-2.0
"""Which attributes name a session, and how the name of such an attribute is written. Pure."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

DEFAULT_SESSION_ATTRIBUTES = (
    "session.id",
    "gen_ai.conversation.id",
    "langfuse.session.id",
    "traceloop.association.properties.session_id",
    "traceloop.association.properties.thread_id",
    "langsmith.metadata.session_id",
    "langsmith.metadata.thread_id",
    "langsmith.metadata.conversation_id",
    "mlflow.trace.session",
    "gcp.vertex.agent.session_id",
    "lmnr.association.properties.session_id",
    "ai.telemetry.metadata.sessionId",
    "gen_ai.session.id",
    "agent_trace_id&group_id",
    "metadata#session_id",
    "metadata#sessionId",
    "metadata#langfuse_session_id",
    "metadata#thread_id",
    "metadata#threadId",
    "metadata#conversation_id",
    "metadata.session_id",
    "metadata.thread_id",
    "langfuse.trace.metadata#session_id",
    "langfuse.trace.metadata#thread_id",
    "langfuse.trace.metadata.session_id",
    "langfuse.trace.metadata.thread_id",
    "langfuse.observation.metadata#session_id",
    "langfuse.observation.metadata#thread_id",
    "langfuse.observation.metadata.session_id",
    "langfuse.observation.metadata.thread_id",
    "langsmith.metadata#session_id",
    "langsmith.metadata#thread_id",
    "langsmith.metadata#conversation_id",
    "traceloop.association.properties#session_id",
    "traceloop.association.properties#thread_id",
    "conversation.id",
    "session_id",
    "conversation_id",
    "thread_id",
    "thread.id",
)
"""The attributes that name a session, the strongest first."""


class AttributeSource(NamedTuple):
    """A source of a text, as `name`, `name#key` or `other&name`: an attribute that counts only if the attributes
    `beside` it are there too."""

    text: str
    name: str
    path: tuple[str, ...]
    beside: tuple[str, ...]


@lru_cache(1024)
def parse_source(text: str) -> AttributeSource:
    """Parse the text of an `AttributeSource`.

    Raises:
        ValueError: A part of it is empty; the message says what to give.
    """
    *beside, named = text.split("&")
    name, *path = named.split("#")
    if not all((name, *path, *beside)):
        raise ValueError(f"give attribute names, name#key or other&name; {text!r} lacks a part")
    return AttributeSource(text, name, tuple(path), tuple(beside))
