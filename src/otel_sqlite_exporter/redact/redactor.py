# SPDX-License-Identifier: Apache-2.0
"""Masks, drops and cuts values before anything is written. Pure, except for a log line if the user's function fails.

Nothing here raises for any value. A value that causes an error is masked.
"""

from __future__ import annotations

import fnmatch
import logging
import re
import time
from collections.abc import Collection, Mapping, Sequence
from collections.abc import Set as AbstractSet
from itertools import islice
from typing import Any, NamedTuple

from otel_sqlite_exporter.errors import TooMuchWorkError
from otel_sqlite_exporter.model.caches import remember
from otel_sqlite_exporter.model.odd_values.cut_values import Cut
from otel_sqlite_exporter.model.odd_values.repeated_keys import RepeatedKey, find_free_key
from otel_sqlite_exporter.model.odd_values.repeats import Repeats
from otel_sqlite_exporter.model.values import copy_attributes, repair_text
from otel_sqlite_exporter.patterns import PatternSearch
from otel_sqlite_exporter.redact.captured import Captured, make_captured
from otel_sqlite_exporter.redact.escapes import mask_matches
from otel_sqlite_exporter.settings import REDACTED, Settings, mask_everything

_logger = logging.getLogger(__name__)
_LOG_INTERVAL_S = 60.0
_CACHED = 4_096
_SHORT = 64  # characters of a text that often comes again, such as a name or a number
_DEEPEST = 100
_SCALARS: frozenset[type] = frozenset((str, int, float, bool, type(None)))
_BYTES = (bytes, bytearray, memoryview)
_USABLE = (str, bool, int, float, *_BYTES, Mapping, Sequence)


