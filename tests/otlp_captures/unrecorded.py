# SPDX-License-Identifier: Apache-2.0
"""What packages do not record, or record otherwise than it was: there, a file cannot tell the truth.

By capture and field, what the file says instead (None: nothing), and of which calls, tools, agents or sessions. Each
entry is checked as strictly as the truth elsewhere: it has to go when a package learns.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from tests.otlp_captures.differences import Difference

_Fields = dict[str, dict[str, Any]]

UNRECORDED: dict[str, _Fields] = {
    "genai-otel": {
        "completion": {"1-2, 4, 6, 10-12": None},
        "prompt": {"1-7, 10-12": None},
        "tool_calls": {"3, 5, 7": None},
        "response_model": {"13": None},
        "tool": {"1-3": None},
    },
}


def find_undeclared(capture: str, differences: Iterable[Difference]) -> list[str]:
    """What a file says otherwise than it was, but for what is declared here; and what is declared and not so."""
    found = {(d.field, str(d.at), repr(_nothing(d.got))): str(d) for d in differences}
    declared = {
        (field, at, repr(said))
        for field, places in UNRECORDED.get(capture, {}).items()
        for numbers, said in places.items()
        for at in _expand(numbers)
    }
    wrong = [text for key, text in found.items() if key not in declared]
    learned = [f"declared, and not so: {' '.join(key)}" for key in sorted(declared - set(found))]
    return wrong + learned


def count_unrecorded(capture: str) -> Counter[str]:
    """How often each field is not told, or told otherwise."""
    fields = UNRECORDED.get(capture, {})
    return Counter({field: sum(len(_expand(numbers)) for numbers in places) for field, places in fields.items()})


def _nothing(said: Any) -> Any:
    return None if said in ("", []) else said


def _expand(numbers: str) -> list[str]:
    """`1-3, 7` are 1, 2, 3 and 7; a name is itself."""
    found = []
    for part in numbers.split(", "):
        first, _, last = part.partition("-")
        is_range = first.isdigit() and last.isdigit()
        found += [str(number) for number in range(int(first), int(last) + 1)] if is_range else [part]
    return found
