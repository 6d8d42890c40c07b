# SPDX-License-Identifier: Apache-2.0
"""The reason in messages of failures, as packages write them."""

from __future__ import annotations

import pytest

from otel_sqlite_exporter.error_reasons import find_reason, strip_modules

_TRACEBACK = 'Traceback (most recent call last):\n\n\n  File "/srv/app.py", line 3, in run\n    raise error\n\n\n'


@pytest.mark.parametrize(
    ("message", "error_type", "reason"),
    [
        ("too many requests", "RateLimitError", "too many requests"),
        ("KeyError('order 13')" + _TRACEBACK + "KeyError: 'order 13'", "KeyError", "order 13"),
        (_TRACEBACK + "app.errors.NoOrder: order 13", "app.errors.NoOrder", "order 13"),
        (_TRACEBACK + "app.errors.NoOrder: order 13", "KeyError", "app.errors.NoOrder: order 13"),
        ("'order 13'", "KeyError", "order 13"),
        ("KeyError: 'order 13'", "KeyError", "order 13"),
        ("TimeoutError: TimeoutError: slow", "builtins.TimeoutError", "slow"),
        ("TimeoutError: TimeoutError: slow", None, "TimeoutError: slow"),
        (r"""APIError("it\u0027s\nlate", 5)""", "httpx.ReadTimeout", "it's"),
        ("APIError('Error code: 500 - it bro", "APIError", "Error code: 500 - it bro"),
        (
            "Error code: 400 - {'error': {'type': 'x', 'message': \"It's too long\"}}",
            "BadRequestError",
            "It's too long",
        ),
        ('503 {"code": 503, "message": "try \\"later\\""}', "UnavailableError", 'try "later"'),
        ("TooLong: code: 400, body: {'message': 'too long'}", "BadRequestError", "TooLong: too long"),
        ("no such place\nsecond line", None, "no such place"),
        ("expected {, found x", "ParseError", "expected {, found x"),
        ("find('a place')", None, "find('a place')"),
        ("429: wait", "429", "429: wait"),
        ("Timeout", "Timeout", None),
        ("ValueError('')", "ValueError", None),
        (" \n", "ValueError", None),
        (None, "ValueError", None),
    ],
)
def test_the_reason_is_one_line(message: str | None, error_type: str | None, reason: str | None) -> None:
    assert find_reason(message, error_type) == reason


def test_a_message_of_any_length_takes_no_time() -> None:
    for part in ("X: ", "'message': '", "X('", ")  ", "a.", "\\", "{'message':"):
        assert len(find_reason(part * 200_000, "X") or "") <= 1_000


def test_a_class_has_its_name_without_modules() -> None:
    assert [*map(strip_modules, ("openai.BadRequestError", "a.b.C", "429", "rate_limit", "v1.2"))] == [
        *("BadRequestError", "C", "429", "rate_limit", "v1.2")
    ]
