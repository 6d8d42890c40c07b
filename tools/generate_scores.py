# SPDX-License-Identifier: Apache-2.0
"""Writes the table of docs/captures.md about captures of OTLP. Run it with `make scores`."""

from __future__ import annotations

import re
import sys
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs/captures.md"

sys.path.insert(0, str(ROOT))

from tests.otlp_captures.capture_files import Capture, list_captures, read_capture  # noqa: E402
from tests.otlp_captures.tools import find_runs  # noqa: E402
from tests.otlp_captures.unrecorded import count_unrecorded  # noqa: E402

NONE = "–"
_KINDS = ("input", "output", "cached_input", "cache_creation_input", "reasoning")
_TOKENS = tuple(f"{prefix}{kind}_tokens" for prefix in ("", "sum of ") for kind in _KINDS)
# The fields of differences that each column of the table is about.
COLUMNS = {
    "calls": ("call", "call too many", "request_model", "response_model", "response_id", "finish_reasons"),
    "tokens in/out": _TOKENS,
    "tools": (
        *("tool", "tool too many", "tool name", "tool call id", "tool arguments"),
        *("tool result", "tool status"),
    ),
    "sessions": ("session", "user", "calls of the session"),
    "agents": ("agent",),
    "errors": ("failed calls", "status"),
    "content": ("prompt", "completion", "tool_calls", "messages of the completion"),
}


def render_page(page: str) -> str:
    """Return the text of the page with a new table."""
    beginning, end = "<!-- scores: written by `make scores` -->", "<!-- end of scores -->"
    table = f"{beginning}\n\n{render_table()}\n{end}".replace("\\", r"\\")
    return re.sub(f"{re.escape(beginning)}.*?{re.escape(end)}", table, page, flags=re.DOTALL)


def render_table() -> str:
    """Return a row for each capture."""
    rows = [render_row(read_capture(name)) for name in list_captures()]
    head = ("capture", "packages", *COLUMNS)
    return "".join(f"| {' | '.join(row)} |\n" for row in (head, ["---"] * len(head), *rows))


def render_row(capture: Capture) -> list[str]:
    """Return the cells of a capture: what was served, and what the package does not tell of it."""
    truth = capture.truth
    served = {
        "calls": str(len(truth["calls"])),
        "tokens in/out": f"{truth['tokens']['input']}/{truth['tokens']['output']}",
        "tools": str(len(find_runs(truth)) or NONE),
        "sessions": str(len(truth["told"].get("sessions", [])) or NONE),
        "agents": str(len(truth["told"].get("agents", [])) or NONE),
        "errors": str(sum(call["status"] >= 400 for call in truth["calls"]) or NONE),
        "content": "",
    }
    unrecorded = count_unrecorded(capture.name)
    if truth["untold_calls"]:
        unrecorded["input_tokens"] += len(truth["untold_calls"])
    versions = ", ".join(f"{name} {version}" for name, version in capture.versions.items())
    return [f"`{capture.name}`", versions, *(_cell(served[name], unrecorded, COLUMNS[name]) for name in COLUMNS)]


def _cell(served: str, unrecorded: Counter[str], fields: tuple[str, ...]) -> str:
    untold = ", ".join(f"{field.replace('_', ' ')} {unrecorded[field]}" for field in fields if unrecorded[field])
    said = f"not told: {untold}" if untold else "exact"
    return ": ".join(filter(None, (served, said))) if served != NONE or untold else NONE


if __name__ == "__main__":
    PAGE.write_text(render_page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
