# SPDX-License-Identifier: Apache-2.0
"""Hypothesis strategies for what can reach an exporter."""

from __future__ import annotations

import math
from typing import Any

from hypothesis import strategies as st

HIGHEST_NS = 2**63 - 1

texts = st.one_of(
    st.text(max_size=20),
    st.text(st.characters(min_codepoint=0xD7F0, max_codepoint=0xE010), max_size=4),  # around and inside surrogates
    st.sampled_from(["", "\0", "a\0b", "null", "\ud800", "\udc00\ud800", "é\udfff", "NaN", "x" * 5000]),
)
integers = st.one_of(st.integers(-5, 5), st.integers(-(2**63), 2**63 - 1), st.integers(-(2**70), 2**70))
floats = st.one_of(st.floats(), st.sampled_from([math.nan, math.inf, -math.inf, -0.0, 1e308, 5e-324]))
scalars = st.one_of(st.none(), st.booleans(), integers, floats, texts, st.binary(max_size=12))
keys = st.one_of(
    st.text(min_size=1, max_size=10), st.sampled_from(["a/b", "~", "a.b", '"', "\0", "\ud800", "session.id"])
)
values: st.SearchStrategy[Any] = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(keys, inner, max_size=4)),
    max_leaves=8,
)
attributes = st.dictionaries(keys, values, max_size=6)
names = st.one_of(texts, st.none(), st.integers(), st.floats(allow_nan=False), st.binary(max_size=3))
times = st.one_of(st.integers(0, HIGHEST_NS), st.integers(1_790_000_000_000_000_000, 1_800_000_000_000_000_000))
