# SPDX-License-Identifier: Apache-2.0
"""The file knows which rules derived its rows, so `migrate` and `doctor` say when `reindex` is due."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner

from otel_sqlite_exporter.cli.commands import cli
from otel_sqlite_exporter.genai import rule_digests
from otel_sqlite_exporter.genai.rule_digests import digest_rules
from otel_sqlite_exporter.maintain.doctor import diagnose
from otel_sqlite_exporter.maintain.reindex import reindex
from otel_sqlite_exporter.settings import resolve_settings
from tests.conftest import export_all, exporting, in_new_process, read

_OWN = {"name": "own", "markers": ["own.model"], "attributes": {"request_model": ["own.model"]}}


@pytest.fixture
def other_version(monkeypatch: pytest.MonkeyPatch) -> None:
    """The rules of this process are those of another version than before."""
    monkeypatch.setattr(rule_digests, "RULES_NUMBER", rule_digests.RULES_NUMBER + 1)
    rule_digests._digest_package.cache_clear()
    monkeypatch.setattr(rule_digests, "_digest_package", rule_digests._digest_package.__wrapped__)


def _find_rules(path: Path, **keywords: object) -> list[str]:
    return [one.what for one in diagnose(resolve_settings(path, **keywords)) if one.check == "rules"]  # type: ignore[arg-type]


def test_rules_have_the_same_name_in_each_process(tmp_path: Path) -> None:
    dialect = tmp_path / "own.json"
    dialect.write_text(json.dumps({**_OWN, "outside": {"own.cached": ["b", "a", "c"]}}))
    program = (
        "from otel_sqlite_exporter.genai.rule_digests import digest_rules\n"
        "from otel_sqlite_exporter.settings import resolve_settings\n"
        "print(*digest_rules(resolve_settings()))"
    )
    seen = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONHASHSEED": seed, "OTEL_EXPORTER_SQLITE_DIALECTS": str(dialect)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(seen) == 1
    plain = resolve_settings()
    assert digest_rules(plain).package in seen.pop()
    assert digest_rules(resolve_settings(session_attributes=["a"])).settings != digest_rules(plain).settings
    assert digest_rules(resolve_settings(pairing_window_ms=1)).settings != digest_rules(plain).settings
    assert digest_rules(resolve_settings(dialects=[str(dialect)])).settings != digest_rules(plain).settings
    assert digest_rules(resolve_settings(capture_limit=9)) == digest_rules(plain)


def test_rows_of_other_settings_are_told_until_reindex(path: Path, tmp_path: Path) -> None:
    dialect = tmp_path / "own.json"
    dialect.write_text(json.dumps(_OWN))
    with exporting(path, dialects=[str(dialect)]) as exporter:
        export_all(exporter, "a")
    assert _find_rules(path, dialects=[str(dialect)]) == []
    (what,) = _find_rules(path)
    assert "DIALECTS=own (" in what
    assert "reindex_due" not in CliRunner().invoke(cli, ["migrate", str(path)]).output
    reindex(resolve_settings(path))
    assert _find_rules(path) == []
    assert len(_find_rules(path, dialects=[str(dialect)])) == 1


def test_the_setting_that_differs_is_named_with_both_values(path: Path) -> None:
    with exporting(path, session_attributes=["chat.id", "session.id"], pairing_window_ms=7) as exporter:
        export_all(exporter, "a")
    variables = "OTEL_EXPORTER_SQLITE_SESSION_ATTRIBUTES", "OTEL_EXPORTER_SQLITE_PAIRING_WINDOW_MS"
    window, sessions = (one for one in diagnose(resolve_settings(path)) if one.check == "rules")
    assert sessions.what == f"rows were derived with {variables[0]}=chat.id,session.id; here it is the default"
    assert f"set {variables[0]}=chat.id,session.id here before you reindex" in str(sessions.remedy)
    assert f"set {variables[1]}=7 here before you reindex" in str(window.remedy)
    (other,) = _find_rules(path, session_attributes=["chat.id", "session.id"], pairing_window_ms=8)
    assert other == f"rows were derived with {variables[1]}=7; here it is 8"
    reindex(resolve_settings(path))
    (noted,) = (one for one in diagnose(resolve_settings(path, session_attributes=["chat.id"])) if one.check == "rules")
    assert noted.what == f"rows were derived with the default of {variables[0]}; here it is chat.id"
    assert f"unset {variables[0]} here before you reindex" in str(noted.remedy)


def test_a_note_that_cannot_be_read_is_no_failure(path: Path) -> None:
    with exporting(path) as exporter:
        export_all(exporter, "a")
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE _exporter_runs SET rule_settings = '12'")
        connection.execute("INSERT INTO _state (name, value) VALUES ('reindexed', 'x')")
    assert _find_rules(path) == []


def test_rows_of_another_version_are_told_until_reindex(path: Path, request: pytest.FixtureRequest) -> None:
    with exporting(path) as exporter:
        export_all(exporter, "a")
    assert json.loads(CliRunner().invoke(cli, ["migrate", "--json", str(path)]).output)["reindex_due"] is False
    request.getfixturevalue("other_version")
    (what,) = _find_rules(path)
    assert "another version" in what
    result = CliRunner().invoke(cli, ["migrate", str(path)])
    assert (result.exit_code, "reindex" in result.output) == (0, True)
    assert (
        json.loads(CliRunner().invoke(cli, ["migrate", "--check", "--json", str(path)]).output)["reindex_due"] is True
    )
    with exporting(path) as exporter:
        export_all(exporter, "b")
    assert len(_find_rules(path)) == 1
    reindex(resolve_settings(path))
    assert _find_rules(path) == []
    result = CliRunner().invoke(cli, ["migrate", str(path)])
    assert "reindex" not in result.output


def _write_and_die(path: Path, names: str) -> None:
    with exporting(path) as exporter:
        export_all(exporter, *names)
        os._exit(0)


def test_a_wal_without_its_file_is_named_and_brought_back(path: Path, tmp_path: Path) -> None:
    in_new_process(_write_and_die, path, "abc")
    path.unlink()
    (finding,) = (one for one in diagnose(resolve_settings(path)) if one.check == "write-ahead log")
    assert (finding.severity, str(path) + "-wal" in finding.what) == ("problem", True)
    with exporting(path) as exporter:
        export_all(exporter, "d")
    (finding,) = (one for one in diagnose(resolve_settings(path)) if one.check == "write-ahead log")
    assert finding.severity == "note"
    (orphan,) = path.parent.glob("*.orphaned-*-wal")
    assert str(orphan) in finding.what
    lost = tmp_path / "lost.db"
    assert CliRunner().invoke(cli, ["migrate", str(lost)]).exit_code == 0
    shutil.copy(orphan, f"{lost}-wal")
    assert CliRunner().invoke(cli, ["doctor", str(lost)]).exit_code == 0
    assert CliRunner().invoke(cli, ["export", str(lost), "--output", str(tmp_path / "lost.jsonl")]).exit_code == 0
    result = CliRunner().invoke(cli, ["import", str(tmp_path / "lost.jsonl"), "--into", str(path)])
    assert (result.exit_code, result.output) == (0, result.output)
    assert [name for (name,) in read(path, "SELECT name FROM spans ORDER BY name")] == ["a", "b", "c", "d"]
