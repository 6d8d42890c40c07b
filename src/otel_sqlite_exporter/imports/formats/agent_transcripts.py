# SPDX-License-Identifier: Apache-2.0
"""Recognises what coding agents write for themselves, to go on with a session: it is no telemetry. It is refused with
the way to get telemetry from the agent. Pure."""

from __future__ import annotations

from typing import Any

_CODEX_TYPES = ("session_meta", "response_item", "event_msg", "turn_context", "compacted", "inter_agent_communication")


def is_claude_code(value: dict[str, Any]) -> bool:
    """Whether this is a line of a session in `~/.claude/projects`."""
    if "type" not in value:
        return False
    keys = value.keys()
    is_message = "sessionId" in keys and ("uuid" in keys or "parentUuid" in keys or "leafUuid" in keys)
    return is_message or keys >= {"summary", "leafUuid"} or keys >= {"snapshot", "messageId"}


def is_codex(value: dict[str, Any]) -> bool:
    """Whether this is a line of a session in `~/.codex/sessions`."""
    return value.get("type") in _CODEX_TYPES and isinstance(value.get("payload"), dict)


def is_gemini_cli(value: dict[str, Any]) -> bool:
    """Whether this is a chat in `~/.gemini/tmp`, or an entry of its `logs.json`."""
    return value.keys() >= {"sessionId", "projectHash"} or value.keys() >= {"sessionId", "messageId", "message"}
