# SPDX-License-Identifier: Apache-2.0
"""What a statement of a stranger can do: read the views, for a bounded time and with a bounded answer."""

from __future__ import annotations

import json
import math
import os
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from otel_sqlite_exporter.errors import FileRefusedError, FilterError
from otel_sqlite_exporter.query.sandbox.bounded_statement import run_bounded_statement
from otel_sqlite_exporter.query.sandbox.readable_names import FUNCTIONS
from otel_sqlite_exporter.query.sandbox.statement_limits import BoundedResult, StatementLimits
from otel_sqlite_exporter.sql.texts import read_folder
from tests.commands import run_here
from tests.conftest import clean_environment, exporting, make_spans

NUMBERS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT {}) "
ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) "


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    path = tmp_path_factory.mktemp("sandbox") / "otel.db"
    chat = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-4o-mini", "long": "é" * 300_000}
    with exporting(path) as exporter:
        exporter.export(make_spans("chat", "tool", attributes=chat))
        exporter.export_open(make_spans("open"))
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("CREATE VIEW broken AS SELECT * FROM gone")
            connection.execute('CREATE VIEW "my spans" AS SELECT name AS "the ""name" FROM _spans')
            connection.commit()
        yield path


def ask(path: Path, text: str, parameters: Any = (), **limits: Any) -> BoundedResult:
    return run_bounded_statement(str(path), text, parameters, StatementLimits(**limits))


def refused(path: Path, text: str, parameters: Any = (), **limits: Any) -> str:
    with pytest.raises(FilterError) as caught:
        ask(path, text, parameters, **limits)
    return str(caught.value)


@pytest.mark.parametrize("view", [name for name, _ in read_folder("views") if not name.startswith("_")])
def test_every_public_view_can_be_read(stored: Path, view: str) -> None:
    with closing(sqlite3.connect(stored)) as connection:
        columns = tuple(name for name, *_ in connection.execute(f"SELECT * FROM {view} LIMIT 0").description)
    assert ask(stored, f"SELECT * FROM {view}", timeout_s=30).columns == columns
    assert ask(stored, f"SELECT count(*) AS n FROM main.{view}", timeout_s=30).columns == ("n",)


def test_a_view_of_the_user_can_be_read_too(stored: Path) -> None:
    assert ask(stored, 'SELECT "the ""name" FROM "my spans" ORDER BY 1').rows[0] == ("chat",)
    assert "no such table: broken" in refused(stored, "SELECT * FROM broken")


@pytest.mark.parametrize(
    "text",
    [
        "SELECT * FROM _spans",
        "SELECT count(*) FROM _Spans",
        'SELECT 1 FROM main."_spans"',
        "SELECT (SELECT name FROM _spans) FROM spans",
        "SELECT 1 WHERE 1 IN _spans",
        "SELECT EXISTS (SELECT 1 FROM [_quarantine])",
        "EXPLAIN SELECT * FROM _spans",
        "/* */ explain query plan SELECT * FROM `_spans`",
        *(
            f"WITH {name} AS (SELECT * FROM _spans) SELECT * FROM {name}"  # the authorizer would see the view's name
            for name in ("spans", "up", "_whole_attributes", '"spans"', "'spans'")
        ),
        "WITH spans AS MATERIALIZED (SELECT * FROM _spans), x AS (SELECT * FROM spans) SELECT * FROM x, main.spans",
        "SELECT * FROM temp._open_runs",
        "SELECT * FROM _open_runs",
        "SELECT * FROM (SELECT * FROM _sessions) AS spans",
        "SELECT 1 UNION SELECT name FROM _spans",
        "VALUES ((SELECT max(id) FROM _spans))",
    ],
)
def test_a_private_table_cannot_be_named(stored: Path, text: str) -> None:
    assert "is private: ask the views (docs/schema.md)" in refused(stored, text)
    shown = run_here("sql", text, stored)
    assert (shown.exit_code, shown.stdout) == (2, "")


