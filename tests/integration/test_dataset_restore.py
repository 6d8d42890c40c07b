# SPDX-License-Identifier: Apache-2.0
"""What was archived can be looked at again: as a file, and as an export."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from otel_sqlite_exporter.archive.dataset_format.dataset_folder import open_dataset
from otel_sqlite_exporter.archive.dataset_format.manifests import read_manifests
from otel_sqlite_exporter.archive.restoring.gathered_file import gather, make_gathering_settings
from otel_sqlite_exporter.archive.restoring.restored_traces import TraceRestorer
from otel_sqlite_exporter.imports.merging.merger import Merger
from otel_sqlite_exporter.storage.state import read_state
from tests.commands import run
from tests.dataset_files import FIRST_NS, RICH_NAME
from tests.dataset_records import archive_all, copy_views
from tests.file_checks import check_file
from tests.integration.test_log_exporter import logging_to, make_log

_OF_POINTS = ("agent_usage", "exemplars", "metric_points", "metrics")


def _list(path: Path, query: str) -> list[Any]:
    with closing(sqlite3.connect(path)) as file:
        return [value for (value,) in file.execute(query)]


def test_a_file_that_is_restored_and_merged_has_the_same_views(small_rich: Path, tmp_path: Path) -> None:
    dataset = open_dataset(small_rich.with_name("dataset"))
    sessions = ["", *_list(small_rich, "SELECT session_id FROM sessions")]
    traces = _list(small_rich, "SELECT trace_id FROM traces")
    made = tmp_path / "made.db"
    manifests = read_manifests(dataset)
    with (
        closing(Merger(make_gathering_settings(str(made)))) as merger,
        closing(TraceRestorer(dataset, manifests, str(tmp_path))) as restorer,
    ):
        for manifest in reversed(manifests):
            with restorer.restoring(manifest, traces, sessions) as source:
                if source is not None:
                    assert source.read(lambda file: read_state(file, "file")) == RICH_NAME[:16]
                    merger.merge(source, lambda done, of: None)
    with closing(sqlite3.connect(made)) as file:
        check_file(file)
    expected, found = copy_views(small_rich, tmp_path), copy_views(made, tmp_path)
    assert expected["complete_llm_interactions"]
    marked = ("pinned", "pin_label", "note")
    for view in expected.keys() - {*_OF_POINTS, "row_counts", "marks"}:
        rows = [
            [sorted(str([one for one in row if one[0] not in marked]) for row in views[view])]
            for views in (expected, found)
        ]
        assert rows[0] == rows[1], view


def test_a_session_is_gathered_with_all_its_traces(small_rich: Path, tmp_path: Path) -> None:
    made = tmp_path / "made.db"
    code, out, errors = run(
        "restore", small_rich.with_name("dataset"), "--session", "bot", "--session", "chat-17", "--into", made, "--json"
    )
    assert (code, errors) == (0, "")
    told = json.loads(out)
    assert (told["sessions"], told["path"]) == (["both", "chat-17"], str(made))
    assert os.stat(made).st_mode & 0o777 == 0o600
    expected, found = (copy_views(path, tmp_path) for path in (small_rich, made))
    own = ("session_id", "both")
    for view in ("spans", "events", "links", "logs", "complete_llm_interactions", "marks", "sessions"):
        assert [row for row in expected[view] if own in row] == [row for row in found[view] if own in row] != [], view
    for view in _OF_POINTS:  # all of them name this session
        rows = [
            sorted(repr([column for column in row if column[0] != "series_id"]) for row in views[view])
            for views in (expected, found)
        ]
        assert rows[0] == rows[1] != [], view
    assert run("session", "both", made)[0] == 0
    code, _, errors = run("restore", small_rich.with_name("dataset"), "--session", "both", "--into", made)
    assert (code, errors) == (2, f"Error: {made} is there already: give another path\n")


@pytest.mark.parametrize("answered", [None, "gpt-4o-mini"])
def test_a_call_that_asked_for_two_models_keeps_its_cost(tmp_path: Path, path: Path, answered: str | None) -> None:
    start: dict[str, Any] = {"llm.model": "gpt-4o"}
    finish: dict[str, Any] = {"llm.model": "gpt-4.1"}
    finish |= {"llm.usage.prompt_tokens": 100, "llm.usage.completion_tokens": 10}
    finish |= {} if answered is None else {"llm.response.model": answered}
    with logging_to(path) as logs:
        for name, attributes in (("start", start), ("finish", finish)):
            common = {"session.id": "s", "llm.vendor": "openai"}
            logs.export([make_log(timestamp=FIRST_NS, event_name=f"llm.call.{name}", attributes=common | attributes)])
    costs = "SELECT request_model || model || cost_usd || price_source || price_date FROM complete_llm_interactions"
    with closing(sqlite3.connect(path)) as file, file:
        file.execute("UPDATE _llm_interactions SET cost_usd = 7.5, price_date = '2020-01-01' WHERE cost_usd > 0")
    before = _list(path, costs)
    assert "7.5" in before[0]
    dataset, _ = archive_all(path, tmp_path / "dataset")
    gather(dataset, str(tmp_path / "restored.db"), session_ids=["s"])
    assert _list(tmp_path / "restored.db", costs) == before


def _read_records(out: str) -> list[str]:
    """The spans, log records and data points of lines of OTLP, in an order of their own."""
    found = []
    for line in out.splitlines():
        for kind, lists in json.loads(line).items():
            for resource in lists:
                scopes = next(value for name, value in resource.items() if name.startswith("scope"))
                for scope in scopes:
                    records = next(value for name, value in scope.items() if isinstance(value, list))
                    found += [json.dumps([kind, resource["resource"], scope.get("scope"), one]) for one in records]
    return sorted(found)


@pytest.mark.parametrize(
    "asked",
    [("--session", "both"), ("--session", "chat"), ("--trace", "2000"), ("--session", "day 1", "--signal", "traces")],
)
def test_an_export_of_a_dataset_is_that_of_the_file(small_rich: Path, asked: tuple[str, ...]) -> None:
    asked = tuple(one.replace("2000", f"{0x2000:032x}") for one in asked)
    expected, found = (run("export", path, *asked) for path in (small_rich, small_rich.with_name("dataset")))
    assert found[0] == 0
    assert found[2] == expected[2]
    assert _read_records(found[1]) == _read_records(expected[1]) != []


def test_an_export_for_perfetto_and_one_with_redaction(small_rich: Path, tmp_path: Path) -> None:
    written = tmp_path / "both.pftrace"
    asked = (small_rich.with_name("dataset"), "--session", "both")
    assert run("export", *asked, "--format", "perfetto", "--output", written)[0] == 0
    assert written.stat().st_size > 1_000
    code, out, _ = run("export", *asked, "--no-content", "--redact-keys", "session.id")
    assert code == 0
    assert "where?" not in out
    assert '"stringValue":"both"' not in out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "is a dataset: give --session or --trace"),
        (("--session", "nope"), "there is no session 'nope' in the dataset: its 5 days are 2026-01-31 to 2026-11-28"),
        (("--session", "day"), "several sessions start with 'day': day 0, day 1; give more characters"),
        (("--trace", ""), "is not an id"),
    ],
)
def test_what_a_dataset_does_not_have_is_said(small_rich: Path, arguments: tuple[str, ...], said: str) -> None:
    code, out, errors = run("export", small_rich.with_name("dataset"), *arguments)
    assert (code, out) == (2, "")
    assert said in errors


def test_a_part_that_is_gone_is_said(small_rich: Path, tmp_path: Path) -> None:
    dataset = open_dataset(shutil.copytree(small_rich.with_name("dataset"), tmp_path / "damaged"))
    for manifest in read_manifests(dataset):
        for part in manifest.parts:
            if part.table == "links":
                os.unlink(dataset.join(part.path))
    code, _, errors = run("restore", dataset.path, "--session", "both", "--into", tmp_path / "made.db")
    assert code == 2
    assert "the part cannot be read" in errors
    assert "copy it from a backup" in errors
    assert sorted(os.listdir(tmp_path)) == ["damaged"]


def test_a_folder_that_is_no_dataset_is_refused(small_rich: Path, tmp_path: Path) -> None:
    code, _, errors = run("restore", tmp_path, "--session", "both", "--into", tmp_path / "made.db")
    assert (code, "it is no dataset" in errors) == (2, True)
    dataset = open_dataset(small_rich.with_name("dataset"))
    with pytest.raises(Exception, match="is in the dataset itself"):
        gather(dataset, os.path.join(dataset.path, "made.db"), session_ids=["both"])
