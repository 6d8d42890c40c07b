# SPDX-License-Identifier: Apache-2.0
"""Chooses what is captured: without content, only metadata, or only attributes with certain keys. Pure."""

from __future__ import annotations

import fnmatch
import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from otel_sqlite_exporter.genai.column_readers import find_value
from otel_sqlite_exporter.genai.content_sources import NATIVE
from otel_sqlite_exporter.genai.messages.normalise import read_messages
from otel_sqlite_exporter.genai.messages.tool_mentions import find_tool_calls, find_tool_results
from otel_sqlite_exporter.genai.rules import Rules, extend_rules
from otel_sqlite_exporter.model.caches import remember
from otel_sqlite_exporter.model.dialect import CONTENT, Dialect, find_content_names
from otel_sqlite_exporter.model.left_out import CALL_ID, TOOL_CALLS, TOOL_RESULTS, write_left
from otel_sqlite_exporter.model.values import repair_text
from otel_sqlite_exporter.redact.content_names import (
    LEFT_OUT_OF_PARAMETERS,
    PARAMETERS,
    TEXTS,
    carries_content,
    is_content,
    is_content_of_event,
    tells_of_calls,
)
from otel_sqlite_exporter.redact.json_members import NOTHING, keep_members, keep_paths
from otel_sqlite_exporter.redact.metadata import Metadata, is_plain, is_short
from otel_sqlite_exporter.redact.telling_names import TellingNames
from otel_sqlite_exporter.settings import Settings

_BODY, _DESCRIPTION, _METRIC = "log.body", "status.description", "metric.description"
_Change = Callable[[Any], Any]


class _Key(NamedTuple):
    """What happens to the values of one key. `change` returns what is left of a value, `NOTHING` if that is nothing;
    None: it stays as it is. `change_of_call` does so where a call, tool or agent is told."""

    change: _Change | None
    change_of_call: _Change | None


def make_captured(settings: Settings) -> Captured | None:
    """Return what `settings` choose, or None if everything is captured."""
    is_all = settings.capture == "all" and settings.capture_content and not settings.allow_keys
    return None if is_all else Captured(settings)


