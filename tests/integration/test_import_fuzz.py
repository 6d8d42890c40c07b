# SPDX-License-Identifier: Apache-2.0
"""Whatever stands in a file: an import ends well, and every record is a row or in quarantine."""

from __future__ import annotations

import copy
import json
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from otel_sqlite_exporter.imports.importer import Importer, Totals
from otel_sqlite_exporter.imports.sources import open_source
from otel_sqlite_exporter.settings import resolve_settings
from tests.sample_metrics import COPILOT, JAVASCRIPT, make_metrics, write_json
from tests.source_files import make_agent_spans, make_events, make_logs, write_otlp_lines

_json = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(2**70), 2**70),
        st.floats(),
        st.text(max_size=8),
        st.sampled_from(["0" * 32, "0" * 16, "NaN", "-1", "9" * 30, "\ud800"]),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(["key", "value", "intValue", "arrayValue", "values", "name"]), inner, max_size=3
        ),
    ),
    max_leaves=6,
)


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, item in items for place in _places(item, (*path, key)))]


with TemporaryDirectory() as _folder:
    _written = write_otlp_lines(Path(_folder, "otlp"), make_agent_spans()[:2], make_logs(1))
    _MESSAGES: list[Any] = [json.loads(line) for line in _written.read_text().splitlines()]
_METRICS = make_metrics()
_SEEDS = [
    *(*_MESSAGES, *make_events(1), json.loads(write_json(_METRICS)), json.loads(_METRICS[0].to_json()), JAVASCRIPT),
    COPILOT[1],
]
_PLACES = [_places(seed) for seed in _SEEDS]


@st.composite
def _lines(draw: st.DrawFn) -> Any:
    """A message or an event in which some values are others."""
    number = draw(st.integers(0, len(_SEEDS) - 1))
    line = copy.deepcopy(_SEEDS[number])
    for place in draw(st.lists(st.sampled_from(_PLACES[number][1:]), min_size=1, max_size=3)):
        holder: Any = line
        try:
            for key in place[:-1]:
                holder = holder[key]
            holder[place[-1]] = draw(_json)
        except (KeyError, IndexError, TypeError):  # it stood in what was replaced before
            continue
    return line


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(lines=st.lists(st.one_of(_lines(), _json), min_size=1, max_size=20))
def test_an_import_ends_well_and_loses_no_record(lines: list[Any]) -> None:
    with TemporaryDirectory() as folder:
        source = Path(folder, "source")
        source.write_text("".join(f"{json.dumps(line)}\n" for line in [_MESSAGES[0], *lines]))
        with closing(Importer(resolve_settings(Path(folder, "otel.db")), None)) as importer:
            totals = []
            for _ in range(2):
                with open_source(str(source)) as opened:
                    report = importer.import_source(opened, lambda report: None)
                totals.append(importer.read_totals())
            assert (report.spans, report.logs, report.points) == (0, 0, 0)
            assert report.known <= report.pieces <= report.known + report.refused  # `known` can be read
        assert totals[0] == totals[1] != Totals()
        assert totals[0].received == totals[0].written + totals[0].duplicate + totals[0].quarantined
