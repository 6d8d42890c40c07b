# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_sqlite_exporter.encode.pairs import Candidate, link_by_time, link_within_span, split_phase

_WINDOW = 100


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("llm.call.start", ("llm.call", "start")),
        ("llm.call.finish", ("llm.call", "finish")),
        ("a.end", ("a", "finish")),
        ("a.stop", ("a", "finish")),
        ("a.result", ("a", "finish")),
        ("a.error", ("a", "finish")),
        ("start", (None, None)),
        (".start", (None, None)),
        ("a.started", (None, None)),
        ("a.start.now", (None, None)),
        ("", (None, None)),
    ],
)
def test_a_name_says_its_stem_and_phase(name: str, expected: tuple[str | None, str | None]) -> None:
    assert split_phase(name) == expected


@pytest.mark.parametrize(
    ("records", "mates"),
    [
        ([("a", "start", 1), ("a", "finish", 2)], {0: 1, 1: 0}),
        ([("a", "finish", 2), ("a", "start", 1)], {0: 1, 1: 0}),
        ([("a", "start", 5), ("a", "finish", 5)], {0: 1, 1: 0}),
        ([("a", "start", 3), ("a", "finish", 2)], {}),
        ([("a", "start", 1), ("b", "finish", 2)], {}),
        ([("a", "start", 1), ("a", "start", 2), ("a", "finish", 3), ("a", "finish", 4)], {0: 2, 2: 0, 1: 3, 3: 1}),
        ([("a", "start", 1), ("a", "finish", 2), ("a", "finish", 3)], {0: 1, 1: 0}),
    ],
)
def test_records_of_one_span_pair_first_with_first(records: list[tuple[str, str, int]], mates: dict[int, int]) -> None:
    assert link_within_span(records) == mates


def _candidate(id: int, time: int, *, finish: bool, trace: int = 1, session: int | None = 1) -> Candidate:
    return Candidate(time, int(finish), f"{id:016x}", 0, id, trace, session, "call", None, None)


def test_the_window_bounds_the_time_between_two_records() -> None:
    inside = [_candidate(1, 0, finish=False), _candidate(2, _WINDOW, finish=True)]
    outside = [_candidate(1, 0, finish=False), _candidate(2, _WINDOW + 1, finish=True)]
    assert link_by_time(inside, _WINDOW) == {1: 2, 2: 1}
    assert link_by_time(outside, _WINDOW) == {}


def test_a_partner_in_the_same_trace_comes_before_a_nearer_one_in_the_session() -> None:
    records = [
        _candidate(1, 0, finish=False, trace=1),
        _candidate(2, 5, finish=True, trace=2),
        _candidate(3, 9, finish=True, trace=1),
    ]
    assert link_by_time(records, _WINDOW) == {1: 3, 3: 1}


def test_what_a_trace_leaves_over_pairs_in_its_session() -> None:
    records = [_candidate(1, 0, finish=False, trace=1), _candidate(2, 5, finish=True, trace=2)]
    assert link_by_time(records, _WINDOW) == {1: 2, 2: 1}


def test_records_of_one_trace_pair_whatever_their_sessions() -> None:
    records = [_candidate(1, 0, finish=False, session=1), _candidate(2, 5, finish=True, session=2)]
    assert link_by_time(records, _WINDOW) == {1: 2, 2: 1}


@pytest.mark.parametrize("sessions", [(1, 2), (1, None), (None, None)])
def test_records_of_two_traces_pair_only_in_one_session(sessions: tuple[int | None, int | None]) -> None:
    records = [
        _candidate(1, 0, finish=False, trace=1, session=sessions[0]),
        _candidate(2, 5, finish=True, trace=2, session=sessions[1]),
    ]
    assert link_by_time(records, _WINDOW) == {}


@given(st.lists(st.tuples(st.integers(0, 300), st.booleans(), st.integers(1, 3), st.integers(1, 2)), max_size=30))
def test_links_are_mutual_and_go_forward_in_time(raw: list[tuple[int, bool, int, int]]) -> None:
    records = [
        _candidate(id, time, finish=finish, trace=trace, session=session)
        for id, (time, finish, trace, session) in enumerate(raw, 1)
    ]
    by_id = {record.id: record for record in records}
    mates = link_by_time(reversed(records), _WINDOW)
    assert mates == link_by_time(records, _WINDOW)
    for one, other in mates.items():
        assert mates[other] == one
        start, finish = sorted((by_id[one], by_id[other]), key=lambda record: record.is_finish)
        assert (start.is_finish, finish.is_finish) == (0, 1)
        assert 0 <= finish.time_unix_nano - start.time_unix_nano <= _WINDOW
        assert start.trace == finish.trace or start.session == finish.session
