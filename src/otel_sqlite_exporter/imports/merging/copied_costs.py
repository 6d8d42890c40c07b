# SPDX-License-Identifier: Apache-2.0
"""The costs of calls that are merged: as their source has them, with the source and the day of the price."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from otel_sqlite_exporter.genai.prices import PricedCall
from otel_sqlite_exporter.model.rows import EncodedLog, EncodedSpan, SpanRow
from otel_sqlite_exporter.write.call_prices import NO_PRICE, CallPrices, name_inputs

KnownCosts = Mapping[PricedCall, Sequence[Any]]
"""Cost in USD, status, source and date of the price, by what a call is priced by."""


_MOST_KNOWN = 20_000


class CopiedCosts(CallPrices):
    """Gives a call the computed cost that a source has, as long as that is known; else that by the prices of now, as
    the setting `cost` says."""

    def __init__(self, *, is_on: bool) -> None:
        super().__init__(is_on=is_on)
        self._known: dict[PricedCall, Sequence[Any]] = {}

    def know(self, costs: KnownCosts) -> None:
        """Know the costs of what is written next. Those of some records before stay known, as a later record may
        complete their calls."""
        if len(self._known) + len(costs) > _MOST_KNOWN:
            self._known.clear()
        self._known.update((_name_call(call), cost) for call, cost in costs.items())

    def forget(self) -> None:
        """Begin with another source."""
        self._known.clear()

    def lacks_cost(self, record: EncodedSpan | EncodedLog) -> bool:
        """Return whether a record is a call that does not tell its cost, and no source has told the cost of such a
        call."""
        llm = record.interactions.llm
        if llm is None or not super().lacks_cost(record):
            return False
        row = record.row
        start = row.start_time_unix_nano if isinstance(row, SpanRow) else row.time_unix_nano
        return name_inputs(llm, start) not in self._known

    def can_price(self) -> bool:
        """Return True: a cost may be known without the prices."""
        return True

    def find_cost(self, call: PricedCall) -> Sequence[Any]:
        """Return the known cost of a call, else what it costs now, else none."""
        known = self._known.get(_name_call(call))
        if known is not None:
            return known
        return super().find_cost(call) if super().can_price() else (None, None, *NO_PRICE)


def _name_call(call: PricedCall) -> PricedCall:
    """Return what tells a call from others: the model that answered, or else the one that was asked. A start and a
    finish may ask for different ones."""
    return call if call.response_model is None else call._replace(request_model=None)
