# SPDX-License-Identifier: Apache-2.0
"""The links of a list: each holds what the list is asked for, with a change."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from otel_sqlite_exporter.server.api.api_backend import Arguments
from otel_sqlite_exporter.server.page.lists.exact_values import write_exact
from otel_sqlite_exporter.server.page.lists.list_layouts import ListLayout, QuickFilter
from otel_sqlite_exporter.server.page.page_links import link_page
from otel_sqlite_exporter.show.html_text import Html

DEFAULTS: Mapping[str, Any] = {"limit": 50, "sort": "start", "counted": "true"}
"""Arguments that a link leaves out."""
_LIMITS = (50, 100, 200, 500)
_COUNTED = (
    ("without repeats", "true", "Each call once: records that repeat another are left out, as in all sums"),
    ("repeats", "false", "Only the records that repeat another, and count nowhere"),
    ("all", "all", "All records, also those that repeat another"),
)
_KEPT = ("q", "filter", "limit", "sort", "counted")
"""Arguments that are no chips: they have a place of their own."""


class Chip(NamedTuple):
    """A link that sets a filter, or takes it away if it `is_set`."""

    label: str
    link: str
    is_set: bool
    argument: str
    about: str | None = None


class ListLinks:
    """The links of one list, as it was asked for."""

    def __init__(self, path: str, arguments: Arguments) -> None:
        """`arguments` are those that were given; a cursor is left out."""
        self._path = path
        self.given = {
            name: value
            for name, value in arguments.items()
            if value not in (None, "", []) and name != "cursor" and DEFAULTS.get(name) != value
        }

    def link(self, **changes: Any) -> str:
        """Return the link to the list with these changes: None takes an argument away."""
        wanted = {**self.given, **changes}
        return link_page(
            self._path,
            **{name: value for name, value in wanted.items() if value is not None and DEFAULTS.get(name) != value},
        )

    def clear(self) -> str:
        """Return the link to the list without filters."""
        return link_page(self._path, **{name: self.given[name] for name in ("q",) if name in self.given})

    def list_hidden(self, *left_out: str) -> list[tuple[str, Html]]:
        """Return what a form sends besides its own inputs, which are `left_out`."""
        return [
            (name, write_exact(_write(one)))
            for name, value in self.given.items()
            if name not in left_out
            for one in _spread(value)
        ]

    def list_quick(self, groups: Sequence[Sequence[QuickFilter]]) -> list[list[Chip]]:
        """Return the chips of each group."""
        return [[self._make_chip(one) for one in group] for group in groups]

    def _make_chip(self, quick: QuickFilter) -> Chip:
        is_set = self._is_set(quick)
        return Chip(quick.label, self.link(**{quick.argument: None if is_set else quick.value}), is_set, quick.argument)

    def _is_set(self, quick: QuickFilter) -> bool:
        return [_write(one) for one in _spread(self.given.get(quick.argument))] == [quick.value]

    def list_set(self, groups: Sequence[Sequence[QuickFilter]]) -> Iterator[Chip]:
        """Yield a chip for each value of a filter that is set, but for those of the groups; its link takes it away."""
        shown = {one.argument for group in groups for one in group if self._is_set(one)}
        for name, value in self.given.items():
            if name in _KEPT or name in shown:
                continue
            values = _spread(value)
            for one in values:
                rest = [other for other in values if other is not one] or None
                yield Chip(f"{_spell(name)} {_write(one)}", self.link(**{name: rest}), True, name)

    def list_counted(self) -> list[Chip]:
        """Return the chips that say which rows are listed: those that count, those that do not, or all."""
        now = self.given.get("counted", DEFAULTS["counted"])
        return [
            Chip(label, self.link(counted=value), now == value, "counted", about) for label, value, about in _COUNTED
        ]

    def list_limits(self) -> list[Chip]:
        """Return the chips of how many rows a page has."""
        now = self.given.get("limit", DEFAULTS["limit"])
        return [Chip(str(limit), self.link(limit=limit), limit == now, "limit") for limit in _LIMITS]

    def link_json(self, layout: ListLayout, cursor: str | None) -> str:
        """Return the link to the same rows as JSON."""
        given = {name: value for name, value in self.given.items() if name != "counted"}
        counted = self.given.get("counted", DEFAULTS["counted"]) if layout.is_counted else "all"
        return link_page(
            f"/api/v1/{layout.name}", **given, counted=None if counted == "all" else counted, cursor=cursor
        )


def _spread(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _write(value: Any) -> str:
    return ("true" if value else "false") if isinstance(value, bool) else str(value)


def _spell(name: str) -> str:
    """Return the name of an argument as people write it."""
    words = name.removesuffix("_id").removesuffix("_name").replace("_", " ")
    return f"{words.removeprefix('min ')} ≥" if name.startswith("min_") else f"{words}:"
