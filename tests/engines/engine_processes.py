# SPDX-License-Identifier: Apache-2.0
"""Runs engines that users run themselves, each in a process of its own, so that they do not change that of the tests.

A process reads `{"statements": [...], "questions": {name: SQL}}` from stdin, and prints
`{name: {"columns": [[name, type]], "rows": [[...]]}}`.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from typing import Any, NamedTuple

import pytest

from tests.conftest import HANG_S, ROOT
from tests.engines.java import SAYS_WHAT_TO_DO, find_java
from tests.system_packages import IS_REQUIRED

PACKAGES = {"clickhouse": "chdb", "duckdb": "duckdb", "spark": "pyspark"}


class Answer(NamedTuple):
    """What an engine says: the name and the type of each column, and the rows."""

    columns: list[tuple[str, str]]
    rows: list[tuple[Any, ...]]


def need_engine(engine: str) -> None:
    """Skip the test if this machine lacks the engine; where a change is judged, that is an error."""
    missing = None
    if find_spec(PACKAGES[engine]) is None:
        missing = f"The tests of {engine} need the package {PACKAGES[engine]}."
    elif engine == "spark" and find_java() is None:
        missing = SAYS_WHAT_TO_DO
    if missing is not None:
        (pytest.fail if IS_REQUIRED else pytest.skip)(missing)


def ask_process(engine: str, statements: Sequence[str], questions: Mapping[str, str]) -> dict[str, Answer]:
    """Return the answers of `clickhouse` or `spark` by the name of the question, after the statements ran."""
    need_engine(engine)
    asked = json.dumps({"statements": statements, "questions": questions})
    program = [sys.executable, "-W", "ignore", "-m", f"tests.engines.{engine}_program"]
    done = subprocess.run(program, cwd=ROOT, input=asked, capture_output=True, text=True, timeout=2 * HANG_S)
    assert done.returncode == 0, done.stderr[-4000:]
    answers = json.loads(done.stdout).items()
    return {name: Answer([*map(tuple, answer["columns"])], [*map(tuple, answer["rows"])]) for name, answer in answers}