@pytest.mark.parametrize(
    "text",
    [
        "SELECT load_extension('x')",
        "SELECT fts3_tokenizer('simple')",
        "SELECT sqlite_log(1, 'x')",
        "SELECT readfile('/etc/passwd')",
        "SELECT writefile('x', 'y')",
        "SELECT * FROM dbstat",
        "SELECT count(*) FROM dbstat",
        "WITH spans AS (SELECT count(*) FROM dbstat) SELECT * FROM spans",
        "SELECT * FROM sqlite_dbpage",
        "SELECT * FROM pragma_integrity_check",
        "SELECT * FROM pragma_wal_checkpoint",
        "SELECT * FROM pragma_table_info('spans'), pragma_optimize",
        "PRAGMA trusted_schema = ON",
        "PRAGMA hard_heap_limit = 0",
        "PRAGMA temp_store = FILE",
        "PRAGMA query_only = OFF",
        "PRAGMA query_only(0)",
        "ATTACH ':memory:' AS x",
        "ATTACH DATABASE ? AS x",
        "CREATE TEMP TABLE x (y)",
        "CREATE TEMP VIEW x AS SELECT 1",
        "EXPLAIN DELETE FROM spans",
        "DELETE FROM spans",
        "INSERT INTO spans DEFAULT VALUES",
        "WITH x AS (SELECT 1) DELETE FROM spans",
        "VACUUM INTO '/tmp/x'",
        "ANALYZE",
        "REINDEX",
        "BEGIN",
        "COMMIT",
        "ROLLBACK",
        "SAVEPOINT x",
        "SELECT 1; SELECT 2",
        "SELECT 1;;",
        "EXPLAIN",
        "",
        " ; ",
        "-- nothing",
        "SELECT 'a\0b'",
        "SELECT '\ud800'",
    ],
)
def test_it_can_do_nothing_but_read(stored: Path, text: str) -> None:
    before = stored.read_bytes()
    assert refused(stored, text, ["x"] if "?" in text else ()).startswith("sql: ")
    assert stored.read_bytes() == before


def test_what_describes_and_what_computes_is_allowed(stored: Path) -> None:
    assert ask(stored, "PRAGMA table_info(spans)").rows[0][1] == "trace_id"
    assert ask(stored, "SELECT name FROM pragma_table_info('spans') WHERE cid = 0").rows == (("trace_id",),)
    assert ask(stored, "SELECT type FROM sqlite_schema WHERE name = 'spans'").rows == (("view",),)
    assert ask(stored, "EXPLAIN QUERY PLAN SELECT * FROM spans").total
    assert ask(stored, "SELECT value FROM json_each('[1, 2]')").rows == ((1,), (2,))
    assert ask(stored, "SELECT fullkey FROM json_tree('{\"a\": 1}') WHERE key = 'a'").rows == (("$.a",),)
    assert ask(stored, f"{NUMBERS.format(5)} SELECT sum(i) OVER (ORDER BY i) FROM n").rows[-1] == (15,)
    assert ask(stored, "SELECT json_group_array(name) FROM (SELECT name FROM spans ORDER BY name) ").rows[0]
    assert ask(stored, "VALUES (1), (2);").total == 2


def test_a_function_that_computes_is_in_the_list() -> None:
    """What is left out of a SQLite is what the module lists; a new function of SQLite is one to decide about."""
    left_out = {
        *("load_extension", "sqlite_log", "last_insert_rowid", "total_changes", "sqlite_offset", "match"),
        *("sqlite_compileoption_get", "sqlite_compileoption_used", "sqlite_source_id"),
        *("bm25", "fts3_tokenizer", "fts5", "fts5_source_id", "fts5_locale", "fts5_insttoken", "highlight"),
        *("matchinfo", "offsets", "optimize", "snippet", "rtreecheck", "rtreedepth", "rtreenode"),
        *("geopoly_area", "geopoly_blob", "geopoly_json", "geopoly_svg", "geopoly_within", "geopoly_contains_point"),
        *("geopoly_overlap", "geopoly_debug", "geopoly_bbox", "geopoly_xform", "geopoly_regular", "geopoly_ccw"),
        *("geopoly_group_bbox", "sha1", "sha3", "decimal", "uuid"),
    }
    with closing(sqlite3.connect(":memory:")) as connection:
        there = {name for (name,) in connection.execute("SELECT name FROM pragma_function_list")}
    assert there - FUNCTIONS - left_out == set()


