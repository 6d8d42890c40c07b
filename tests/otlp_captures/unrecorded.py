# SPDX-License-Identifier: Apache-2.0
"""What packages do not record, or record otherwise than it was: there, a file cannot tell the truth.

By capture and field, what the file says instead, and of which calls, tools, agents or sessions. None is nothing, `ANY`
is some value. Each entry is checked as strictly as the truth elsewhere: it has to go when a package learns.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from tests.otlp_captures.differences import Difference
from tests.scenarios.comparison import ANY

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
    found = {(d.field, str(d.at)): d for d in differences}
    declared = {
        (field, at): said
        for field, places in UNRECORDED.get(capture, {}).items()
        for numbers, said in places.items()
        for at in _expand(numbers)
    }
    wrong = [str(d) for key, d in found.items() if key not in declared or not _is_said(d.got, declared[key])]
    return wrong + [f"declared, and not so: {' '.join(key)}" for key in declared if key not in found]


def count_unrecorded(capture: str) -> Counter[str]:
    """How often each field is not told, or told otherwise."""
    fields = UNRECORDED.get(capture, {})
    return Counter({field: sum(len(_expand(numbers)) for numbers in places) for field, places in fields.items()})


def _is_said(got: Any, said: Any) -> bool:
    got = None if got in ("", []) else got
    return got is not None if said is ANY else got == said


def _expand(numbers: str) -> list[str]:
    """`1-3, 7` are 1, 2, 3 and 7; a name is itself."""
    found = []
    for part in numbers.split(", "):
        first, _, last = part.partition("-")
        is_range = first.isdigit() and last.isdigit()
        found += [str(number) for number in range(int(first), int(last) + 1)] if is_range else [part]
    return found
