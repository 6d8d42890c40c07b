# SPDX-License-Identifier: Apache-2.0
"""Regular expressions of `redact_values`: they find at least what `re` does, and cannot stop the program."""

from __future__ import annotations

import logging
import random
import re
import subprocess
import sys
import threading
import time

import pytest

from otel_sqlite_exporter import patterns
from otel_sqlite_exporter.errors import ConfigurationError, TooMuchWorkError
from otel_sqlite_exporter.model.values import encode_attributes
from otel_sqlite_exporter.patterns import PatternSearch, parse_pattern
from otel_sqlite_exporter.redact.redactor import make_redactor
from otel_sqlite_exporter.settings import resolve_settings

KEY, MAIL = r"\bsk-[A-Za-z0-9]{8,}", r"[\w.+-]+@[\w-]+\.\w+"
"""The patterns of docs/operations.md."""
LONG = 1_000_000


def found(pattern: str, text: str) -> set[int]:
    """The characters that matches cover."""
    return {place for start, end in PatternSearch([parse_pattern(pattern)]).find(text) for place in range(start, end)}


ALIKE = [
    *(KEY, MAIL, r"\bÄrger\b", r"\bMüller", r"\b\w+@", r"\b\d{3}\b", r"[^@\s]+@", r"[^_\s]+x\b", r"x{,3}y", r"ab$"),
    *(r"(?m)^a.*$", r"a\Z", r"\Aa", r"\u00fc+", r"\xfc", "é+", r"\S+x", r"\W\w", r"\D\d"),
    *(r"[à-ü]+\b", r"(?i)ärger\b", r"[^\W\d]+\b", r"\Bx", r"\$a", r"[$]a", r"[\]x]a", r"[]a]b", r"\[\w\]", r"\ä\b"),
    *(r"[^\W\d]+@", r"[^\S\n]x", r"[^\D]x", r"[\W_]x", r"[^\W_]+", r"a\_b", r"(?P<one>a)|(?P<two>b)", r"(?s)a.b"),
    *(re.escape("Mü ll\ner!"), re.escape("-]^$#&~")),
]
CHARACTERS = "aäÄÜüxy_0٣3 \u00a0-.@$[]bk\nsMlergé\u0301²\ud83d😀"


@pytest.mark.parametrize("pattern", ALIKE)
def test_what_re_matches_is_found(pattern: str) -> None:
    """Words, digits, spaces and their bounds are Unicode's; more may be found, but no less."""
    words = ["", "Ärger", "Müller", "sk-abcdefgh1", "Mü ll\ner!", "-]^$#&~"]
    choose, python = random.Random(pattern).choice, re.compile(pattern)
    for number in range(1_500):
        text = "".join(choose(CHARACTERS) for _ in range(number % 13))
        text += choose(words) + choose(["", "s", " ", "ä", "\n"])
        wanted = {place for match in python.finditer(text) for place in range(*match.span())}
        assert wanted <= found(pattern, text), text


@pytest.mark.parametrize(
    ("pattern", "text", "kept"),
    [
        (r"\b\d{3}\b", "ä123 123 1234", "ä123 # 1234"),
        (r"\bcat\b", "concatenate ä cat", "concatenate ä #"),
        (r"\bü+\b", "aü ü _", "aü # #"),  # beside `\b`, a letter beyond ASCII also finds others and `_`
        (r"\b", "a b", "a b"),  # a match without a character masks nothing
        (r"a*b*c", "aac c", "# #"),
        (MAIL, "ärger@example.org", "#"),
    ],
)
def test_what_is_found_beside_letters_beyond_ascii(pattern: str, text: str, kept: str) -> None:
    search, masked = PatternSearch([parse_pattern(pattern)]), text
    for start, end in sorted(set(search.find(text)), reverse=True):
        masked = f"{masked[:start]}#{masked[end:]}"
    assert masked == kept


