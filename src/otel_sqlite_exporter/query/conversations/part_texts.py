# SPDX-License-Identifier: Apache-2.0
"""A part of a message as one text."""

from __future__ import annotations

import json
from typing import Any


def describe_part(part: Any) -> str:
    """Return what a part of a message says, for people: its text, or what kind of part it is with what it holds."""
    if not isinstance(part, dict):
        return _write(part)
    kind, label = part.get("type"), part.get("id")
    known = f" [{label}]" if isinstance(label, str) else ""
    if kind == "text" and "content" in part:
        return f"{'(refusal) ' if part.get('refusal') else ''}{_write(part['content'])}"
    if kind == "reasoning":
        return f"(reasoning) {_write(part.get('content'))}"
    if kind == "tool_call":
        return f"calls {part.get('name')}{known}: {_write(part.get('arguments'))}"
    if kind == "tool_call_response":
        of = f" of {part['name']}" if part.get("name") else ""
        return f"{'failed' if part.get('is_error') else 'result'}{of}{known}: {_write(part.get('response'))}"
    if kind == "blob":
        return (
            f"({part.get('mime_type') or part.get('modality') or 'bytes'}: {len(str(part.get('content'))):,} in base64)"
        )
    rest = {name: value for name, value in part.items() if name != "type"}
    return f"({kind}) {_write(rest)}"


def _write(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