class Repaired:
    """Stands for a value that could not be kept as it was. It is encoded as `text`, and counted as repaired."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text

    def __str__(self) -> str:  # noqa: D105
        return self.text


_LOST = Repaired(REDACTED)
_TOO_DEEP = Repaired("")


class _Rule(NamedTuple):
    """How the values of one key are redacted; `key` is its redacted name."""

    key: Any
    is_masked: bool


def make_redactor(settings: Settings) -> Redactor | None:
    """Return the redactor that `settings` ask for, or None if everything is stored as it is."""
    masks = settings.redact_keys or settings.redact_values != () or settings.redactor is not None
    captured = make_captured(settings)
    return Redactor(settings, captured) if masks or captured or settings.capture_limit is not None else None


class Redactor:
    """Redacts attributes and texts as the settings say. Safe to use on several threads at once.

    In this order: what is not to be captured is left out, values whose key matches a glob are masked, the user's
    function is called, matches of patterns are masked, and long values are cut.
    """

    def __init__(self, settings: Settings, captured: Captured | None) -> None:
        globs = "|".join(map(fnmatch.translate, settings.redact_keys))
        self._match_key = re.compile(globs, re.IGNORECASE).match if globs else None
        self._search = PatternSearch(settings.redact_values) if settings.redact_values else None
        self._known: dict[str, str] = {}
        self._function = settings.redactor if settings.redact_values is not None else mask_everything
        self.captured = captured
        self._limit = settings.capture_limit
        if self._search is not None or self._function is not None:
            self._unchanged_types: frozenset[type] = frozenset()
        else:
            self._unchanged_types = _SCALARS if self._limit is None else _SCALARS.difference((str,))
        self._rules: dict[str, _Rule] = {}
        self._unchanged_keys: set[str] = set()
        self._quiet_until = 0.0

    def redact_attributes(
        self, attributes: Any, names: Collection[str] = (), *, of_call: bool = False
    ) -> dict[Any, Any]:
        """Return redacted attributes of a span, link, resource or scope, or of the event or log record with these
        names. `of_call`: it tells of a call, a tool or an agent."""
        plain = copy_attributes(attributes)
        if self.captured is not None:
            plain = self.captured.choose(plain, names, of_call=of_call)
        if self._unchanged_keys.issuperset(plain):
            if not self._unchanged_types.issuperset(map(type, plain.values())):
                for key, value in plain.items():
                    if type(value) not in self._unchanged_types:
                        plain[key] = self.redact_value(key, value)
            return plain
        redacted: dict[Any, Any] = {}
        numbers: dict[Any, int] = {}
        for key, value in plain.items():
            rule = self._find_rule(key)
            if rule.is_masked:
                value = REDACTED
            elif type(value) not in self._unchanged_types:
                value = self.redact_value(key, value)
            redacted[find_free_key(rule.key, redacted, numbers)] = value
        return redacted

    def redact_value(self, key: Any, value: Any) -> Any:
        """Return a redacted value of any type. The user's function gets it as `key`."""
        try:
            if self._function is not None:
                value = self._ask(key, value)
            return self._visit(value, 1, Repeats())
        except Exception:
            return _LOST

    def redact_body(self, body: Any, names: Collection[str] = (), *, of_call: bool = False) -> Any:
        """Return the redacted body of the log record with these names: None if it is left out. The user's function gets
        it as `log.body`."""
        if self.captured is not None and not self.captured.has_body(body, names, of_call=of_call):
            return None
        return self.redact_value("log.body", body)

    def redact_text(self, key: str, value: Any) -> Any:
        """Return a redacted name or other text outside of attributes. The user's function gets it as `key`."""
        if type(value) in self._unchanged_types and type(value) is str:
            return value
        try:
            text = str.__str__(value) if isinstance(value, str) else repair_text(value)[0]
            if self._function is not None:
                text = self._ask(key, text)
                if type(text) is not str:
                    return _LOST
            text = self._mask(text)
            if self._limit is not None and len(text) > self._limit:
                text = f"{text[: self._limit - 1]}…"
            return text if isinstance(value, str) else Repaired(text)
        except Exception:
            return _LOST

    def masks_key(self, key: str) -> bool:
        """Whether a glob matches `key`."""
        return self._match_key is not None and self._match_key(key) is not None

    def _find_rule(self, key: Any) -> _Rule:
        if not isinstance(key, str):
            rule = self._make_rule(repair_text(key)[0])
            return rule._replace(key=Repaired(rule.key))
        is_repeated = type(key) is RepeatedKey
        key = str.__str__(key)
        known = self._rules.get(key)
        if known is None:
            known = self._make_rule(key)
            if len(self._rules) >= _CACHED:
                self._rules.clear()
                self._unchanged_keys.clear()
            self._rules[key] = known
            if known.key == key and not known.is_masked:
                self._unchanged_keys.add(key)
        return known._replace(key=RepeatedKey(known.key)) if is_repeated else known

    def _make_rule(self, key: str) -> _Rule:
        try:
            return _Rule(self._mask(key), self.masks_key(key))
        except TooMuchWorkError:
            return _Rule(_LOST, True)

    def _ask(self, key: Any, value: Any) -> Any:
        assert self._function is not None
        try:
            answer = self._function(key, value)
        except Exception as error:
            self._warn("raised", error)
            return _LOST
        if isinstance(answer, _USABLE) or (answer is None and value is None):
            return answer
        self._warn("returned", answer)
        return _LOST

    def _warn(self, verb: str, outcome: Any) -> None:
        # Without the value and the exception's message: both may hold what must not be stored.
        now = time.monotonic()
        if now >= self._quiet_until:
            self._quiet_until = now + _LOG_INTERVAL_S
            effect = f"the value is stored as {REDACTED} (logged once a minute at most)"
            _logger.warning("the redactor %s %s: %s", verb, type(outcome).__name__, effect)

    def _visit(self, value: Any, depth: int, repeats: Repeats) -> Any:
        if type(value) in (tuple, list) and self._limit is None and self._unchanged_types.issuperset(map(type, value)):
            return value
        if value is None or isinstance(value, (bool, Repaired)):
            return value
        if isinstance(value, str):
            try:
                return self._cut(self._mask(str.__str__(value)), len(value))
            except TooMuchWorkError:  # only this text of the value is lost
                return _LOST
        if isinstance(value, (int, float)):
            return self._number(value)
        if isinstance(value, _BYTES):
            return self._cut(self._bytes(bytes(value)), memoryview(value).nbytes)
        if isinstance(value, (Mapping, Sequence, AbstractSet)):
            if depth >= _DEEPEST or not repeats.allow(value):
                return _TOO_DEEP
            kept = self._visit_inside(value, depth + 1, repeats)
            return kept if self._limit is None or len(value) <= self._limit else Cut(kept, len(value))
        return Repaired(self._mask(repair_text(value)[0]))

    def _visit_inside(self, value: Any, depth: int, repeats: Repeats) -> Any:
        if not isinstance(value, Mapping):
            return [self._visit(item, depth, repeats) for item in islice(value, self._limit)]
        kept: dict[Any, Any] = {}
        numbers: dict[Any, int] = {}
        for key, item in islice(value.items(), self._limit):
            rule = self._find_rule(key)
            free = find_free_key(rule.key, kept, numbers)  # keys that were masked may be the same: all values are kept
            kept[free] = REDACTED if rule.is_masked else self._visit(item, depth, repeats)
        return kept

    def _number(self, value: float) -> Any:
        # A card number may be stored as a number.
        number = int(value) if isinstance(value, int) else float(value)
        if self._search is None:
            return number
        digits = str(number)
        masked = self._mask(digits)
        return number if masked == digits else masked

    def _bytes(self, value: bytes) -> bytes:
        if self._search is None:
            return value
        return self._mask(value.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")

    def _cut(self, value: Any, size: int) -> Any:
        return value if self._limit is None or len(value) <= self._limit else Cut(value[: self._limit], size)

    def _mask(self, text: str) -> str:
        """Return `text` with matches masked. Raises TooMuchWorkError if that takes too long."""
        if self._search is None:
            return text
        known = self._known.get(text)
        if known is None:
            known = mask_matches(text, self._search.find, REDACTED)
            if len(text) <= _SHORT:
                remember(self._known, text, known)
        return known