@pytest.mark.parametrize(
    ("pattern", "sentence"),
    [
        (r"(?<=key=)\w+", "what is before or after a match cannot be looked at"),
        (r"a(?!b)", "what is before or after a match cannot be looked at"),
        (r"(a)\1", "backreferences"),
        (r"a{2000}", "repeat at most 1,000 times"),
        (r"(?:\w{1000}){1000}", "repeat"),
        (r"a++", "possessive quantifiers"),
        ("(", "missing )"),
        ("a*", "it matches an empty text"),
        ("\ud800", "half of a surrogate pair"),
    ],
)
def test_a_pattern_that_cannot_be_used_is_named_with_what_to_change(pattern: str, sentence: str) -> None:
    with pytest.raises(ConfigurationError, match="number 2 is") as raised:
        resolve_settings(redact_values=[MAIL, pattern])
    assert sentence in str(raised.value)


def test_without_the_package_the_setting_says_how_to_install_it(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(sys.modules, "re2", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'otel-sqlite-exporter\[redact\]'"):
        resolve_settings(redact_values=[MAIL])
    monkeypatch.setenv("OTEL_EXPORTER_SQLITE_REDACT_VALUES", MAIL)
    with caplog.at_level(logging.WARNING):
        settings = resolve_settings()
    assert "pip install 'otel-sqlite-exporter[redact]'" in caplog.text
    made = make_redactor(settings)
    assert made is not None
    assert made.redact_attributes({"a": "harmless", "n": 1}) == {"a": "[redacted]", "n": "[redacted]"}


HOSTILE = {
    "a word": "a" * LONG,
    "many bounds": "a-" * (LONG // 2),
    "beyond ASCII": "ä" * LONG,
    "bounds beyond ASCII": "ä " * (LONG // 2),
    "backslashes": "\\" * (LONG // 4),
    "escaped backslashes": r"\u005c" * (LONG // 24),
    "half of it an escape": r"\u005cu005c" * (LONG // 44),
    "addresses": "a@b.c " * (LONG // 12),
    "brackets": "[" * LONG,
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_no_text_stops_the_program(text: str) -> None:
    """`re` takes hours for the first. The bound is a hundred times what any of them takes here."""
    made = make_redactor(resolve_settings(redact_values=[KEY, MAIL, r"(?:a+)+b\b", r"(?:\w|\w\w)+!"]))
    assert made is not None
    begin = time.thread_time()
    redacted = made.redact_attributes({"a": text, "key": f"{text} sk-abcdefgh1234"})
    assert time.thread_time() - begin < 120
    assert "sk-abcdefgh1234" not in str(redacted["key"])


def test_other_threads_run_while_a_text_is_searched() -> None:
    """A search of this text takes a second in Python's `re`, during which no other thread runs."""
    search, text = PatternSearch([parse_pattern(r"(?:a|b|ab)*c")]), "ab" * (10 * LONG)
    turns, is_over = 0, False

    def count() -> None:
        nonlocal turns
        while not is_over:
            turns += 1
            time.sleep(0.0005)

    other = threading.Thread(target=count)
    other.start()
    try:
        before = turns
        search.find(text)
        assert turns > before
    finally:
        is_over = True
        other.join()


def test_a_text_that_takes_too_long_is_masked_whole_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """This pattern reads the rest of the text for each match."""
    monkeypatch.setattr(patterns, "_SECONDS", 0.0)
    monkeypatch.setattr(patterns, "_SECONDS_PER_BYTE", 0.0)
    text = "a" * 1_000
    with pytest.raises(TooMuchWorkError):
        PatternSearch([parse_pattern("a.*b|a")]).find(text)
    made = make_redactor(resolve_settings(redact_values=["a.*b|a"]))
    assert made is not None
    encoded = encode_attributes(made.redact_attributes({"k": [text, "other"], "n": b"aaa", text: 1}))
    assert encoded.text == '{"k":["[redacted]","other"],"n":"[redacted]","[redacted]":"[redacted]"}'
    assert encoded.repaired == 3


def test_importing_the_package_does_not_import_the_engine() -> None:
    code = 'import sys, otel_sqlite_exporter as o; o.SQLiteSpanExporter("x.db"); sys.exit("re2" in sys.modules)'
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