def test_parameters_are_bound(stored: Path) -> None:
    hostile = "'; DROP VIEW spans --"
    assert ask(stored, "SELECT ?, ?2", [hostile, None]).rows == ((hostile, None),)
    assert ask(stored, "SELECT :a, $b", {"a": 2**63 - 1, "b": 0.5, "c": True}).rows == ((2**63 - 1, 0.5),)
    for text, parameters in (
        ("SELECT ?", []),
        ("SELECT ?", [1, 2]),
        ("SELECT :a", {"b": 1}),
        ("SELECT ?", [2**63]),
        ("SELECT ?", [[1]]),
        ("SELECT ?", [{}]),
        ("SELECT ?", ["\ud800"]),
        ("SELECT ?", "x"),
        ("SELECT ?", 5),
        ("SELECT ?", [b"x"]),
    ):
        assert refused(stored, text, parameters).startswith("parameters: ")


def test_the_answer_is_bounded(stored: Path) -> None:
    whole = ask(stored, f"{NUMBERS.format(500)} SELECT i FROM n")
    assert (len(whole), whole.total, whole.truncated) == (500, 500, False)
    more = ask(stored, f"{NUMBERS.format(501)} SELECT i FROM n")
    assert (len(more), more.total, more.truncated) == (500, None, True)
    assert len(ask(stored, f"{ENDLESS} SELECT i FROM n", limit=3)) == 3
    (row,) = ask(stored, "SELECT name, attributes, attributes AS again FROM spans WHERE name = 'chat'").rows
    assert len(str(row).encode()) < 257 << 10
    assert (row[0], row[1][-1], row[2]) == ("chat", "…", "…")
    assert ask(stored, "SELECT attributes FROM spans WHERE name = 'chat'").cut_values == 1
    large = ask(stored, f"{NUMBERS.format(100)} SELECT printf('%100000s', i) FROM n")
    assert (large.truncated, large.total, large.cut_values) == (True, None, 0)
    assert 4_000_000 < sum(len(text) for (text,) in large.rows) <= 4 << 20
    assert ask(stored, "SELECT x'00ff' AS a, 1 AS a, 9e999 AS a").rows == (("00ff", 1, None),)
    assert ask(stored, "SELECT x'00ff' AS a, 1 AS a, 9e999 AS a").columns == ("a", "a:1", "a:2")
    assert ask(stored, "SELECT CAST(x'c328' AS TEXT)").rows == (("\ufffd(",),)
    assert json.dumps(ask(stored, "SELECT zeroblob(900000)").rows, allow_nan=False)


@pytest.mark.parametrize(
    "limits", [{"timeout_s": 0}, {"timeout_s": 31}, {"timeout_s": math.nan}, {"limit": 0}, {"limit": 5_001}]
)
def test_a_limit_has_a_limit(limits: dict[str, Any]) -> None:
    with pytest.raises(FilterError, match=f"^{next(iter(limits))}: give"):
        StatementLimits(**limits)


@pytest.mark.parametrize(
    "text",
    [
        f"SELECT {'+'.join('1' * 300)}",
        " UNION ALL ".join(["SELECT 1"] * 60),
        f"SELECT {','.join('1' * 300)}",
        f"SELECT '{'a' * 70_000}'",
        f"SELECT {'(' * 300}1{')' * 300}",
        f"SELECT count(*) FROM {', '.join(f'agent_tree AS a{number}' for number in range(60))}",
        f"SELECT 'a' LIKE '{'%a' * 300}'",
        "SELECT length(zeroblob(70000000))",
    ],
)
def test_its_size_and_depth_are_bounded(stored: Path, text: str) -> None:
    assert "SQLite cannot run it" in refused(stored, text)