class Captured:
    """Leaves out of spans, log records and data points what is not to be captured. Safe on several threads at once.

    Content goes first, whatever the keys are. Of the rest, attributes stay whose keys match a glob of `allow_keys`;
    with `capture=metadata`, metadata stays too. `counts`: what is left out is counted as dropped.
    """

    def __init__(self, settings: Settings) -> None:
        self._rules: Rules = extend_rules(settings.dialects)
        self._has_content = settings.capture_content and settings.capture == "all"
        globs = "|".join(map(fnmatch.translate, settings.allow_keys))
        self._match_allowed = re.compile(globs, re.IGNORECASE).match if globs else None
        self._metadata = None
        if settings.capture == "metadata":
            self._metadata = Metadata(self._rules.dialects, settings.session_attributes)
        self.counts = self._metadata is not None or self._match_allowed is not None
        self._telling = TellingNames(self._rules.dialects)
        self._names = _find_names(self._rules.dialects)
        _, self._own_prefixes = find_content_names(settings.dialects)
        markers = (name for one in self._rules.dialects for name in one.markers if name.endswith(".*"))
        self._families = tuple({name[:-1] for name in markers})
        self._recognising = {name for one in self._rules.dialects for name in (*one.markers, *one.operations)}
        self._paths = _find_paths(self._rules.dialects)
        self._answers = _find_sources(self._rules.dialects, "completion")
        self._results = _find_sources(self._rules.dialects, "result")
        self._prompts = _find_sources(self._rules.dialects, "prompt")
        # The views show these two as they are.
        shown = {NATIVE["arguments"], NATIVE["result"]}
        facts = (self._paths.keys() | self._answers.keys() | self._results.keys() | self._prompts.keys()) - shown
        self._facts = frozenset(filter(self.is_content, facts))
        self._keys: dict[str, _Key] = {}

    def tells_of_call(self, attributes: Mapping[Any, Any], scope: Any, events: Iterable[Collection[str]] = ()) -> bool:
        """Whether a span (or a data point) with these attributes, of this scope and with `events` of these names (that
        of its metric) tells of a call, a tool or an agent whose content is left out."""
        if self._has_content:
            return False
        if tells_of_calls(_name(scope)) or any(map(self._telling.tell, events)):
            return True
        return self._rules.plan_span({key: type(value) for key, value in attributes.items()}) is not None

    def tells_of_call_in_log(self, names: Collection[str], scope: Any) -> bool:
        """Whether a log record of these names and this scope tells of one whose content is left out."""
        return not self._has_content and (tells_of_calls(_name(scope)) or self._telling.tell(names))

    def knows_record(self, name: str) -> bool:
        """Whether a dialect knows a record of this name."""
        return self._telling.know(name)

    def choose(self, attributes: dict[Any, Any], names: Collection[str], *, of_call: bool) -> dict[Any, Any]:
        """Return the attributes that are captured, of the event or log record with these names if there are any."""
        of_event = not self._has_content and carries_content(names)
        kept: dict[Any, Any] = {}
        left_out: list[str] = []
        for key, value in attributes.items():
            text = key if type(key) is str else repair_text(key)[0]
            rule = self._keys.get(text) or self._find_key(text)
            if of_event and is_content_of_event(text, names):
                continue
            change = rule.change_of_call if of_call else rule.change
            if change is not None and (value := _apply(change, value)) is NOTHING:
                if text.startswith(self._families) and self._keeps_marker(text):
                    left_out.append(text)
                continue
            kept[key] = value
        if left_out:
            # A dialect that recognises a span by names with this beginning has to find one.
            for family in self._families:
                if any(key.startswith(family) for key in left_out) and not any(
                    type(key) is str and key.startswith(family) for key in kept
                ):
                    kept[f"{family}content_left_out"] = True
        return kept

    def is_content(self, key: str) -> bool:
        """Whether the attribute of this key is content."""
        return key in self._names or key.startswith(self._own_prefixes) or is_content(key)

    def has_body(self, body: Any, names: Collection[str], *, of_call: bool) -> bool:
        """Whether the body of the log record with these names is captured; a body that is its name always is."""
        if isinstance(body, str) and body in names:
            return True
        if not self._has_content and (of_call or carries_content(names)):
            return False
        return self._allows(_BODY)

    def has_description(self, *, of_call: bool) -> bool:
        """Whether the description of a status is captured."""
        return not of_call and self._allows(_DESCRIPTION)

    def has_metric_description(self) -> bool:
        """Whether the description of a metric is captured."""
        return self._allows(_METRIC)

    def _find_key(self, key: str) -> _Key:
        change = self._find_change(key)
        rule = _Key(change, self._leave_out(key) if key in TEXTS else change)
        remember(self._keys, key, rule)
        return rule

    def _find_change(self, key: str) -> _Change | None:
        if not self._has_content:
            if key in self._facts:
                return lambda value: self._keep_facts(key, value)
            if self.is_content(key):
                return self._leave_out(key)
            if key in PARAMETERS:
                return lambda value: self._keep_parameters(key, value)
        if self._allows(key):
            return None
        if self._metadata is None or key in TEXTS:
            return self._leave_out(key)
        is_name = self._metadata.is_name(key)
        return lambda value: self._keep_metadata(key, value, is_name)

    def _leave_out(self, key: str) -> _Change:
        """Return what leaves out a value. A span that a dialect recognises by the key has to stay recognisable."""
        left = write_left({}) if key in self._recognising and self._keeps_marker(key) else NOTHING
        return lambda value: left

    def _keep_facts(self, key: str, value: Any) -> Any:
        """Return what is left of content: what columns that are not content are read from, and called tools."""
        kept = keep_paths(value, self._paths.get(key, ()), _is_metadata)
        paths = self._answers.get(key, ()) if _may_call_tools(value) else ()
        messages = (read_messages(find_value(value, path), "assistant") for path in paths)
        calls = [call for found in messages for call in find_tool_calls(found or ())]
        if key in self._results:
            results = find_tool_results(read_messages(value, "tool") or ())
            if len(results) == 1:
                kept[CALL_ID] = results[0].tool_call_id
        paths = self._prompts.get(key, ()) if _may_call_tools(value) else ()
        prompts = (read_messages(find_value(value, path), "user") for path in paths)
        ids = [result.tool_call_id for found in prompts for result in find_tool_results(found or ())]
        if ids:
            kept[TOOL_RESULTS] = ids
        if calls:
            kept[TOOL_CALLS] = [{"id": call.tool_call_id, "name": call.tool_name} for call in calls]
        return write_left(kept) if kept else self._leave_out(key)(value)

    def _keeps_marker(self, key: str) -> bool:
        """Whether it may be stored that an attribute of this key was there."""
        return self._metadata is not None or self._allows(key)

    def _allows(self, key: str) -> bool:
        return (self._match_allowed is None and self._metadata is None) or self._allows_alone(key)

    def _allows_alone(self, key: str) -> bool:
        return self._match_allowed is not None and self._match_allowed(key) is not None

    def _keep_metadata(self, key: str, value: Any, is_name: bool) -> Any:
        if is_plain(value):
            return value
        if is_name and is_short(value) and not (isinstance(value, str) and value[:1] in ("{", "[")):
            return value
        return self._keep_parameters(key, value) if is_name else NOTHING

    def _keep_parameters(self, key: str, value: Any) -> Any:
        if is_plain(value):
            return value
        metadata = self._metadata

        def keep(name: str, item: Any) -> bool:
            if is_plain(item):
                return True
            return name not in LEFT_OUT_OF_PARAMETERS and (metadata is None or metadata.keeps(name, item))

        return keep_members(key, value, keep)


