# SPDX-License-Identifier: Apache-2.0
"""What is stored of attributes, put together again, is the attributes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_sqlite_exporter.model.values import encode_attributes
from otel_sqlite_exporter.write import shared_texts
from otel_sqlite_exporter.write.shared_texts import SharedTexts


class _Texts:
    """Where `SharedTexts` puts what it shares."""

    def __init__(self) -> None:
        self.texts: dict[int, str] = {}

    def add(self, text: str) -> int:
        self.texts[len(self.texts) + 1] = text
        return len(self.texts)

    def whole(self, stored: str, pieces: str | None) -> str:
        if pieces is None:
            return stored
        return "".join(
            stored[first - 1 : first - 1 + length] + "".join(self.texts[id] for id in ids)
            for first, length, ids in json.loads(pieces)
        )


def _encode(**attributes: Any) -> str:
    return encode_attributes(attributes).text


def _history(turns: int) -> str:
    return json.dumps([{"role": "user", "content": f'turn {turn} "é\\ ' + "x" * 300} for turn in range(turns)])


def test_each_call_stores_what_the_call_before_did_not_have() -> None:
    shared, texts = SharedTexts(), _Texts()
    sizes = []
    for turns in range(3, 60):
        whole = _encode(model="m", messages=_history(turns), after="[]")
        stored, pieces = shared.share(whole, "a", texts.add)
        assert texts.whole(stored, pieces) == whole
        sizes.append(len(stored) + len(pieces or ""))
    assert max(sizes[1:]) < 800
    assert sum(map(len, texts.texts.values())) < 1.1 * len(whole)


def test_an_array_that_stays_the_same_is_stored_twice_at_most() -> None:
    shared, texts = SharedTexts(), _Texts()
    whole = _encode(tools=_history(5))
    stored = [shared.share(whole, "a", texts.add) for _ in range(4)]
    assert stored[0] == (whole, None)
    assert stored[1] == stored[2] == stored[3]
    assert len(stored[1][0]) < 20
    assert len(texts.texts) == 1


def test_conversations_and_attributes_are_kept_apart() -> None:
    shared, texts = SharedTexts(), _Texts()
    shared.share(_encode(messages=_history(3)), "a", texts.add)
    assert shared.share(_encode(messages=_history(4)), "b", texts.add)[1] is None
    assert shared.share(_encode(others=_history(4)), "a", texts.add)[1] is None
    assert shared.share(_encode(messages=_history(4)), "a", texts.add)[1] is not None


def test_agents_of_one_conversation_take_turns() -> None:
    shared, texts = SharedTexts(), _Texts()
    for turns in range(3, 8):
        for agent in "abc":
            whole = _encode(messages=_history(turns).replace("turn", agent))
            stored, pieces = shared.share(whole, "a", texts.add)
            assert (pieces is not None) == (turns > 3)
            assert texts.whole(stored, pieces) == whole


def test_short_arrays_and_plain_texts_are_left_alone() -> None:
    shared, texts = SharedTexts(), _Texts()
    for whole in (_encode(messages="[1]", text="x" * 5000), _encode(list=["[", "]"] * 500), "{}"):
        for _ in range(3):
            assert shared.share(whole, "a", texts.add) == (whole, None)


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared_texts, "_MOST_CHARACTERS", 10_000)
    shared, texts = SharedTexts(), _Texts()
    for number in range(50):
        shared.share(_encode(messages=_history(3)), str(number), texts.add)
    assert shared.share(_encode(messages=_history(4)), "0", texts.add)[1] is None
    assert shared.share(_encode(messages=_history(4)), "49", texts.add)[1] is not None


def test_nothing_is_shared_with_what_a_failed_transaction_wrote() -> None:
    shared, texts = SharedTexts(), _Texts()
    for is_shared in (False, True):
        assert (shared.share(_encode(messages=_history(3)), "a", texts.add)[1] is not None) == is_shared
    shared.clear()
    assert shared.share(_encode(messages=_history(3)), "a", texts.add)[1] is None


parts = st.sampled_from(
    [
        *('[{"role":"user","content":"', "x" * 300, "x" * 600, '"}', ',{"role":"user"}', "]", '"', "\\", "\\\\", ":"),
        *("é\n", '":"[', ']"', '"]', "[", ",", "{"),
    ]
)
nearly_json = st.lists(parts, max_size=12).map("".join)


@given(st.lists(st.dictionaries(st.sampled_from(["a", 'b"]', ':"[']), nearly_json), max_size=12))
def test_whatever_the_attributes_are_they_come_back(calls: list[dict[str, str]]) -> None:
    shared, texts = SharedTexts(), _Texts()
    for attributes in calls:
        whole = _encode(**attributes)
        assert texts.whole(*shared.share(whole, "a", texts.add)) == whole


@given(st.lists(st.integers(0, 40), max_size=40), st.sampled_from(["x", '"', "\\", "é"]))
def test_histories_that_grow_shrink_and_branch_come_back(turns: list[int], filling: str) -> None:
    shared, texts = SharedTexts(), _Texts()
    for number in turns:
        whole = _encode(messages=_history(number).replace("x", filling), tools=_history(3))
        assert texts.whole(*shared.share(whole, "a", texts.add)) == whole
