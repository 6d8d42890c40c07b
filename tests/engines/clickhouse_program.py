# SPDX-License-Identifier: Apache-2.0
"""ClickHouse in a process of its own: it runs statements and answers questions, as `engine_processes.py` says."""

from __future__ import annotations

import json
import sys
import tempfile
from typing import Any

from chdb import session


def main() -> None:
    """Read statements and questions from stdin, and print the answers."""
    asked = json.load(sys.stdin)
    with tempfile.TemporaryDirectory(prefix="clickhouse-") as folder:
        clickhouse = session.Session(folder)
        clickhouse.query("SET output_format_json_quote_64bit_integers = 0")
        for statement in asked["statements"]:
            clickhouse.query(statement)
        answers = {name: _ask(clickhouse, question) for name, question in asked["questions"].items()}
        clickhouse.close()
    json.dump(answers, sys.stdout)


def _ask(clickhouse: Any, question: str) -> dict[str, Any]:
    answer = json.loads(clickhouse.query(question, "JSONCompact").data())
    return {"columns": [(one["name"], one["type"]) for one in answer["meta"]], "rows": answer["data"]}


if __name__ == "__main__":
    main()
