# SPDX-License-Identifier: Apache-2.0
"""What `delete` is to remove: selectors, all of which must be met, and of each of which one value must be. Pure."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from otel_sqlite_exporter.errors import DeletionRefusedError


class DeletionRule(NamedTuple):
    """Selectors. A record goes that meets each of those that are given.

    Attributes:
        sessions: Ids: all records that show one of them.
        traces: Ids: whole traces.
        users: Traces and sessions whose user one of them is; parts of traces in which a record names one; and log
            records without a trace that do.
        services: Spans and log records whose resource names one of them.
        since: Traces that started at or after this time (nanoseconds since 1970), and log records without a trace that
            are of such a time.
        until: Likewise, before this time.
        filter: Traces that meet this filter.
    """

    sessions: tuple[str, ...] = ()
    traces: tuple[str, ...] = ()
    users: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    since: int | None = None
    until: int | None = None
    filter: str | None = None

    @property
    def has_selectors(self) -> bool:
        """Whether anything is given."""
        return bool(self.names) or self.has_time or self.filter is not None

    @property
    def has_time(self) -> bool:
        """Whether a range of time is given."""
        return self.since is not None or self.until is not None

    @property
    def is_time_alone(self) -> bool:
        """Whether nothing but a range of time is given."""
        return self.has_time and not self.names and self.filter is None

    @property
    def names(self) -> tuple[str, ...]:
        """All ids and names that are given."""
        return (*self.sessions, *self.traces, *self.users, *self.services)

    def check(self) -> None:
        """Raise DeletionRefusedError unless the rule chooses something, and each name is one."""
        if not self.has_selectors:
            raise DeletionRefusedError(
                "nothing was deleted, as nothing says what: give --session, --trace, --user, --service, --since, "
                "--until or --where"
            )
        if not all(self.names) or self.filter == "":
            raise DeletionRefusedError("nothing was deleted: an option has an empty value")
        if self.since is not None and self.until is not None and self.since >= self.until:
            raise DeletionRefusedError("nothing was deleted: --until is not after --since")

    def describe(self) -> dict[str, Any]:
        """Return the rule without names, for the ledger: how many values each selector has, and the times."""
        counts = {name: len(value) for name, value in self._asdict().items() if isinstance(value, tuple) and value}
        times = {name: value for name in ("since", "until") if (value := getattr(self, name)) is not None}
        return counts | times | ({} if self.filter is None else {"filter": True})

    def dump(self) -> str:
        """Return the rule as JSON, for `load`."""
        return json.dumps(self._asdict(), ensure_ascii=False)

    @classmethod
    def load(cls, text: str) -> DeletionRule:
        """Return the rule that `dump` wrote."""
        fields: dict[str, Any] = json.loads(text)
        return cls()._replace(
            **{name: tuple(value) if isinstance(value, list) else value for name, value in fields.items()}
        )
