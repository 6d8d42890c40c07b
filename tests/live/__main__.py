# SPDX-License-Identifier: Apache-2.0
"""Runs programs and writes what they exported as captures of OTLP.

python -m tests.live [NAME ...]

The programs have to be installed: see tests/live/environments.py.
"""

from __future__ import annotations

import json
import platform
import socket
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.conftest import ROOT
from tests.live.coding_agents import CODING_AGENTS
from tests.live.environments import ENVIRONMENTS, FOLDER
from tests.live.live_runs import run_live
from tests.otlp_captures.capture_files import Capture, write_capture
from tests.otlp_captures.differences import CUT, loaded_json

_LONG, _KEPT = 300, 60


def record(name: str) -> Capture:
    """Run a program, and return its capture without what only says where it ran."""
    with TemporaryDirectory(prefix="live-") as folder:
        capture = run_live(name, Path(folder))
        names = {folder: "/home/ada", str(FOLDER): "/programs", str(ROOT): "/project", sys.base_prefix: "/python"}
        names[platform.release()] = "6.1.0"
    text = json.dumps({"truth": capture.truth, "lines": [json.loads(line) for line in capture.lines]})
    for said, written in (names | {f'"{socket.gethostname()}"': '"host"'}).items():
        text = text.replace(said, written)
    held = json.loads(text)
    if name in CODING_AGENTS:
        held = cut(held)
    return capture._replace(truth=held["truth"], lines=[json.dumps(line) for line in held["lines"]])


def cut(value: Any) -> Any:
    """A value whose long texts are cut; in a text that is JSON, the long texts of this."""
    if isinstance(value, dict):
        return {key: cut(item) for key, item in value.items()}
    if isinstance(value, list):
        return [cut(item) for item in value]
    if not isinstance(value, str) or len(value) <= _LONG:
        return value
    loaded = loaded_json(value)
    if isinstance(loaded, dict | list):
        return json.dumps(cut(loaded))
    return f"{value[:_KEPT]} {CUT}"


if __name__ == "__main__":
    for program in sys.argv[1:] or ENVIRONMENTS:
        print(f"wrote {write_capture(record(program))}", flush=True)
