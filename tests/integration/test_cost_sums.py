# SPDX-License-Identifier: Apache-2.0
"""Costs are fractions: their sums are the same in whatever order the calls arrived."""

from __future__ import annotations

from itertools import permutations
from pathlib import Path

from tests.conftest import read
from tests.integration.test_call_twins import Span, _export

_AGENT = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "guide", "session.id": "s"}
_CHAT = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "m", "gen_ai.usage.input_tokens": 1}


def test_the_order_of_calls_does_not_change_a_sum_of_costs(path: Path) -> None:
    agent = Span("guide", 1, 1, 0, 100, _AGENT)
    calls = [
        Span(f"call {number}", 1, number, 20, 30, {**_CHAT, "gen_ai.usage.cost": number / 10}, parent=1)
        for number in (2, 3, 4)
    ]
    for order in permutations([agent, *calls]):
        path.unlink(missing_ok=True)
        _export(path, order)
        for view in ("agent_tree", "sessions", "traces"):
            assert read(path, f"SELECT cost_usd FROM {view}") == [(0.9,)], view
