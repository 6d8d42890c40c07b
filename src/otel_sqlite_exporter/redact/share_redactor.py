# SPDX-License-Identifier: Apache-2.0
"""Redacts what is handed on, where more is asked for than of what is stored: keys are masked in JSON inside texts too,
a masked value is masked wherever it stands again, and what was masked is counted."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from otel_sqlite_exporter.errors import TooMuchWorkError
from otel_sqlite_exporter.model.odd_values.repeated_keys import find_free_key
from otel_sqlite_exporter.model.odd_values.repeats import Repeats
from otel_sqlite_exporter.model.values import copy_attributes
from otel_sqlite_exporter.redact.captured import make_captured
from otel_sqlite_exporter.redact.escapes import mask_matches
from otel_sqlite_exporter.redact.known_values import KnownValues
from otel_sqlite_exporter.redact.mask_counts import MaskCounts
from otel_sqlite_exporter.redact.quoted_members import find_members
from otel_sqlite_exporter.redact.redactor import Redactor
from otel_sqlite_exporter.settings import REDACTED, Settings

_BODY = "log.body"
_NAME = "span.name"
_JSON_BEGINS = ("{", "[", '"')


class ShareRedactor(Redactor):
    """Redacts as the settings say, for one share: on one thread.

    `known` are the values that are masked wherever they stand; those that this redactor masks by their key are added to
    them. So a second run finds what the first did not know yet.
    """

    def __init__(self, settings: Settings, known: KnownValues) -> None:
        super().__init__(settings, make_captured(settings))
        self._unchanged_types = frozenset()  # every value is looked at
        self._known_values = known
        self._finders = [
            ("repeat", known.find),
            *([("pattern", self._search.find)] if self._search is not None else ()),
        ]
        self._place = ""
        self.counts = MaskCounts()

    def masks_name(self, key: str, value: str) -> bool:
        """Return whether a name under `key` is masked or left out. One that is masked is masked wherever it stands."""
        counts, self.counts = self.counts, MaskCounts()
        redacted = self.redact_attributes({key: value})
        self.counts = counts
        if redacted and redacted.get(key) != value:
            self._known_values.add(value)
        return redacted.get(key) != value

    def redact_attributes(
        self, attributes: Any, names: Collection[str] = (), *, of_call: bool = False
    ) -> dict[Any, Any]:
        """Return redacted attributes, as `Redactor` does."""
        plain = copy_attributes(attributes)
        if self.captured is not None:
            chosen = self.captured.choose(plain, names, of_call=of_call)
            for key, value in plain.items():
                if key not in chosen or chosen[key] is not value:
                    self.counts.note("left_out", self._name(key))
            plain = chosen
        redacted: dict[Any, Any] = {}
        numbers: dict[Any, int] = {}
        for key, value in plain.items():
            self._place = "the key of an attribute"
            rule = self._find_rule(key)
            value = self._mask_member(rule.key, value) if rule.is_masked else self.redact_value(key, value)
            redacted[find_free_key(rule.key, redacted, numbers)] = value
        return redacted

    def redact_value(self, key: Any, value: Any) -> Any:
        """Return a redacted value, as `Redactor` does."""
        self._place = self._name(key)
        return super().redact_value(key, value)

    def redact_body(self, body: Any, names: Collection[str] = (), *, of_call: bool = False) -> Any:
        """Return the redacted body of a log record, as `Redactor` does."""
        redacted = super().redact_body(body, names, of_call=of_call)
        if redacted is None and body is not None:
            self.counts.note("left_out", _BODY)
        return redacted

    def redact_text(self, key: str, value: Any) -> Any:
        """Return a redacted text outside of attributes, as `Redactor` does."""
        self._place = key
        if key == _NAME and self.captured is not None and isinstance(value, str) and REDACTED in value:
            self.counts.note("left_out", key)
        return super().redact_text(key, value)

    def _name(self, key: Any) -> str:
        """Return what a key is called in the counts: masked, and without what is odd about it."""
        name = self._find_rule(key).key
        return str.__str__(name) if isinstance(name, str) else str(name)

    def _mask_member(self, key: Any, value: Any) -> Any:
        if not (isinstance(value, str) and value == REDACTED):
            self.counts.note("key", str(key))
            self._known_values.add(value)
        return REDACTED

    def _ask(self, key: Any, value: Any) -> Any:
        answer = super()._ask(key, value)
        if answer is not value and answer != value:
            self.counts.note("function", self._place)
        return answer

    def _visit_inside(self, value: Any, depth: int, repeats: Repeats) -> Any:
        if isinstance(value, Mapping):
            for key, item in value.items():
                rule = self._find_rule(key)
                if rule.is_masked:
                    self._mask_member(rule.key, item)
        return super()._visit_inside(value, depth, repeats)

    def _number(self, value: float) -> Any:
        number = int(value) if isinstance(value, int) else float(value)
        digits = str(number)
        masked = self._mask(digits)
        return number if masked == digits else masked

    def _bytes(self, value: bytes) -> bytes:
        return self._mask(value.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")

    def _mask(self, text: str) -> str:
        if self._match_key is not None:
            text = self._mask_fragments(self._mask_json(text))
        # Of the same text, or a pattern would not find what it matches together with a value.
        found: set[str] = set()

        def find(part: str) -> Sequence[tuple[int, int]]:
            places: list[tuple[int, int]] = []
            for kind, find_one in self._finders:
                if of_kind := find_one(part):
                    found.add(kind)
                    places += of_kind
            return places

        masked = mask_matches(text, find, REDACTED)
        if masked != text:
            for kind in sorted(found):
                self.counts.note(kind, self._place)
        return masked

    def _mask_json(self, text: str) -> str:
        """Return a text that is JSON with members masked by their keys; any other text as it is."""
        if not text.lstrip()[:1].startswith(_JSON_BEGINS):
            return text
        try:
            value = json.loads(text)
            masked = self._mask_members(value)
            return text if masked == value else json.dumps(masked, ensure_ascii=False)
        except ValueError:
            return text
        except RecursionError:
            raise TooMuchWorkError from None

    def _mask_members(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {
                key: self._mask_member(self._name(key), item) if self.masks_key(key) else self._mask_members(item)
                for key, item in value.items()
            }
        if isinstance(value, list):
            return [self._mask_members(item) for item in value]
        return self._mask_json(value) if isinstance(value, str) else value

    def _mask_fragments(self, text: str) -> str:
        """Return a text with members masked by their keys, wherever JSON stands in it."""

        def find(part: str) -> Sequence[tuple[int, int]]:
            found = []
            for member in find_members(part, self.masks_key):
                value = part[member.start : member.end]
                if value.strip("\"'") != REDACTED:
                    self._mask_member(self._name(member.key), value)
                    found.append((member.start, member.end))
            return found

        return mask_matches(text, find, REDACTED)
