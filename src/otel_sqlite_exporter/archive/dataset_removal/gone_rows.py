# SPDX-License-Identifier: Apache-2.0
"""What goes of data points, exemplars, pins and notes with what is removed: rows of parts that belong to no unit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from otel_sqlite_exporter.archive.archive_packages import load_pyarrow
from otel_sqlite_exporter.archive.compaction.part_relations import PartRelations
from otel_sqlite_exporter.archive.dataset_removal.chosen_units import find_range, run_removal
from otel_sqlite_exporter.maintain.deletion.deletion_rule import DeletionRule
from otel_sqlite_exporter.maintain.deletion.naming_texts import find_needle, names_user
from otel_sqlite_exporter.model.values import LARGEST, decode_attributes

_NAMES = 3
"""The columns of a series that name a service, a session and a user."""
_IsNamed = Callable[[Mapping[str, Any]], bool]


@dataclass(slots=True)
class GoneRows:
    """Which rows go, and how many went.

    Attributes:
        series: The ids of the series that lose points.
        since, until: The times of these points, in nanoseconds since 1970.
        sessions, marked_traces: Of these, pins and notes go.
        traces: Exemplars of these go.
        exemplar_attributes: Attributes (JSON) of exemplars that name what goes.
        names: Sessions, users and services that these series name.
        counts: Rows that went, by table.
    """

    series: Collection[int] = ()
    since: int = -LARGEST
    until: int = LARGEST
    sessions: Collection[str] = ()
    traces: Collection[str] = ()
    marked_traces: Collection[str] = ()
    exemplar_attributes: Collection[str] = ()
    names: Collection[str] = ()
    counts: Counter[str] = field(default_factory=Counter)

    def find_days(self, relations: PartRelations) -> set[str]:
        """Return the days on which such rows are.

        Raises:
            DamagedFileError: A part cannot be read.
        """
        found = run_removal(relations, "list_days_of_rows", **self._name_points(), **self._name_marked())
        return {date for (date,) in found}

    def name_rows(self) -> dict[str, Any]:
        """Return the rows as parameters of a query: of the series, those before `until`."""
        return {"series": [*self.series], "until": self.until, **self._name_marked()}

    def count(self, relations: PartRelations) -> tuple[int, int, int]:
        """Return how many series lose points, how many points go, and how many exemplars of others.

        Raises:
            DamagedFileError: A part cannot be read.
        """
        ((series, points, exemplars),) = run_removal(relations, "count_rows", **self._name_points())
        return int(series), int(points), int(exemplars)

    def keep_points(self, batch: Any) -> Any:
        """Return the data points of a record batch that stay."""
        return self._keep("metrics", batch, self._is_of_series(batch, "time_unix_nano"))

    def keep_exemplars(self, batch: Any) -> Any:
        """Return the exemplars of a record batch that stay."""
        compute = load_pyarrow().compute
        goes = self._is_of_series(batch, "point_time_unix_nano")
        for column, gone in (("trace_id", self.traces), ("attributes", self.exemplar_attributes)):
            goes = compute.or_(goes, _is_in(batch, column, gone))
        return self._keep("exemplars", batch, goes)

    def keep_marks(self, batch: Any) -> Any:
        """Return the pins and notes of a record batch that stay."""
        compute = load_pyarrow().compute
        goes = compute.or_(_is_in(batch, "session_id", self.sessions), _is_in(batch, "trace_id", self.marked_traces))
        return self._keep("marks", batch, goes)

    def _name_marked(self) -> dict[str, Any]:
        return {"sessions": [*self.sessions], "marked": [*self.marked_traces]}

    def _name_points(self) -> dict[str, Any]:
        return {
            "series": [*self.series],
            "since": self.since,
            "until": self.until,
            "traces": [*self.traces],
            "attributes": [*self.exemplar_attributes],
        }

    def _is_of_series(self, batch: Any, time: str) -> Any:
        compute = load_pyarrow().compute
        times = batch.column(time)
        in_time = compute.and_(compute.greater_equal(times, self.since), compute.less(times, self.until))
        return compute.and_(_is_in(batch, "series_id", self.series), in_time)

    def _keep(self, table: str, batch: Any, goes: Any) -> Any:
        compute = load_pyarrow().compute
        kept = batch.filter(compute.invert(goes))
        self.counts[table] += batch.num_rows - kept.num_rows
        return kept


def find_series(relations: PartRelations, rule: DeletionRule, sessions: Collection[str]) -> GoneRows:
    """Return the data points and exemplars that `rule` chooses. `sessions` are those whose user it names.

    Raises:
        DamagedFileError: A part cannot be read.
    """
    gone = GoneRows(exemplar_attributes=_find_named_exemplars(relations, rule))
    gone.since, gone.until = find_range(rule).values()
    if not rule.traces:  # points belong to no trace
        every = run_removal(relations, "list_series")
        chosen = [columns for columns in every if _is_chosen(rule, sessions, *columns[1:])]
        gone.series = [id for id, *_ in chosen]
        gone.names = {name for _, *named in chosen for name in named[:_NAMES]} - {None}
    return gone


def _is_chosen(
    rule: DeletionRule,
    sessions: Collection[str],
    service: str | None,
    session: str | None,
    user: str | None,
    *attributes: Any,
) -> bool:
    own, resource = attributes[:2], attributes[2:]
    if rule.sessions and session not in rule.sessions:
        return False
    if rule.services and service not in rule.services:
        return False
    return not rule.users or (
        user in rule.users
        or session in sessions
        or any(names_user(decode_attributes(*texts), rule.users) for texts in (own, resource))
    )


def _find_named_exemplars(relations: PartRelations, rule: DeletionRule) -> set[str]:
    """Return the attributes of exemplars that a rule of nothing but sessions or users names."""
    names: Sequence[str] = rule.sessions or rule.users
    given = [name for name, value in rule._asdict().items() if value]
    if given not in (["sessions"], ["users"]):
        return set()
    is_named: _IsNamed = (
        (lambda attributes: names_user(attributes, names))
        if rule.users
        else (lambda attributes: any(value in names for value in attributes.values() if isinstance(value, str)))
    )
    return {
        text
        for name in names
        for text, types in run_removal(relations, "list_named_exemplars", needle=find_needle(name))
        if is_named(decode_attributes(text, types))
    }


def _is_in(batch: Any, column: str, values: Collection[Any]) -> Any:
    arrow = load_pyarrow()
    found = batch.column(column)
    return arrow.compute.is_in(found, arrow.array([*values], found.type))