def _may_call_tools(value: Any) -> bool:
    """Whether it is worth reading messages for the tools that they call."""
    return not isinstance(value, str) or "ool" in value or "unction" in value


def _apply(change: _Change, value: Any) -> Any:
    try:
        return change(value)
    except Exception:  # values reach an exporter unchecked, with methods of their own
        return NOTHING


def _name(scope: Any) -> str:
    try:
        return repair_text(getattr(scope, "name", ""))[0]
    except Exception:  # a scope of an unknown class
        return ""


def _is_metadata(value: Any) -> bool:
    return is_plain(value) or is_short(value)


def _find_names(dialects: Sequence[Dialect]) -> frozenset[str]:
    """Return the names of attributes that are content. Those of span events that a dialect reads with the span are not
    content in other places."""
    names: set[str] = set()
    for one in dialects:
        found, _ = find_content_names([one])
        names.update(name for name in found if not (one.events and is_content_of_event(name, one.events)))
    return frozenset(names)


def _find_paths(dialects: Sequence[Dialect]) -> Mapping[str, Sequence[tuple[str, ...]]]:
    """Return where columns that are not content are in the JSON of attributes that are content."""
    paths: defaultdict[str, list[tuple[str, ...]]] = defaultdict(list)
    content, prefixes = find_content_names(dialects)
    for dialect in dialects:
        columns = dialect.attributes.keys() - CONTENT - {"request_parameters"}
        sources = [source for column in columns for source in dialect.attributes[column]]
        for name in (name for source in sources for name in source.names):
            if name.path and (name.name in content or name.name.startswith(prefixes) or is_content(name.name)):
                paths[name.name].append(name.path)
    return paths


def _find_sources(dialects: Sequence[Dialect], column: str) -> Mapping[str, Sequence[tuple[str, ...]]]:
    """Return the attributes that hold a column, and where in their JSON."""
    paths: defaultdict[str, list[tuple[str, ...]]] = defaultdict(list)
    for dialect in dialects:
        sources = [one for one in dialect.attributes.get(column, ()) if not one.is_prefix]
        for name in (name for source in sources for name in source.names):
            if (name.path or ()) not in paths[name.name]:
                paths[name.name].append(name.path or ())
    return paths
