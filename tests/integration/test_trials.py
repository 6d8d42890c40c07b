# SPDX-License-Identifier: Apache-2.0
"""The program of the trials: a few of each kind find nothing, and what they find is counted."""

from __future__ import annotations

import os
import random
import sqlite3
import subprocess
import sys
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest

from tests.conftest import HANG_S, ROOT, clean_environment, exporting, make_spans
from tests.trials.__main__ import KINDS
from tests.trials.outcome import COLUMNS, run_alone
from tests.trials.writers import check

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not hasattr(os, "fork"), reason="trials fork")]


@pytest.mark.parametrize("kind", KINDS)
def test_a_few_trials_find_nothing(kind: str) -> None:
    command = [sys.executable, "-m", "tests.trials", "--number", "1", "--seed", str(random.randrange(10**6)), kind]
    done = subprocess.run(
        command, cwd=ROOT, env=clean_environment(), capture_output=True, text=True, check=False, timeout=2 * HANG_S
    )
    assert (done.returncode, done.stderr) == (0, "")
    heading, counts = (line.split() for line in done.stdout.splitlines())
    assert heading[1:] == list(COLUMNS)
    trials, acknowledged, *faults = counts[1:]
    assert int(trials.replace(",", "")) >= 1
    assert acknowledged >= "0"
    assert set(faults) == {"0"}


def test_a_lost_and_a_doubled_record_are_counted(path: Path) -> None:
    with exporting(path) as exporter:
        exporter.export(make_spans("once", "twice", "twice"))
    found = check(path, ["once", "twice", "never"])
    assert (found["acknowledged"], found["lost"], found["doubled"], found["quarantined"]) == (3, 1, 1, 0)


def test_a_trial_that_fails_is_counted(tmp_path: Path) -> None:
    def fail(folder: Path, _: random.Random) -> Counter[str]:
        with closing(sqlite3.connect(folder / "not a file" / "otel.db")):
            return Counter()

    assert run_alone(fail, tmp_path, 1)["tracebacks"] == 1
