# SPDX-License-Identifier: Apache-2.0
"""Prices calls as they are written: those of spans before, and those that other records complete after that.

A computed cost never outlives what it was computed from: a trigger removes it when that changes, whoever writes.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Collection, Iterator, Sequence
from datetime import UTC, datetime
from operator import itemgetter
from typing import Any, NamedTuple

from otel_sqlite_exporter.errors import MissingPackageError
from otel_sqlite_exporter.genai.prices import Price, PricedCall, find_price, load_prices, name_source
from otel_sqlite_exporter.model.rows import EncodedLog, EncodedSpan, LLMInteractionRow, Records, make_row
from otel_sqlite_exporter.write.statements import run_query

_logger = logging.getLogger(__name__)
NO_PRICE: Sequence[str | None] = (None, None)
"""No source and no date of a price."""
_TIME = PricedCall._fields.index("start_time_unix_nano")
_places = [LLMInteractionRow._fields.index(name) for name in PricedCall._fields if name in LLMInteractionRow._fields]
_get_names, _get_tokens = itemgetter(*_places[:_TIME]), itemgetter(*_places[_TIME:])


class CallCost(NamedTuple):
    """A call and its cost: a row of queries/write/find_costs.sql. `is_due`: it gets a price if it has no cost. The last
    values are its span, and the fields of `PricedCall`."""

    id: int
    is_own: int
    is_due: int
    cost: tuple[Any, ...]
    span_and_inputs: tuple[Any, ...]

    @property
    def is_computed(self) -> bool:
        """Whether the cost was computed from a price."""
        return self.cost[1] not in (None, "reported")

    @property
    def inputs(self) -> PricedCall:
        """What the call is priced by."""
        return PricedCall._make(self.span_and_inputs[1:])

    def find_price(self) -> Price:
        """Return what the call cost by the prices of now.

        Raises:
            MissingPackageError: genai-prices is not installed.
        """
        return find_price(self.inputs)


class CallPrices:
    """The prices for the calls that a writer writes. `is_on`: the setting `cost` is not `off`."""

    def __init__(self, *, is_on: bool) -> None:
        self._is_usable: bool | None = None if is_on else False
        self._date = datetime.now(UTC).date().isoformat()

    def prepare(self, records: Records) -> None:
        """Note the day; and load the prices if a call among the records is the first that has none. Before a
        transaction, as that takes 0.2 s."""
        self._date = datetime.now(UTC).date().isoformat()
        if self._is_usable is None and (
            any(map(self.lacks_cost, records.spans)) or any(map(self.lacks_cost, records.logs))
        ):
            self._is_usable = _load()

    def lacks_cost(self, record: EncodedSpan | EncodedLog) -> bool:
        """Return whether a record is a call that does not tell its cost."""
        llm = record.interactions.llm
        return llm is not None and llm.cost_status is None

    def price_new(self, llm: LLMInteractionRow, start_time_unix_nano: int) -> Sequence[Any]:
        """Return what a finished span's call cost, its `cost_status`, and the source and date of the price."""
        if llm.cost_status is not None or llm.is_hidden or not self.can_price():
            return llm.cost_usd, llm.cost_status, *NO_PRICE
        return self.find_cost(name_inputs(llm, start_time_unix_nano))

    def price_written(
        self, connection: sqlite3.Connection, calls: Collection[int] = (), events: Collection[int] = ()
    ) -> None:
        """Price these calls, and those of these rows of `_events`, that have no cost and do not run."""
        if not (calls or events) or not self.can_price():
            return
        found = read_costs(connection, calls=calls, events=events)
        due = [call for call in found if call.is_due and call.cost[1] is None]
        costs = [(call.id, *self.find_cost(call.inputs)) for call in due]
        if costs:
            run_query(connection, "set_costs", costs=costs)

    def find_cost(self, call: PricedCall) -> Sequence[Any]:
        """Return what a call cost, its `cost_status`, and the source and date of the price: only where it can price."""
        price = find_price(call)
        return price.cost_usd, price.cost_status, name_source(), self._date

    def can_price(self) -> bool:
        """Return whether it gives calls a cost. The first time it loads the prices."""
        if self._is_usable is None:
            self._is_usable = _load()
        return self._is_usable


def name_inputs(llm: LLMInteractionRow, start_time_unix_nano: int) -> PricedCall:
    """Return what a call is priced by, as its own record tells it."""
    return make_row(PricedCall, (*_get_names(llm), start_time_unix_nano, *_get_tokens(llm)))


def read_costs(
    connection: sqlite3.Connection,
    *,
    spans: Collection[int] = (),
    logs: Collection[int] = (),
    events: Collection[int] = (),
    calls: Collection[int] = (),
) -> Iterator[CallCost]:
    """Yield the costs of the calls of these rows of `_spans`, `_logs` and `_events`, of calls that start there, and of
    `calls`."""
    found = run_query(connection, "find_costs", spans=spans, logs=logs, events=events, calls=calls).fetchall()
    for id, is_own, is_due, *rest in found:
        yield CallCost(id, is_own, is_due, tuple(rest[:4]), tuple(rest[4:]))


def _load() -> bool:
    try:
        load_prices()
    except MissingPackageError:
        return False
    except Exception as error:  # of genai-prices or what it imports
        _logger.warning("calls are written without a cost, as genai-prices cannot be imported: %s", error)
        return False
    return True