@pytest.mark.slow
def test_time_is_bounded_and_others_go_on(stored: Path) -> None:
    slow = [
        f"{ENDLESS} SELECT max(i) FROM n",
        f"{ENDLESS} SELECT i FROM n ORDER BY i",
        f"{ENDLESS} SELECT count(*) FROM n, n AS m",
    ]
    failures: list[str] = []
    threads = [threading.Thread(target=lambda text=text: failures.append(refused(stored, text))) for text in slow]
    for thread in threads:
        thread.start()
    assert ask(stored, "SELECT count(*) FROM spans", timeout_s=30).rows == ((3,),)
    for thread in threads:
        thread.join()
    assert failures == ["timeout_s: the statement took longer than 1 s"] * 3


@pytest.mark.slow
@pytest.mark.parametrize(
    "text",
    [
        "SELECT like('%' || printf('%400s', '') || 'b', printf('%60000000s', ''))",  # 44 s
        "WITH a (x, y) AS (SELECT printf('%1000000s', ''), printf('%500000s', '') || 'b') SELECT instr(x, y) FROM a",
        f"SELECT {','.join(f'length(upper(printf({chr(39)}%60000000s{chr(39)}, {number})))' for number in range(100))}",
    ],
)
def test_a_function_that_looks_at_no_clock_is_ended(stored: Path, text: str) -> None:
    assert refused(stored, text, timeout_s=0.1) == "timeout_s: the statement took longer than 0.1 s"
    assert ask(stored, "SELECT count(*) FROM spans").rows == ((3,),)


def test_what_a_statement_takes_is_not_taken_from_this_process(stored: Path) -> None:
    values = ", ".join(f"printf('%60000000s', ?1 + {number})" for number in range(12))
    assert "needs too much memory" in refused(stored, f"SELECT max({values})", [1], timeout_s=30)
    with closing(sqlite3.connect(stored)) as connection:
        assert connection.execute("PRAGMA hard_heap_limit").fetchone() == (0,)


def test_a_fork_has_processes_of_its_own(stored: Path) -> None:
    assert ask(stored, "SELECT 1").rows == ((1,),)
    program = (
        "import os, sys\n"
        "from otel_sqlite_exporter.query.sandbox.bounded_statement import run_bounded_statement as run\n"
        "assert run(sys.argv[1], 'SELECT 1').rows == ((1,),)\n"
        "child = os.fork()\n"
        "assert run(sys.argv[1], 'SELECT ?', [child]).rows == ((child,),)\n"
        "assert child == 0 or os.waitpid(child, 0)[1] == 0\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program, str(stored)],
        cwd=stored.parent,
        env=clean_environment(),
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_process_that_was_killed_is_replaced(stored: Path) -> None:
    found: list[str] = []
    known = {*find_children()}
    waiting = threading.Thread(
        target=lambda: found.append(refused(stored, f"{ENDLESS} SELECT max(i) FROM n", timeout_s=30))
    )
    waiting.start()
    while not (busy := [child for child in find_children() if is_busy(child)]):
        assert waiting.is_alive(), (found, known)
    os.kill(busy[0], signal.SIGKILL)
    waiting.join()
    assert found == ["sql: the process that ran it ended: select less, or aggregate less at once"]
    assert ask(stored, "SELECT 1").rows == ((1,),)


def find_children() -> list[int]:
    """The processes that run statements of this process."""
    return [int(pid) for task in Path("/proc/self/task").iterdir() for pid in (task / "children").read_text().split()]


def is_busy(pid: int) -> bool:
    """Whether a process has two threads: one waits for the end of a statement."""
    return len([*Path(f"/proc/{pid}/task").iterdir()]) > 2


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(FileRefusedError, match=r"otel\.db"):
        ask(tmp_path / "otel.db", "SELECT 1")
